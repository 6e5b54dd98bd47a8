#include "tools/app/report/program_picture.h"

#include <fmt/core.h>

#include <algorithm>

namespace firn::cli::report {

namespace {

using Anchor = Svg::Anchor;

constexpr double kPictureLeft = 150, kPictureTop = 62, kPictureRow = 46, kBoxHeight = 32, kGap = 10;

struct Pass {
  const char* letter;
  const char* name;
};
constexpr Pass kPasses[] = {{"F", "forward"}, {"X", "input gradient"}, {"W", "weight gradient"}};

}  // namespace

Svg draw(const ProgramPicture& picture) {
  const std::size_t n = picture.blocks.size();
  double box = 54;
  for (const std::string& name : picture.blocks) box = std::max(box, text_width(name) + 8);
  const auto columns = static_cast<double>(n);
  Svg svg(kPictureLeft + (box + kGap) * columns + 12, kPictureTop + 3 * kPictureRow + 34, picture.title,
          picture.description);
  svg.text(0, 16, picture.title, Anchor::start, "strong");
  for (std::size_t b = 0; b < n; ++b) {
    const double x = kPictureLeft + (box + kGap) * static_cast<double>(b);
    svg.text(x + box / 2, kPictureTop - 12, picture.blocks[b], Anchor::middle, "muted");
    for (std::size_t pass = 0; pass < 3; ++pass) {
      const double y = kPictureTop + kPictureRow * static_cast<double>(pass);
      const bool there = pass == 0 || (pass == 1 ? b > picture.frozen : b >= picture.frozen);
      const std::string words = fmt::format("{}: {} {}", picture.blocks[b], kPasses[pass].name,
                                            there ? "is computed" : "is absent");
      svg.rectangle(x, y, box, kBoxHeight, there ? "box" : "frozen", words);
      svg.text(x + box / 2, y + 21, there ? kPasses[pass].letter : "–", Anchor::middle,
               there ? "strong" : "muted");
    }
  }
  for (std::size_t pass = 0; pass < 3; ++pass) {
    svg.text(0, kPictureTop + kPictureRow * static_cast<double>(pass) + 21,
             fmt::format("{}  {}", kPasses[pass].letter, kPasses[pass].name), Anchor::start);
  }
  if (picture.frozen > 0) {
    const double end = kPictureLeft + (box + kGap) * static_cast<double>(picture.frozen) - kGap;
    const double y = kPictureTop + 3 * kPictureRow;
    svg.line(kPictureLeft, y, end, y, "axis");
    svg.text((kPictureLeft + end) / 2, y + 18,
             picture.frozen == 1 ? "frozen" : "frozen: nothing kept, buffers reused", Anchor::middle,
             "muted");
  }
  return svg;
}

}  // namespace firn::cli::report
