// An independent look at where a plan puts its values.
#pragma once

#include <string>
#include <vector>

#include "engine/program/plan.h"

namespace firn::test {

/// What is wrong with the places of a plan, a line each: two values that live at the same time in the same
/// bytes, or a value outside of its memory. `keep` are the values that are read after the run.
std::vector<std::string> misplaced(const Plan& plan, const std::vector<Value>& keep);

}  // namespace firn::test
