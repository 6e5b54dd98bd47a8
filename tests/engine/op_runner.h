// Builds the program of one row of the table and runs it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/program/program.h"
#include "tests/engine/op_cases.h"

namespace firn::test {

/// A parameter (N,...) as a value of the batch, so that the gradient of every sample can be asked for.
Value as_batch(Graph& graph, Value parameter);

/// The numbers of an operand: a function of (seed, name, shape) alone, and floats in every build.
Tensor draw(const Drawn& drawn, std::uint64_t seed);

/// Brings operands into a graph, and remembers what trains and what must be fed.
struct Operands {
  std::vector<ParameterPtr> trainable;
  std::vector<std::pair<std::string, Tensor>> feeds;

  Value add(Graph& graph, const Drawn& drawn, std::uint64_t seed, bool trains = true,
            int unit_axis = kNoUnits);
  static constexpr int kNoUnits = 99;
};

/// The training step of one row: its loss is the sum of the operation's result times a random cotangent.
class CaseRun {
 public:
  /// `only`: the operand that trains, by name; empty: all that can.
  /// `units`: of each parameter that is no batch only every other unit trains, counted along the last axis
  /// (so output channels and gates) or along the first one (rows).
  enum class Units { all, some_last, some_first };
  explicit CaseRun(const OpCase& row, ProgramOptions options = {}, const std::string& only = {},
                   Units units = Units::all);

  /// Runs the step; returns the loss.
  real run();
  Tensor value() const { return program_->output("value"); }
  /// The operands that train, in the table's order.
  const std::vector<ParameterPtr>& trainable() const { return operands_.trainable; }
  /// The gradient of the last run; empty when the program has none for it.
  std::vector<real> gradient(const Parameter& parameter) const;
  Program& program() { return *program_; }

 private:
  Operands operands_;
  std::unique_ptr<Program> program_;
};

}  // namespace firn::test
