// Every operation says what it computes.
#include <doctest/doctest.h>

#include <set>
#include <string>

#include "tests/engine/op_runner.h"

namespace {

using namespace firn;
using namespace firn::test;

TEST_CASE("every operation of a step has a formula, as chosen and as implemented") {
  const std::set<std::string> of_tests = {"from_batch", "as_batch"};
  std::set<std::string> seen;
  for (const OpCase& row : op_cases()) {
    CAPTURE(row.name);
    for (const bool fuse : {false, true}) {
      ProgramOptions options;
      options.fuse = fuse;
      CaseRun run(row, options);
      for (const auto& node : run.program().graph().nodes()) {
        if (node->op() == nullptr || of_tests.contains(node->kind())) continue;
        CAPTURE(node->kind());
        CHECK(!node->op()->formula().empty());
        seen.insert(node->kind());
      }
    }
  }
  CHECK(seen.size() > 60);
  CHECK(seen.contains("conv2d_dw"));
}

TEST_CASE("a formula names the bias where there is one") {
  std::set<bool> seen;
  for (const OpCase& row : op_cases()) {
    if (row.op != "dense") continue;
    CAPTURE(row.name);
    CaseRun run(row);
    for (const auto& node : run.program().graph().nodes()) {
      if (node->kind() != "dense") continue;
      const bool bias = row.operands.size() > 2;
      CHECK((node->op()->formula().find("+ bias[o]") != std::string::npos) == bias);
      seen.insert(bias);
    }
  }
  CHECK(seen.size() == 2);
}

}  // namespace
