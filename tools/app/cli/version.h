// What this build of the program is.
#pragma once

#include <string>

namespace firn::cli {

std::string version();   ///< "0.1.0"
std::string commit();    ///< of the sources, short; "unknown" outside of git
std::string compiler();  ///< "GCC 12.2.0"

}  // namespace firn::cli
