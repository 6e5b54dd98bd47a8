// The one table of operations under test. A row is a name, its operands and how the operation is built from
// them; every test that knows the table knows the row: gradient check in double, values and gradients of
// every instruction set, fused and not, slices, threads, frozen operands, cost.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.h"

namespace firn::test {

/// How an operand comes into the graph.
enum class Kind {
  batch,      ///< numbers of a batch; differentiable
  parameter,  ///< differentiable
  statistic,  ///< a parameter that no gradient reaches
  feed,       ///< numbers of a batch; not differentiable
  indices,    ///< whole numbers of a batch
};

/// How its numbers are drawn between `low` and `high`.
enum class Draw {
  uniform,
  off_zero,  ///< uniform, at least a tenth of `high` away from zero
  distinct,  ///< evenly spaced, in random order: no two are near each other
};

struct Drawn {
  std::string name;
  Shape shape;
  Kind kind = Kind::batch;
  double low = -1, high = 1;
  Draw draw = Draw::uniform;
};

/// Multiply-adds by a formula written here once more, by hand.
struct Macs {
  double forward = 0, input_gradient = 0, weight_gradient = 0;
};

struct OpCase {
  std::string op;
  std::string name;
  std::vector<Drawn> operands;
  std::function<Value(Graph&, std::span<const Value>)> build;
  /// Of floats against doubles, relative to the greatest number of a tensor: of the value and of the
  /// gradients.
  double tolerance = 4e-6;
  double gradient_tolerance = 4e-6;
  std::optional<Macs> macs = {};
};

/// Rows of operations without weights.
void add_element_cases(std::vector<OpCase>& rows);

/// Rows where operations meet: a value used twice, sums of branches, what fusion pulls together.
void add_composed_cases(std::vector<OpCase>& rows);

/// All rows, in a fixed order.
const std::vector<OpCase>& op_cases();

/// Operands that do not fit: building throws Error(usage) by `op`, and its line holds all of `parts`.
struct BadCase {
  std::string op;
  std::vector<Drawn> operands;
  std::function<Value(Graph&, std::span<const Value>)> build;
  std::vector<std::string> parts;
};

const std::vector<BadCase>& bad_cases();

}  // namespace firn::test
