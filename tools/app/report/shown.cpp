#include "tools/app/report/shown.h"

#include <fmt/core.h>

#include <algorithm>

#include "tools/app/report/png.h"

namespace firn::cli::report {

void add_shown(Page& page, const std::vector<Shown>& samples) {
  std::vector<Page::Picture> pictures;
  std::vector<std::string> texts;
  for (const Shown& s : samples) {
    const std::string words =
        s.truth == s.predicted
            ? fmt::format("{}, answered rightly ({:.0f} % sure)", s.truth, 100 * s.confidence)
            : fmt::format("{} taken for {} ({:.0f} % sure)", s.truth, s.predicted, 100 * s.confidence);
    if (s.pixels.empty()) {
      texts.push_back(s.text.empty() ? fmt::format("sample {}: {}", s.sample, words)
                                     : fmt::format("“{}”: {}", s.text, words));
      continue;
    }
    std::vector<real> pixels(s.pixels.size());
    std::transform(s.pixels.begin(), s.pixels.end(), pixels.begin(),
                   [](std::uint8_t byte) { return static_cast<real>(byte) / 255; });
    pictures.push_back({png(pixels, s.height, s.width, s.channels), words,
                        fmt::format("sample {} of the test part: {}", s.sample, words)});
  }
  if (!pictures.empty()) page.pictures(pictures);
  if (!texts.empty()) page.list(texts);
}

}  // namespace firn::cli::report
