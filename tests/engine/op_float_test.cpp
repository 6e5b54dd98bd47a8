// Every row of the table in float, on the instruction set that FIRN_ISA names: against the double build,
// fused and not, in slices of several sizes, on several threads; and what building and pricing promise.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <set>

#include "engine/base/parallel.h"
#include "engine/kernels/kernels.h"
#include "engine/program/cost.h"
#include "tests/engine/isa.h"
#include "tests/engine/op_runner.h"
#include "tests/errors.h"

using namespace firn;
using namespace firn::test;

static_assert(sizeof(real) == 4, "this program is linked with the float build");

namespace {

struct Result {
  std::vector<double> value;
  std::vector<std::vector<double>> gradients;
};

std::vector<double> widened(std::span<const real> numbers) {
  return {numbers.begin(), numbers.end()};
}

Result result_of(const OpCase& row, const ProgramOptions& options = {}) {
  CaseRun run(row, options);
  run.run();
  Result result{widened(run.value().values()), {}};
  for (const ParameterPtr& parameter : run.trainable())
    result.gradients.push_back(widened(run.gradient(*parameter)));
  return result;
}

/// What the double build computes, by row.
const std::vector<Result>& references() {
  static const std::vector<Result> all = [] {
    std::vector<Result> results;
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen("FIRN_ISA=naive " FIRN_REFERENCE, "r"), pclose);
    REQUIRE(pipe);
    const auto read = [&pipe](std::vector<double>& numbers) {
      REQUIRE(std::fread(numbers.data(), sizeof(double), numbers.size(), pipe.get()) == numbers.size());
    };
    for (const OpCase& row : op_cases()) {
      Result result = result_of(row);
      read(result.value);
      for (std::vector<double>& gradient : result.gradients) read(gradient);
      results.push_back(std::move(result));
    }
    REQUIRE(std::fgetc(pipe.get()) == EOF);
    return results;
  }();
  return all;
}

/// Greatest difference, relative to the greatest number of the tensor or to 1e-3 where all are smaller.
double distance(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return INFINITY;
  double greatest = 1e-3;
  double apart = 0;
  for (const double x : b) greatest = std::max(greatest, std::abs(x));
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(a[i] - b[i]);
    if (!(d <= apart)) apart = std::isnan(d) ? INFINITY : d;
  }
  return apart / greatest;
}

void check_near(const OpCase& row, const Result& got, const Result& want, const std::string& what) {
  const double value = distance(got.value, want.value);
  if (!(value <= row.tolerance))
    FAIL_CHECK(row.op << " " << row.name << " " << what << ": value off by " << value);
  REQUIRE(got.gradients.size() == want.gradients.size());
  for (std::size_t i = 0; i < want.gradients.size(); ++i) {
    const double gradient = distance(got.gradients[i], want.gradients[i]);
    if (!(gradient <= row.gradient_tolerance)) {
      FAIL_CHECK(row.op << " " << row.name << " " << what << ": gradient " << i << " off by " << gradient);
    }
  }
}

bool operator==(const Result& a, const Result& b) {
  return a.value == b.value && a.gradients == b.gradients;
}

}  // namespace

TEST_CASE("values and gradients are those of the double build") {
  if (!isa_in_force()) return;
  const std::vector<Result>& want = references();
  for (std::size_t i = 0; i < want.size(); ++i)
    check_near(op_cases()[i], result_of(op_cases()[i]), want[i], "plain");
}

TEST_CASE("a wrong result is far from the double build's") {
  if (!isa_in_force()) return;
  const OpCase& row = op_cases()[2];
  Result wrong = references()[2];
  wrong.value[0] *= 1.001;
  CHECK(distance(wrong.value, references()[2].value) > 0);
  wrong.gradients[0].back() = NAN;
  CHECK(distance(wrong.gradients[0], references()[2].gradients[0]) > row.gradient_tolerance);
  wrong.gradients[1].pop_back();
  CHECK(distance(wrong.gradients[1], references()[2].gradients[1]) > row.gradient_tolerance);
}

TEST_CASE("fused or not, in slices of any size") {
  if (!isa_in_force()) return;
  const std::vector<Result>& want = references();
  for (std::size_t i = 0; i < want.size(); ++i) {
    const OpCase& row = op_cases()[i];
    check_near(row, result_of(row, {.fuse = false}), want[i], "not fused");
    check_near(row, result_of(row, {.slice_rows = 1}), want[i], "slices of 1");
    check_near(row, result_of(row, {.slice_rows = 3}), want[i], "slices of 3");
    check_near(row, result_of(row, {.slice_rows = 1000}), want[i], "one slice");
  }
}

TEST_CASE("the same bits on 1, 2, 3 and 7 threads") {
  if (!isa_in_force()) return;
  for (const OpCase& row : op_cases()) {
    if (row.operands[0].shape[0] < 2) continue;
    set_thread_count(1);
    const Result one = result_of(row, {.slice_rows = 1, .every_thread = true});
    for (const int threads : {2, 3, 7}) {
      set_thread_count(threads);
      CHECK_MESSAGE(result_of(row, {.slice_rows = 1, .every_thread = true}) == one,
                    row.op << " " << row.name << " on " << threads << " threads");
    }
  }
  set_thread_count(1);
}

TEST_CASE("the same bits from the same program run again, and from one that shares its workspace") {
  if (!isa_in_force()) return;
  const auto workspace = std::make_shared<Workspace>();
  for (const OpCase& row : op_cases()) {
    CaseRun run(row, {.workspace = workspace});
    const real first = run.run();
    const Tensor value = run.value();
    result_of(op_cases()[0], {.workspace = workspace});
    CHECK_MESSAGE(run.run() == first, row.op << " " << row.name);
    CHECK(std::equal(value.values().begin(), value.values().end(), run.value().values().begin()));
  }
}

TEST_CASE("multiply-adds are those of the formula") {
  int priced = 0;
  for (const OpCase& row : op_cases()) {
    if (!row.macs) continue;
    ++priced;
    CaseRun run(row);
    const ProgramCost cost = cost_of(run.program());
    CAPTURE(row.op);
    CAPTURE(row.name);
    CHECK(cost.total.forward.macs == row.macs->forward);
    CHECK(cost.total.input_gradient.macs == row.macs->input_gradient);
    CHECK(cost.total.weight_gradient.macs == row.macs->weight_gradient);
    CHECK(cost.total.forward.bytes > 0);
  }
  CHECK(priced >= 50);
}

TEST_CASE("what does not fit is an error with the operation's name and the shapes") {
  std::set<std::string> ops;
  for (const BadCase& bad : bad_cases()) {
    ops.insert(bad.op);
    Graph graph;
    Operands operands;
    std::vector<Value> values;
    for (const Drawn& drawn : bad.operands) values.push_back(operands.add(graph, drawn, 1));
    graph.set_label("layer9");
    const auto error = error_of([&] { bad.build(graph, values); });
    CAPTURE(bad.op);
    REQUIRE_MESSAGE(error.has_value(), "nothing was thrown");
    const std::string line = error->what();
    CAPTURE(line);
    CHECK(error->fault() == Fault::usage);
    CHECK(error->operation() == bad.op);
    CHECK(line.find('\n') == std::string::npos);
    for (const std::string& part : bad.parts) CHECK_MESSAGE(line.find(part) != std::string::npos, part);
    CHECK(line.find("layer9") != std::string::npos);
  }
  CHECK(ops.size() >= 25);
}
