// Pixels as a PNG file.
#pragma once

#include <span>
#include <string>

#include "engine/base/real.h"

namespace firn::cli::report {

/// `pixels` are (height, width, channels) from 0 to 1 (others are cut), `channels` 1 (grey) or 3. Throws
/// Error(failure) when their number is another or the encoder fails.
std::string png(std::span<const real> pixels, Index height, Index width, Index channels);

}  // namespace firn::cli::report
