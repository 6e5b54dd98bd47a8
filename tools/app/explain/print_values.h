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

}  // namespace firn::cli
