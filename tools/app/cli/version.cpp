#include "tools/app/cli/version.h"

namespace firn::cli {

std::string version() {
  return FIRN_VERSION;
}

std::string compiler() {
#if defined(__clang__)
  return std::string("Clang ") + __clang_version__;
#else
  return std::string("GCC ") + __VERSION__;
#endif
}

}  // namespace firn::cli
