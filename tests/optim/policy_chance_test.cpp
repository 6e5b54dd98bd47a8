// What policies leave to chance, what they do with heads, and what they are held against.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "optim/policies/policies.h"
#include "optim/policies/registry.h"
#include "tests/optim/rehearsal.h"

using namespace firn;
using namespace firn::test;

TEST_CASE("LP-FT: each phase has a cosine of its own, the second one from when it begins") {
  Rehearsal r(3, "lp-ft,probe=4,tolerance=0.1,rate=0.2", 10, 2);
  CHECK(r.policy->replaces_schedule());
  r.at(0);
  CHECK(r.rate(2) == 1);
  r.at(2, 1, 1.0);
  r.at(4, 1, 0.5);
  CHECK(r.rate(2) == doctest::Approx(0.5));  // 4 of 8 steps
  r.at(5, 1, 0.5);
  CHECK(r.rate(2) == doctest::Approx(0.5 * (1 + std::cos(3.14159265358979 * 5 / 8))));
  CHECK(r.at(6, 1, 0.49) == "111");  // stands still: the second phase has 14 steps
  CHECK(r.rate(0) == doctest::Approx(0.2));
  r.at(13, 1, 0.4);
  CHECK(r.rate(0) == doctest::Approx(0.1));
  CHECK_FALSE(Rehearsal(3, "lp-ft,schedule=run").policy->replaces_schedule());
}

TEST_CASE("gradual along ULMFiT's triangle: up in a tenth of the steps, down to 1/32") {
  Rehearsal r(2, "gradual,authors=on", 10, 10);
  CHECK(r.policy->replaces_schedule());
  r.at(0);
  CHECK(r.rate(1) == doctest::Approx(1.0 / 32));
  r.at(5);
  CHECK(r.rate(1) == doctest::Approx((1 + 0.5 * 31) / 32));
  r.at(10);
  CHECK(r.rate(1) == 1);
  CHECK(r.rate(0) == doctest::Approx(1 / 2.6));
  r.at(55);
  CHECK(r.rate(1) == doctest::Approx((1 + 0.5 * 31) / 32));
}

TEST_CASE("LayerOut: a random set each epoch, never none") {
  constexpr Index kEpochs = 4000;
  Rehearsal r(5, "layerout", kEpochs, 2), drawn(5, "layerout,authors=on", kEpochs, 2);
  std::vector<double> trained(5), with_head(5);
  std::map<std::string, int> sets;
  for (Index epoch = 0; epoch < kEpochs; ++epoch) {
    const std::string set = r.at(2 * epoch);
    CHECK(r.at(2 * epoch + 1) == set);
    ++sets[set];
    const std::string other = drawn.at(2 * epoch);
    CHECK(other != "00000");
    for (std::size_t l = 0; l < 5; ++l) {
      trained[l] += set[l] == '1' ? 1 : 0;
      with_head[l] += other[l] == '1' ? 1 : 0;
    }
  }
  CHECK(!sets.contains("00000"));
  CHECK(trained[4] == kEpochs);  // the head
  // 0.9, 0.7, 0.5, 0.3, and drawn too 0.1, given that not all rest (1 in 106 draws); four deviations.
  const double none = 0.1 * 0.3 * 0.5 * 0.7 * 0.9;
  for (std::size_t l = 0; l < 5; ++l) {
    const double alone = 0.9 - 0.2 * static_cast<double>(l), p = alone / (1 - none);
    CHECK(std::abs(with_head[l] / kEpochs - p) < 4 * std::sqrt(p * (1 - p) / kEpochs));
    if (l < 4) CHECK(std::abs(trained[l] / kEpochs - alone) < 4 * std::sqrt(alone * (1 - alone) / kEpochs));
  }
  Rehearsal again(5, "layerout", kEpochs, 2);
  CHECK(again.at(34) == Rehearsal(5, "layerout", kEpochs, 2).at(34));
  Rehearsal rare(3, "layerout,first=0.01,last=0.01,head=drawn", 100, 1);
  for (Index epoch = 0; epoch < 100; ++epoch) CHECK(rare.at(epoch) != "000");
}

TEST_CASE("SlimFit by tensors: weights rest one by one; biases, normalisations and the head train") {
  Rehearsal r(4, "slimfit,authors=on,share=0.67");
  const auto move = [&](const std::vector<real>& share) {
    for (std::size_t l = 0; l < share.size(); ++l) {
      for (real& x : r.made.parameters[2 * l]->mutable_value().values()) x *= 1 + share[l];
    }
  };
  for (const auto& p : r.made.parameters) {
    for (real& x : p->mutable_value().values()) x = 1;
  }
  const auto resting = [&] {
    std::string text;
    for (const auto& p : r.made.parameters) text += r.policy->frozen_within().trains(*p) ? '1' : '0';
    return text;
  };
  CHECK(r.at(0) == "1111");
  CHECK(resting() == "11111111");
  move({real(0.1), real(0.3), real(0.2), real(0.01)});
  r.at(1);
  CHECK(resting() == "01110111");  // floor(0.67 x 3) = 2 of b0.weight, b1.weight, b2.weight
  move({0, real(0.05), 0, real(0.1)});
  r.at(2);
  CHECK(resting() == "01011111");  // 0.1 and 0.05: those that rested keep theirs
}

TEST_CASE("a head that begins from zero is never frozen before it has trained") {
  // Whatever the statistics say: where a policy does not say that the head is to be drawn, it trains in
  // each of the first steps.
  const std::map<std::string, std::string> needed = {{"pattern", "pattern,freeze=b0"}};
  for (const PolicyEntry& entry : policy_registry()) {
    for (const std::string with : {"", ",authors=on"}) {
      if (entry.name == "bn-only") continue;  // no normalisation here
      const auto own = needed.find(entry.name);
      const std::string text = (own == needed.end() ? entry.name : own->second) + with;
      CAPTURE(text);
      Rehearsal r(4, text, 10, 4);
      const bool may = r.policy->freezes_head();
      CHECK(may == (entry.name == "last" || entry.name == "only" || text == "layerout,authors=on"));
      CHECK((!may || r.policy->wants_drawn_head()));
      bool always = true;
      for (Index step = 0; step < 40; ++step) {
        for (std::size_t l = 0; l < 4; ++l) {
          // The head as what any rule would freeze first: nothing of it moves.
          BlockStatistics& s = r.statistics[l];
          s.gradient_norm = s.gradient_sum = s.change =
              l == 3 ? 0 : static_cast<double>(1 + (l * 7 + static_cast<std::size_t>(step) * 5) % 11);
          s.weight_norm = l == 3 ? 0 : 1;
          s.distance = 0;
        }
        r.at(step, 1, 1);
        for (std::size_t i = 0; i < 6; ++i) r.made.parameters[i]->mutable_value().values()[0] += 1;
        always = always && r.set()[3] == '1' && r.policy->frozen_within().trains(*r.made.parameters[6]);
      }
      if (entry.name != "apf") CHECK(always == !may);  // apf lets a unit rest once it has gone to and fro
    }
  }
  CHECK(Rehearsal(3, "auto-rgn").policy->wants_drawn_head());  // rates relative to norms: zero is infinite
}

TEST_CASE("what a policy draws depends on the seed and on the data") {
  for (const std::string text : {"layerout", "lisa,blocks=2,every=1"}) {
    const auto drawn = [&](const char* data, std::uint64_t seed) {
      Rehearsal r(6, text, 40, 1);
      r.run.seed = seed;
      r.policy->set_data(data);
      r.policy->start(r.run);
      std::string sets;
      for (Index step = 0; step < 40; ++step) sets += r.at(step) + " ";
      return sets;
    };
    CHECK(drawn("digits", 1) == drawn("digits", 1));
    CHECK(drawn("digits", 1) != drawn("letters", 1));
    CHECK(drawn("digits", 1) != drawn("digits", 2));
  }
}

TEST_CASE("LISA: the ends always, so many between them, drawn anew, the same for a seed") {
  Rehearsal r(6, "lisa,blocks=2,every=5", 4, 100);
  std::map<std::string, int> sets;
  for (Index step = 0; step < 400; ++step) {
    const std::string before = r.set(), set = r.at(step);
    if (step % 5 != 0) CHECK(set == before);
    if (step % 5 == 0) ++sets[set];
    CHECK(set[0] == '1');
    CHECK(set[5] == '1');
    CHECK(std::count(set.begin(), set.end(), '1') == 4);
  }
  CHECK(sets.size() == 6);  // of four blocks two: each pair comes
  CHECK(Rehearsal(6, "lisa,blocks=2,every=5").at(35) == Rehearsal(6, "lisa,blocks=2,every=5").at(35));
  CHECK(Rehearsal(4, "lisa,blocks=9").at(0) == "1111");
  CHECK(Rehearsal(2, "lisa").at(0) == "11");
  CHECK(Rehearsal(1, "lisa").at(0) == "1");
}

TEST_CASE("random freezing costs what it is told, of many blocks and few") {
  Blocks made(4);
  const std::vector<double> costs{1, 0.8, 0.5, 0.3};
  for (const double share : {0.2, 0.35, 0.6, 0.9, 1.0, 1.3}) {
    CAPTURE(share);
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      const auto policy = make_random_prefix({costs, share});
      PolicyStart start = made.start(10, 24);
      start.seed = seed;
      policy->start(start);
      std::vector<BlockPlan> plan(4);
      double cost = 0;
      std::string sets;
      for (Index step = 0; step < 240; ++step) {
        policy->decide({.step = step}, plan);
        CHECK(plan[3].trains);
        const auto frozen = static_cast<std::size_t>(
            std::count_if(plan.begin(), plan.end(), [](const BlockPlan& b) { return !b.trains; }));
        cost += costs[frozen] / 240;
        sets += std::to_string(frozen);
      }
      CHECK(std::abs(cost - std::clamp(share, 0.3, 1.0)) < 0.03);
      seen.insert(sets);
    }
    CHECK((seen.size() == 3) == (share > 0.3 && share < 1));  // drawn anew by each seed
  }
}

TEST_CASE("rates alone: those of the policy, and nothing frozen") {
  Rehearsal theirs(3, "gradual", 4, 2);
  Blocks made(3);
  const auto alone = make_rates_only(parse_policy("gradual"));
  alone->start(made.start(4, 2));
  std::vector<BlockPlan> plan(3);
  for (Index step = 0; step < 8; ++step) {
    theirs.at(step);
    alone->decide({.step = step, .epoch = step / 2, .step_of_epoch = step % 2}, plan);
    for (std::size_t l = 0; l < 3; ++l) {
      CHECK(plan[l].trains);
      CHECK(plan[l].rate == theirs.rate(l));
    }
  }
  CHECK(make_rates_only(parse_policy("freezeout"))->replaces_schedule());
}

TEST_CASE("a policy that starts again begins anew") {
  for (const std::string text : {"autofreeze,every=1", "lp-ft", "egeria,every=1,window=1,checks=1"}) {
    CAPTURE(text);
    Rehearsal r(3, text, 4, 1);
    const auto whole_run = [&] {
      std::string sets;
      r.plan.assign(3, {});
      for (Index step = 0; step < 4; ++step) {
        for (std::size_t l = 0; l < 3; ++l) {
          r.statistics[l].gradient_sum = static_cast<double>(1 + (l + 1) * static_cast<std::size_t>(step));
        }
        sets += r.at(step, 1, 1) + " ";
      }
      return sets;
    };
    const std::string first = whole_run();
    r.policy->start(r.run);
    CHECK(whole_run() == first);
  }
}
