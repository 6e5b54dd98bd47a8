// Names that become parts of paths: of runs and of a study's experiments.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/error.h"

namespace firn::cli {

/// What is wrong with a name, for a message; empty where it is one: 1 to 200 bytes of printable UTF-8 without
/// / and \, which do not begin with a dot or a dash.
std::string path_name_fault(std::string_view name);
/// Throws Error(fault) where it is none; `where` says whose name it is: "grid.json, experiment 2".
void require_path_name(std::string_view name, Fault fault, std::string_view operation,
                       std::string_view where = {});
/// `text` made one, without what may not be in it: "data" where nothing is left.
std::string path_name(std::string_view text);

}  // namespace firn::cli
