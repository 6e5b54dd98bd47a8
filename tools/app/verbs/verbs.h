// The verbs of the program, in the order of its help.
#pragma once

#include <span>
#include <string_view>

#include "tools/app/cli/verb.h"

namespace firn::cli {

struct VerbEntry {
  std::string_view name;
  std::string_view summary;
  VerbPtr (*make)();
};

std::span<const VerbEntry> verbs();

}  // namespace firn::cli
