// One cell of a study: what it draws, how its rate is chosen, what its MACs count.
#include "tools/app/study/cell.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "optim/policies/registry.h"
#include "tools/app/study/grid.h"

namespace {

using namespace firn;
using namespace firn::cli;

/// The digits from new weights, with an mlp.
struct Digits {
  Materials materials;
  Costs costs;

  Digits() : materials(choice(), 60, ""), costs(materials) {}
  static DataChoice choice() {
    DataChoice data;
    data.spec = "digits";
    return data;
  }
  Arm arm(Index labels, std::vector<double> rates, const std::string& policy = {}) {
    Arm arm;
    arm.model = "mlp";
    arm.source = kRandomSource;
    arm.target = "digits";
    arm.labels = labels;
    arm.policy = policy;
    arm.budget.steps = 24;
    arm.budget.batch = 8;
    arm.budget.rates = std::move(rates);
    materials.prepare(arm);
    return arm;
  }
  CellResult train(const Arm& arm, std::uint64_t seed = 1) {
    const auto result =
        train_cell(materials, costs.measure(arm), arm, seed, nullptr, nullptr, false, [] { return false; });
    REQUIRE(result);
    return *result;
  }
};

double head_size(Model& model) {
  double total = 0;
  for (const NamedParameter& p : model.block_parameters(static_cast<int>(model.blocks().size()) - 1)) {
    for (const real x : p.parameter->value().values()) total += std::abs(static_cast<double>(x));
  }
  return total;
}

TEST_CASE("with one label a class the middle of the rates is taken, with two both halves choose") {
  Digits digits;
  const CellResult one = digits.train(digits.arm(1, {8e-3, 5e-4, 2e-3}));
  CHECK(one.tried.empty());
  CHECK(one.rate == 2e-3);
  const CellResult two = digits.train(digits.arm(2, {5e-4, 2e-3, 8e-3}));
  REQUIRE(two.tried.size() == 3);
  const auto least = std::min_element(two.tried.begin(), two.tried.end(),
                                      [](const TriedRate& a, const TriedRate& b) { return a.loss < b.loss; });
  CHECK(two.rate == least->rate);
  // Both labels of a class are judged once: of 20 answers, not of 10.
  std::set<double> parts;
  for (const TriedRate& tried : two.tried) parts.insert(tried.accuracy * 20);
  for (const double right : parts) CHECK(right == doctest::Approx(std::round(right)).epsilon(1e-9));
  Grid grid;
  grid.models = {"mlp"};
  grid.sources = {"random"};
  grid.budget.rates = {1e-3, 4e-3};
  CHECK_THROWS_WITH_AS(check(grid), doctest::Contains("2 rates have no middle"), Error);
}

TEST_CASE("a policy's looks at activations are among its MACs") {
  Digits digits;
  const CellResult plain = digits.train(digits.arm(2, {2e-3}));
  const CellResult looks = digits.train(digits.arm(2, {2e-3}, "egeria,every=3,checks=1000"));
  // Behind steps 3, 6, ..., 24 the probe runs, on the 8 samples of a batch: eight passes forward.
  CHECK(looks.trained_share == doctest::Approx(1));
  CHECK(looks.macs_weight == plain.macs_weight);
  CHECK(looks.macs_forward == doctest::Approx(plain.macs_forward * (24 + 8) / 24));
}

TEST_CASE("MACs of a policy are those of what it leaves to train, block by block and tensor by tensor") {
  Digits digits;
  const CellResult full = digits.train(digits.arm(2, {2e-3}));
  Arm cut = digits.arm(2, {2e-3});
  cut.freeze = "2";
  const CellResult frozen = digits.train(cut);
  const CellResult first = digits.train(digits.arm(2, {2e-3}, "first,k=2"));
  CHECK(first.macs_weight == frozen.macs_weight);
  CHECK(first.macs_input == frozen.macs_input);
  CHECK(first.macs_weight < 0.1 * full.macs_weight);
  const CellResult out = digits.train(digits.arm(2, {2e-3}, "freezeout"));
  CHECK(out.macs_weight < full.macs_weight);
  CHECK(out.macs_weight > first.macs_weight);
  CHECK(digits.train(digits.arm(2, {2e-3}, "slimfit,authors=on")).macs_weight < full.macs_weight);
}

TEST_CASE("controls of equal cost have it, within what whole steps and so many draws allow") {
  Digits digits;
  const auto macs = [](const CellResult& r) { return r.macs_forward + r.macs_input + r.macs_weight; };
  const Arm arm = digits.arm(2, {2e-3}, "freezeout,t0=0.6");
  const double wanted = macs(digits.train(arm));
  for (const Control control : {Control::steps, Control::random}) {
    const Arm other = digits.arm(2, {2e-3}, control_text(control) + arm.policy);
    CHECK(other.controlled().key() == arm.key());
    CHECK_FALSE(other.is_static());
    const auto result = train_cell(
        digits.materials, digits.costs.measure(other), other, 1, nullptr, nullptr, false,
        [] { return false; }, wanted);
    REQUIRE(result);
    CAPTURE(other.name());
    CHECK(std::abs(macs(*result) / wanted - 1) < 0.1);
    CHECK((result->trained_share == 1) == (control == Control::steps));
  }
  const CellResult rates = digits.train(digits.arm(2, {2e-3}, "rates-only:" + arm.policy));
  CHECK(rates.trained_share == doctest::Approx(1));
  CHECK(macs(rates) == doctest::Approx(macs(digits.train(digits.arm(2, {2e-3})))));
}

TEST_CASE("heads begin from zero but where a policy may freeze them first, or scale rates by their norm") {
  Digits digits;
  for (const PolicyEntry& entry : policy_registry()) {
    if (entry.name == "pattern" || entry.name == "bn-only") continue;
    for (const std::string authors : {"", ",authors=on"}) {
      CAPTURE(entry.name + authors);
      const Arm arm = digits.arm(2, {2e-3}, entry.name + authors);
      const bool drawn = entry.name == "last" || entry.name == "only" || entry.name == "auto-rgn" ||
                         (entry.name == "layerout" && !authors.empty());
      CHECK((head_size(*digits.materials.make(arm, 1)) > 0) == drawn);
    }
  }
}

TEST_CASE("LayerOut trains in every seed, and other sets are other luck") {
  Digits digits;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const CellResult result = digits.train(digits.arm(20, {4e-3}, "layerout"), seed);
    CHECK(result.accuracy > 0.2);  // of ten classes; a run that stands still is at 0.1
  }
  Arm arm = digits.arm(2, {2e-3});
  const std::uint64_t here = draws_seed(arm, 1);
  CHECK(here == draws_seed(digits.arm(5, {2e-3}, "lisa"), 1));  // paired within the target
  CHECK(here != draws_seed(arm, 2));
  arm.target_sha256 = "another";
  CHECK(here != draws_seed(arm, 1));
}

}  // namespace
