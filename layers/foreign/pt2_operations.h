// ATen's operations in firn's vocabulary.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "layers/foreign/foreign_graph.h"

namespace firn {

/// The arguments of a node of a .pt2 file, by the names of ATen's schema; those of the usual value are
/// missing.
struct Pt2Arguments {
  std::map<std::string, std::vector<int>> tensors;
  std::map<std::string, std::vector<double>> numbers;
  std::map<std::string, std::string> texts;
};

/// Fills `op`, `inputs` and `numbers` of a node from `said` and its arguments; leaves `op` empty where the
/// vocabulary has no such operation.
void translate_pt2(const Pt2Arguments& arguments, ForeignNode& node);

}  // namespace firn
