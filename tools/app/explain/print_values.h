// A step's numbers as tables and as records.
#pragma once

#include "tools/app/cli/console.h"
#include "tools/app/explain/step_values.h"

namespace firn::cli {

/// Tables for people: what each layer gives, what each parameter gets; tensors of at most `most` numbers are
/// printed whole.
void print_values(Console& console, const StepValues& seen, Index most);
/// Records "value" and "parameter", with all numbers of tensors of at most `most`.
void print_values_json(Console& console, const StepValues& seen, Index most);

/// The loss as one weight moves: between `-span` and `span` around its value, in 11 places, beside the line
/// that its gradient promises.
void print_nudge(Console& console, StepRun& run, const Model& model, const WeightPlace& weight, double span);

}  // namespace firn::cli
