// Constants that a graph computes from constants: shapes, indices, transposed weights.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "layers/foreign/foreign_graph.h"

namespace firn {

/// Whether the operation has a meaning for constants alone.
bool is_folded_alone(const std::string& op);

/// Computes `node` from its inputs (null: none). Gives what is wrong, or an empty text.
std::string fold_constants(const ForeignNode& node, std::span<const ForeignConstant* const> inputs,
                           std::vector<ForeignConstant>& results);

}  // namespace firn
