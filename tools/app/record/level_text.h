// How a level of a test is written.
#pragma once

#include <fmt/core.h>

#include <string>

namespace firn::cli {

/// "p = 0.031", "p < 0.001".
inline std::string level_text(double p) {
  return p < 0.001 ? "p < 0.001" : fmt::format("p = {:.3f}", p);
}

}  // namespace firn::cli
