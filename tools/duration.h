// Times as people write them.
#pragma once

#include <string>

namespace firn::cli {

/// "30s", "500ms", "2m", "1h": seconds. Throws Error(usage) naming `what`.
double parse_duration(const std::string& text, const std::string& what);

}  // namespace firn::cli
