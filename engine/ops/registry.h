// Operations by name: what `Op::describe` lists makes the same operation again.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine/ops/operation_kind.h"

namespace firn {

/// All of them, by name.
const std::vector<OperationKind>& operation_kinds();

/// Adds the operation of that name under the graph's label. `inputs` are those of its node, in order. Throws
/// Error(usage) for a name that there is none of, with the nearest, and what `OperationKind::build` throws.
Value build_operation(Graph& graph, std::string_view name, const Attributes& attributes,
                      std::span<const Value> inputs);

}  // namespace firn
