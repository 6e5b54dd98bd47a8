// The lines of the source that compute an operation, from the files that this program was built from.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/graph/op.h"

namespace firn::cli {

/// A file of the source tree as it was when the program was built.
struct SourceFile {
  std::string_view path;  ///< "engine/ops/dense.cpp"
  std::string_view text;
};
/// The operations and the plain loops of the kernels: engine/ops/*.cpp, engine/kernels/naive/*.
std::span<const SourceFile> kept_sources();

/// Lines that stand one behind the other in a file.
struct SourceLines {
  std::string_view path;
  int line = 1;  ///< the first, counted from 1
  std::string_view text;
};

/// The member `run` of the operation's class, then the plain loop of each kernel that it calls. Empty for a
/// class that is none of firn's.
std::vector<SourceLines> lines_that_compute(const Op& op);

}  // namespace firn::cli
