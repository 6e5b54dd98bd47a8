// Times as people write them.
#pragma once

#include <string>

namespace firn::cli {

/// "30s", "500ms", "2m", "1h": seconds. Throws Error(usage) naming `what`.
double parse_duration(const std::string& text, const std::string& what);

/// "0.34 s", "12.4 s", "5:07", "2:03:04".
std::string seconds_text(double seconds);

}  // namespace firn::cli
