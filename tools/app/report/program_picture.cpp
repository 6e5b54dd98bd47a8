#include "tools/app/report/program_picture.h"

#include <fmt/core.h>

#include <algorithm>

namespace firn::cli::report {

namespace {

using Anchor = Svg::Anchor;

constexpr double kPictureLeft = 150, kPictureTop = 62, kPictureRow = 46, kBoxHeight = 32, kGap = 10;

constexpr const char* kLegend = "ice: frozen, computed with nothing kept; dashed: absent from the program";

struct Pass {
  const char* letter;
  const char* name;
  const char* css_class;
};
constexpr Pass kPasses[] = {
    {"F", "forward", "pf"}, {"X", "input gradient", "px"}, {"W", "weight gradient", "pw"}};

}  // namespace

Svg draw(const ProgramPicture& picture) {
  const std::size_t n = picture.blocks.size();
  double box = 54;
  for (const std::string& name : picture.blocks) box = std::max(box, text_width(name) + 8);
  const auto columns = static_cast<double>(n);
  Svg svg(std::max(kPictureLeft + (box + kGap) * columns + 12, text_width(kLegend) + 12),
          kPictureTop + 3 * kPictureRow + 34, picture.title, picture.description);
  svg.text(0, 16, picture.title, Anchor::start, "strong");
  for (std::size_t b = 0; b < n; ++b) {
    const double x = kPictureLeft + (box + kGap) * static_cast<double>(b);
    svg.text(x + box / 2, kPictureTop - 12, picture.blocks[b], Anchor::middle, "muted");
    for (std::size_t pass = 0; pass < 3; ++pass) {
      const double y = kPictureTop + kPictureRow * static_cast<double>(pass);
      const bool there = pass == 0 || (pass == 1 ? b > picture.frozen : b >= picture.frozen);
      const std::string words = fmt::format("{}: {}", picture.blocks[b], kPasses[pass].name);
      const char* state = !there ? " absent" : b < picture.frozen ? " frozen" : "";
      svg.begin_group(fmt::format("pass {} b{}{}", kPasses[pass].css_class, b, state));
      svg.rectangle(x, y, box, kBoxHeight, "box", words);
      svg.text(x + box / 2, y + 21, there ? kPasses[pass].letter : "–", Anchor::middle, "strong");
      svg.end_group();
    }
  }
  for (std::size_t pass = 0; pass < 3; ++pass) {
    svg.text(0, kPictureTop + kPictureRow * static_cast<double>(pass) + 21,
             fmt::format("{}  {}", kPasses[pass].letter, kPasses[pass].name), Anchor::start);
  }
  svg.text(0, kPictureTop + 3 * kPictureRow + 14, kLegend, Anchor::start, "muted");
  return svg;
}

}  // namespace firn::cli::report
