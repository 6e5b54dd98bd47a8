// A row of the registry of operations.
#pragma once

#include <span>
#include <string>

#include "engine/graph/graph.h"

namespace firn {

/// An operation that graphs are built of; what differentiation adds has no row.
struct OperationKind {
  std::string name;
  /// The first output of a node whose description has these attributes. Throws Error(usage) for an attribute
  /// that is missing or of another kind, and what the operation's builder throws.
  Value (*build)(Graph& graph, const Attributes& attributes, std::span<const Value> inputs);
};

}  // namespace firn
