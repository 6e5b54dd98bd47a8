// Policies that look at what training does, against their formulas, on cases worked out by hand.
#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "optim/policies/policies.h"
#include "optim/policies/registry.h"
#include "tests/errors.h"
#include "tests/optim/policy_rehearsal.h"

using namespace firn;
using namespace firn::test;

TEST_CASE("AutoFreeze: the prefix below the median change") {
  const auto look = [](Rehearsal& r, Index step, std::vector<double> sums) {
    for (std::size_t l = 0; l < sums.size(); ++l) r.statistics[l].gradient_sum = sums[l];
    return r.at(step);
  };
  Rehearsal r(4, "autofreeze,every=2", 5, 4);
  CHECK(r.at(0) == "1111");
  CHECK(r.needs().add_gradients);
  CHECK(!r.needs().gradient_sums);
  r.at(1);
  CHECK(r.needs().gradient_sums);  // behind every second step
  CHECK(look(r, 2, {10, 20, 30, 40}) == "1111");
  CHECK(look(r, 3, {0, 0, 0, 0}) == "1111");         // no look here
  CHECK(look(r, 4, {10, 18, 33, 400}) == "0111");    // eta 0, 0.1, 0.1: median 0.1; the head does not count
  CHECK(look(r, 6, {0, 17.1, 29.7, 30}) == "0011");  // 0.05, 0.1: median 0.075
  CHECK(look(r, 8, {0, 0, 29.7, 15}) == "0011");     // of one block that block's own
  CHECK(look(r, 10, {0, 0, 0, 15}) == "0011");

  Rehearsal even(4, "autofreeze,every=1", 5, 4);
  look(even, 1, {10, 10, 10, 10});
  CHECK(look(even, 2, {10, 12, 14, 18}) == "0111");  // 0, 0.2, 0.4: median 0.2
  Rehearsal five(5, "autofreeze,every=1", 5, 4);
  look(five, 1, {10, 10, 10, 10, 10});
  CHECK(look(five, 2, {10, 12, 14, 18, 10}) == "00111");  // 0, 0.2, 0.4, 0.8: median 0.3
  Rehearsal one(1, "autofreeze,every=1", 5, 4);
  look(one, 1, {10});
  CHECK(look(one, 2, {10}) == "1");
  Rehearsal low(4, "autofreeze,every=1,percentile=0", 5, 4);
  look(low, 1, {10, 10, 10, 10});
  CHECK(look(low, 2, {10, 12, 14, 18}) == "1111");  // threshold 0
  // Twelve looks over the run, twenty there.
  for (const auto& [text, every] : {std::pair{"autofreeze", 20}, {"autofreeze,authors=on", 12}}) {
    Rehearsal whole(2, text, 10, 24);
    Index looks = 0;
    for (Index step = 0; step < 240; ++step) {
      whole.at(step);
      CHECK(whole.needs().gradient_sums == ((step + 1) % every == 0));
      looks += whole.needs().gradient_sums ? 1 : 0;
    }
    CHECK(looks >= 10);
    CHECK(looks <= 20);
  }
}

TEST_CASE("Egeria: the front block freezes once its distance stands still, and thaws with the rate") {
  Rehearsal r(3, "egeria,every=1,window=2,checks=2,tolerance=0.5,reference=0");
  CHECK(r.policy->wants_activations());
  CHECK(r.at(0) == "111");
  CHECK(r.needs().reference);
  CHECK(!r.needs().distances);
  CHECK(r.at(1) == "111");
  CHECK(r.needs().distances);
  CHECK(!r.needs().reference);
  // Means of two: 6, 3, 1.5, 0.75; slopes 3, 1.5, 0.75, of which the last two are at most half of 3.
  const std::vector<double> distances{8, 4, 2, 1, 0.5};
  Index step = 1;
  for (const double distance : distances) {
    CHECK(r.set() == "111");
    r.statistics[0].distance = distance;
    r.at(++step);
  }
  CHECK(r.set() == "011");
  for (const double distance : {5.0, 4.0, 4.0, 4.0, 4.0}) {  // means 4.5, 4, 4, 4: slopes 0.5, 0, 0
    CHECK(r.set() == "011");
    r.statistics[1].distance = distance;
    r.at(++step);
  }
  CHECK(r.set() == "001");
  r.statistics[2].distance = 1;
  for (int i = 0; i < 10; ++i) CHECK(r.at(++step) == "001");  // never the last one
  CHECK(r.at(++step, 0.11) == "001");
  CHECK(r.at(++step, 0.1) == "111");
  CHECK(r.needs().reference);
  CHECK(!r.needs().distances);
  CHECK(r.at(++step, 0.1) == "111");
  CHECK(r.needs().distances);

  Rehearsal fresh(3, "egeria,every=2,reference=2");
  std::string taken;
  for (Index i = 0; i < 10; ++i) {
    fresh.at(i);
    taken += fresh.needs().distances ? 'd' : '.';
    taken += fresh.needs().reference ? 'r' : '.';
  }
  CHECK(taken == "...r..d...dr..d...dr");

  // The usual one takes a new reference each 8 checks; distances to two references make no slope: the fall
  // to the new one's is none, and the check behind it has nothing to be held against.
  Rehearsal usual(2, "egeria,every=1,window=1,checks=1,tolerance=1");
  std::string references;
  for (Index i = 0; i < 12; ++i) {
    usual.at(i);
    references += usual.needs().reference ? 'r' : '.';
    usual.statistics[0].distance = i < 9 ? std::ldexp(1.0, static_cast<int>(i)) : 0;  // slopes that double
  }
  CHECK(references == "r.......r...");
}

TEST_CASE("SlimFit: the blocks that moved least rest") {
  Rehearsal r(4, "slimfit,share=0.5");
  CHECK(r.at(0) == "1111");
  CHECK(r.needs().keep_weights);
  CHECK(r.needs().weight_changes);
  const auto change = [&](std::vector<double> d) {
    for (std::size_t l = 0; l < d.size(); ++l) r.statistics[l].change = d[l];
  };
  change({0.4, 0.1, 0.3, 0.2});
  CHECK(r.at(1) == "1001");  // two of the three below the head
  change({0.05, 0.1, 0.15, 0.01});
  CHECK(r.at(2) == "0011");  // the head trains however little it moves
  change({0.1, 0.1, 0.1, 0.1});
  CHECK(r.at(3) == "0011");  // of equals the first
  Rehearsal most(4, "slimfit,share=1");
  CHECK(most.at(1) == "0001");
  Rehearsal third(4, "slimfit,share=0.49,every=3");
  third.at(0);
  CHECK(third.needs().keep_weights);
  CHECK(!third.needs().weight_changes);
  third.at(2);
  CHECK(third.needs().weight_changes);
  CHECK(third.set() == "1111");
  CHECK(third.at(3) == "0111");
}

TEST_CASE("Auto-RGN: rates by relative gradient norm") {
  const auto measured = [](Rehearsal& r, std::vector<double> gradients, std::vector<double> weights) {
    for (std::size_t l = 0; l < gradients.size(); ++l) {
      r.statistics[l].gradient_norm = gradients[l];
      r.statistics[l].weight_norm = weights[l];
    }
  };
  Rehearsal r(3, "auto-rgn,batches=2,rate=2", 3, 4);
  CHECK(r.at(0) == "111");
  CHECK(r.needs().gradient_norms);
  CHECK(r.needs().weight_norms);
  measured(r, {1, 1, 0}, {2, 4, 1});  // 0.5, 0.25, 0
  r.at(1);
  CHECK(r.rate(0) == 1);
  measured(r, {1, 3, 0}, {4, 4, 1});  // 0.25, 0.75, 0
  CHECK(r.at(2) == "111");
  CHECK(r.rate(0) == doctest::Approx(1.5));  // sums 0.75, 1, 0
  CHECK(r.rate(1) == 2);
  CHECK(r.rate(2) == 0);
  CHECK(!r.needs().gradient_norms);
  measured(r, {9, 9, 9}, {1, 1, 1});
  r.at(3);
  r.at(4);  // the next epoch measures anew
  CHECK(r.needs().gradient_norms);
  CHECK(r.rate(1) == 2);
  measured(r, {1, 1, 1}, {1, 1, 2});
  r.at(5);
  r.at(6);
  CHECK(r.rate(0) == 2);
  CHECK(r.rate(2) == 1);

  Rehearsal apart(2, "auto-rgn,authors=on,batches=2", 3, 4);
  apart.at(0);
  CHECK(apart.rate(0) == 0);  // steps that measure move nothing
  CHECK(apart.needs().without_norms);
  measured(apart, {1, 2}, {1, 1});
  apart.at(1);
  CHECK(apart.rate(1) == 0);
  apart.at(2);
  CHECK(apart.rate(0) == 0.5);
  CHECK(apart.rate(1) == 1);
  apart.at(3);
  CHECK(apart.rate(1) == 1);
  apart.at(4);
  CHECK(apart.rate(1) == 0);

  Rehearsal brief(2, "auto-rgn", 3, 2);  // all steps of the epoch
  brief.at(0);
  measured(brief, {1, 2}, {1, 1});
  brief.at(1);
  measured(brief, {1, 4}, {1, 1});
  brief.at(2);
  CHECK(brief.rate(0) == doctest::Approx(1.0 / 3));  // 2 of 6
  CHECK(brief.rate(1) == 1);
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

TEST_CASE("APF: what goes to and fro rests, longer each time; what moves on trains") {
  // Two elements a parameter, groups of one. b0.weight: element 0 goes to and fro, element 1 moves on.
  Rehearsal r(2, "apf,every=1,group=1,threshold=0.8,decay=0.5", 1, 1000);
  const auto frozen = [&](std::size_t i) {
    return text_of(r.policy->frozen_within().frozen_units(*r.made.parameters[i]));
  };
  const auto advance = [&](Index step) {
    real* to_and_fro = r.made.parameters[0]->mutable_value().data();
    to_and_fro[0] += step % 2 == 0 ? real(1) : real(-1);
    to_and_fro[1] += 1;
    for (std::size_t i = 1; i < r.made.parameters.size(); ++i) {  // all others move on
      for (real& x : r.made.parameters[i]->mutable_value().values()) x += 1;
    }
  };
  std::string rests;
  for (Index step = 0; step < 12; ++step) {
    r.at(step);
    rests += frozen(0) == "0:1" ? '1' : '0';
    if (frozen(0) != "0:1") CHECK(frozen(0).empty());
    for (std::size_t i = 1; i < r.made.parameters.size(); ++i) CHECK(frozen(i).empty());
    CHECK(r.set() == "11");
    advance(step);
  }
  // At 1: E = A = 1/2, P = 1. At 2, of -1: E = -1/4, A = 3/4, P = 1/3: it rests for 1 step. At 3 it trains
  // again. At 4, of -1: E = -5/8, A = 7/8, P = 0.71: for 2. At 7, of +1: P = 0.2: for 3. At 11, of +1: P =
  // 0.61.
  CHECK(rests == "001011011101");
}

TEST_CASE(
    "APF: rests are halved where a group moves on, a block that rests has its statistics rest, the last "
    "thaws") {
  Rehearsal r(2, "apf,every=1,group=2,threshold=1,decay=0", 1, 1000);
  const Parameter& mean = r.made.add(0, "running_mean", Role::statistic);
  r.policy->start(r.made.start(1, 1000));
  const auto move = [&](std::size_t i, real by) {
    for (real& x : r.made.parameters[i]->mutable_value().values()) x += by;
  };
  r.at(0);
  // Without decay P is 1 for what moves and 0 for what stands still.
  for (const std::size_t i : {2u, 3u}) move(i, 1);
  CHECK(r.at(1) == "01");
  CHECK_FALSE(r.policy->frozen_within().trains(*r.made.parameters[0]));
  CHECK(r.policy->frozen_within().trains(*r.made.parameters[2]));
  CHECK(r.policy->frozen_within().trains(mean));  // its block says it
  CHECK(r.at(2) == "10");                         // the rest of the one is over, the other stands still

  Rehearsal still(2, "apf,every=1,group=2,threshold=1,decay=0", 1, 1000);
  still.at(0);
  CHECK(still.at(1) == "01");  // something always trains
  CHECK(still.policy->frozen_within().trains(*still.made.parameters[2]));
}

TEST_CASE(
    "APF: units that are frozen for good are none of its own, and what is left never rests as a whole") {
  Rehearsal r(1, "apf,every=1,group=1,threshold=1,decay=0", 1, 1000);
  FreezeSet kept;
  for (const auto& p : r.made.parameters) {
    p->set_frozen_units({{0, 1}});
    kept.add(marked_frozen(*p));
  }
  r.at(0);
  for (Index step = 1; step < 8; ++step) {
    for (const auto& p : r.made.parameters)
      p->mutable_value().values()[1] += step % 3 == 1 ? real(1) : real(0);
    CHECK(r.at(step) == "1");
    FreezeSet set = kept;
    set.add(r.policy->frozen_within());
    CHECK((set.trains(*r.made.parameters[0]) || set.trains(*r.made.parameters[1])));
  }
}
