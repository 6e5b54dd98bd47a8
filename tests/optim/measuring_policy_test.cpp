// Each policy that decides by time or by what the step measures against its formula, on cases worked out by
// hand.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "optim/policies/policies.h"
#include "optim/policies/registry.h"
#include "tests/optim/rehearsal.h"

using namespace firn;
using namespace firn::test;

TEST_CASE("FreezeOut: cubic ends, each block its cosine") {
  // t0 0.5, three blocks, 100 steps: t = 0.5^3, 0.75^3, 1, ends at 12.5, 42.1875, 100.
  Rehearsal r(3, "freezeout,t0=0.5", 10, 10);
  CHECK(r.policy->replaces_schedule());
  CHECK(r.at(0) == "111");
  CHECK(r.rate(0) == 8);
  CHECK(r.rate(1) == doctest::Approx(2.370370));
  CHECK(r.rate(2) == 1);
  CHECK(r.at(12) == "111");
  CHECK(r.rate(0) == doctest::Approx(0.03154119));
  CHECK(r.rate(1) == doctest::Approx(1.927827));
  CHECK(r.rate(2) == doctest::Approx(0.9648882));
  CHECK(r.at(13) == "011");
  CHECK(r.at(42) == "011");
  CHECK(r.at(43) == "001");
  CHECK(r.at(99) == "001");

  Rehearsal linear(3, "freezeout,t0=0.5,spacing=linear,scaled=off", 10, 10);
  CHECK(linear.at(30) == "111");  // ends at 50, 75, 100
  CHECK(linear.rate(0) == doctest::Approx(0.3454915));
  CHECK(linear.rate(1) == doctest::Approx(0.6545085));
  CHECK(linear.rate(2) == doctest::Approx(0.7938926));
  CHECK(linear.at(50) == "111");
  CHECK(linear.rate(0) == doctest::Approx(0));
  CHECK(linear.at(51) == "011");
  CHECK(refuses("freezeout,t0=1.5", "t0=1.5 is not in"));
  CHECK(refuses("freezeout,t0=nan", "t0=nan is no number"));
}

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
