// Single samples with what was answered to them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/real.h"
#include "tools/app/report/page.h"

namespace firn::cli::report {

struct Shown {
  std::string truth, predicted, text;
  double confidence = 0;
  Index sample = 0, height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;  ///< (H,W,C); empty: it is no image, and `text` says what it is
};

/// Images beside each other, other samples as a list; each with what it is, what was answered, and how
/// surely.
void add_shown(Page& page, const std::vector<Shown>& samples);

}  // namespace firn::cli::report
