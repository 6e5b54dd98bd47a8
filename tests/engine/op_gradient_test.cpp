// Every row of the table in double: gradients against central differences, and corrupted gradients that must
// be found out.
#include <doctest/doctest.h>
#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <set>

#include "engine/program/cost.h"
#include "tests/engine/gradient_check.h"

using namespace firn;
using namespace firn::test;

static_assert(sizeof(real) == 8, "this program is linked with the double build");

namespace {

std::string title(const OpCase& row) {
  return row.op + " " + row.name;
}

}  // namespace

TEST_CASE("every operation has ten rows or more") {
  std::map<std::string, int> rows;
  std::set<std::string> names;
  for (const OpCase& row : op_cases()) {
    ++rows[row.op];
    CHECK_MESSAGE(names.insert(title(row)).second, title(row) << " is there twice");
  }
  for (const auto& row : rows)
    CHECK_MESSAGE(row.second >= (row.first == "first_step" ? 5 : 10), row.first << " has " << row.second);
  CHECK(rows.size() >= 35);
}

TEST_CASE("gradients are central differences") {
  for (const OpCase& row : op_cases()) {
    const std::string name = title(row);
    CAPTURE(name);
    CaseRun run(row);
    REQUIRE(!run.trainable().empty());
    run.run();
    std::vector<std::vector<real>> analytic;
    for (const ParameterPtr& parameter : run.trainable()) analytic.push_back(run.gradient(*parameter));
    for (std::size_t i = 0; i < analytic.size(); ++i) {
      Parameter& parameter = *run.trainable()[i];
      const auto found = difference(analytic[i], central_differences(run, parameter));
      if (found) FAIL_CHECK(parameter.name() << ": " << *found);
    }
  }
}

TEST_CASE("gradients in small slices and unfused are central differences too") {
  for (const OpCase& row : op_cases()) {
    if (row.op != "composed") continue;
    const std::string name = title(row);
    CAPTURE(name);
    CaseRun run(row, {.fuse = false, .slice_rows = 2});
    run.run();
    for (const ParameterPtr& parameter : run.trainable()) {
      const std::vector<real> analytic = run.gradient(*parameter);
      const auto found = difference(analytic, central_differences(run, *parameter));
      if (found) FAIL_CHECK(parameter->name() << ": " << *found);
    }
  }
}

TEST_CASE("a corrupted gradient is found out") {
  using Gradient = std::vector<real>;
  const std::map<std::string, std::function<void(Gradient&, Index rows)>> corruptions{
      {"sign",
       [](Gradient& g, Index) {
         for (real& x : g) x = -x;
       }},
      {"one percent",
       [](Gradient& g, Index) {
         for (real& x : g) x *= real(1.01);
       }},
      {"transposed",
       [](Gradient& g, Index rows) {
         const Gradient old = g;
         const auto n = static_cast<std::size_t>(rows);
         const std::size_t columns = g.size() / n;
         for (std::size_t r = 0; r < n; ++r)
           for (std::size_t c = 0; c < columns; ++c) g[c * n + r] = old[r * columns + c];
       }},
      {"NaN", [](Gradient& g, Index) { g.back() = std::numeric_limits<real>::quiet_NaN(); }},
      {"infinity", [](Gradient& g, Index) { g.front() = std::numeric_limits<real>::infinity(); }},
      {"missing", [](Gradient& g, Index) { g.clear(); }},
  };
  int found = 0;
  std::map<std::string, int> rows_of_op;
  for (const OpCase& row : op_cases()) {
    // The first rows may be single numbers; the third and fourth of each operation stand for it.
    const int count = ++rows_of_op[row.op];
    if (count != 3 && count != 4) continue;
    const std::string name = title(row);
    CAPTURE(name);
    CaseRun run(row);
    run.run();
    for (const ParameterPtr& parameter : run.trainable()) {
      const Gradient analytic = run.gradient(*parameter);
      const Gradient numeric = central_differences(run, *parameter);
      REQUIRE(!difference(analytic, numeric));
      // A gradient that is zero, or the same everywhere, looks like its own negative or transposed.
      const bool zero = std::all_of(analytic.begin(), analytic.end(), [](real x) { return x == 0; });
      const Shape& shape = parameter->shape();
      const bool matrix = shape.rank() >= 2 && shape[0] > 1 && shape.count() > shape[0] &&
                          std::any_of(analytic.begin(), analytic.end(),
                                      [&](real x) { return std::abs(x - analytic[0]) > real(1e-4); });
      if (zero) continue;
      for (const auto& corruption : corruptions) {
        const std::string what = corruption.first;
        if (what == "transposed" && !matrix) continue;
        Gradient corrupted = analytic;
        corruption.second(corrupted, shape[0]);
        ++found;
        CHECK_MESSAGE(difference(corrupted, numeric).has_value(), what << " of " << parameter->name());
      }
    }
  }
  CHECK(found > 400);
}

TEST_CASE("an operand that trains alone has the gradient that it has among the others") {
  for (const OpCase& row : op_cases()) {
    if (row.op == "dropout") continue;  // does nothing in a frozen prefix
    const std::string name = title(row);
    CAPTURE(name);
    CaseRun all(row, {.fuse = false});
    all.run();
    for (const ParameterPtr& parameter : all.trainable()) {
      for (const bool fuse : {false, true}) {
        CaseRun alone(row, {.fuse = fuse}, parameter->name());
        alone.run();
        REQUIRE(alone.trainable().size() == 1);
        CHECK(alone.program().gradients().size() == 1);
        CHECK_MESSAGE(alone.gradient(*alone.trainable()[0]) == all.gradient(*parameter),
                      parameter->name() << (fuse ? " fused" : ""));
      }
    }
  }
}

TEST_CASE(
    "the gradient of the units that train is theirs in the whole gradient, which is a central difference") {
  int in_part = 0, compact_products = 0;
  for (const OpCase& row : op_cases()) {
    const std::string name = title(row);
    CAPTURE(name);
    for (const auto units : {CaseRun::Units::some_last, CaseRun::Units::some_first}) {
      for (const bool fuse : {false, true}) {
        CaseRun whole(row, {.fuse = fuse}), part(row, {.fuse = fuse}, {}, units);
        whole.run();
        part.run();
        REQUIRE(whole.trainable().size() == part.trainable().size());
        REQUIRE(part.program().gradients().size() == whole.program().gradients().size());
        for (std::size_t i = 0; i < part.trainable().size(); ++i) {
          Parameter& parameter = *part.trainable()[i];
          const std::vector<real> all = whole.gradient(*whole.trainable()[i]), got = part.gradient(parameter);
          std::vector<real> want(all);
          if (const TrainableRanges* trains = parameter.trainable_ranges()) {
            ++in_part;
            want.clear();
            for_each_trainable(trains, parameter.shape(), 0, trains->shape_in(parameter.shape()).count(),
                               [&](Index, Index place, Index count) {
                                 want.insert(want.end(), all.begin() + place, all.begin() + place + count);
                               });
            CHECK(want.size() < all.size());
          }
          const auto found = difference(got, want);
          if (found) FAIL_CHECK(parameter.name() << ": " << *found);
        }
        if (fuse) {
          const double less = cost_of(part.program()).total.weight_gradient.macs,
                       full = cost_of(whole.program()).total.weight_gradient.macs;
          CHECK(less <= full);
          compact_products += less < full;
        }
      }
    }
  }
  CHECK(in_part > 500);
  CHECK(compact_products > 20);
}
