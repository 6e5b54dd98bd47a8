// Writes what the double build computes for every row of the table to standard output, as doubles: the value,
// then the gradient of each operand that trains. tests/engine/op_float_test.cpp reads it.
#include <cstdio>

#include "tests/engine/op_runner.h"

using namespace firn;
using namespace firn::test;

static_assert(sizeof(real) == 8, "this program is linked with the double build");

int main() {
  const auto write = [](std::span<const real> numbers) {
    return std::fwrite(numbers.data(), sizeof(real), numbers.size(), stdout) == numbers.size();
  };
  for (const OpCase& row : op_cases()) {
    CaseRun run(row);
    run.run();
    if (!write(run.value().values())) return 1;
    for (const ParameterPtr& parameter : run.trainable()) {
      if (!write(run.gradient(*parameter))) return 1;
    }
  }
  return std::fflush(stdout) == 0 ? 0 : 1;
}
