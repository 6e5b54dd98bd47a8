// The rules of the six claims, on results that are made up so that the answer is known.
#include "tools/app/study/verdicts.h"

#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/tools/made_up_study.h"

namespace {

using namespace firn;
using namespace firn::cli;
using firn::test::MadeUp;

void add_labels(MadeUp& study, Index labels, double full, double first, double second, double spread = 1) {
  const auto with = [&](const char* freeze) {
    return [=](Arm& arm) {
      arm.labels = labels;
      arm.freeze = freeze;
    };
  };
  study.add(with("0"), full);
  study.add(with("1"), first, spread);
  study.add(with("2"), second, spread);
}

TEST_CASE("labels: the best cut with few against the same with many") {
  MadeUp clear(1);
  add_labels(clear, 5, 0.6, 0.62, 0.65);
  add_labels(clear, 0, 0.9, 0.91, 0.85);
  const std::vector<Verdict> verdicts = clear.verdicts();
  REQUIRE(verdicts.size() == 2);
  CHECK(verdicts[0].ruling == Ruling::supported);
  CHECK(verdicts[0].text.find("first 2 frozen") != std::string::npos);
  CHECK(verdicts[0].text.find("+5.0 points") != std::string::npos);
  CHECK(verdicts[0].evidence.size() == 2);
  CHECK(verdicts[1].ruling == Ruling::supported);  // first 2, not the better first 1

  MadeUp other(1);
  add_labels(other, 5, 0.6, 0.58, 0.55);
  add_labels(other, 0, 0.9, 0.92, 0.85);
  const std::vector<Verdict> reverse = other.verdicts();
  CHECK(reverse[0].ruling == Ruling::contradicted);
  CHECK(reverse[1].ruling == Ruling::contradicted);

  MadeUp noise(1);
  add_labels(noise, 5, 0.6, 0.605, 0.59, 20);
  add_labels(noise, 0, 0.9, 0.895, 0.89, 20);
  for (const Verdict& verdict : noise.verdicts()) CHECK(verdict.ruling == Ruling::undecided);

  MadeUp one_count(1);
  add_labels(one_count, 5, 0.6, 0.62, 0.65);
  CHECK(one_count.verdicts().empty());
}

void add_copies(MadeUp& study, const char* k, double frozen, double tuned) {
  for (const bool moves : {false, true}) {
    study.add(
        [=](Arm& arm) {
          arm.source = kSelfSource;
          arm.policy =
              std::string("random-frozen,k=") + k + ",first=copied,rest=random" + (moves ? ",tuned=on" : "");
        },
        moves ? tuned : frozen, moves ? 1 : -1);
  }
}

TEST_CASE("co-adaptation: a middle cut below the same copies tuned and below new weights") {
  const auto ruling = [](double frozen, double tuned) {
    MadeUp study(2);
    study.add([](Arm& arm) { arm.source = kRandomSource; }, 0.9);
    add_copies(study, "1", 0.9, 0.9);
    add_copies(study, "2", frozen, tuned);
    add_copies(study, "3", 0.95, 0.95);
    const std::vector<Verdict> verdicts = study.verdicts();
    REQUIRE(verdicts.size() == 1);
    return verdicts[0].ruling;
  };
  CHECK(ruling(0.86, 0.91) == Ruling::supported);
  // A rest that trained too little: tuning the copies does not help either. The old rule, middle against
  // last, called this broken.
  CHECK(ruling(0.86, 0.86) == Ruling::undecided);
  // Frozen is below tuned, which says that tuning helps; new weights are no better.
  CHECK(ruling(0.9, 0.95) == Ruling::undecided);
  CHECK(ruling(0.94, 0.9) == Ruling::contradicted);

  MadeUp without(2);
  without.add([](Arm& arm) { arm.source = kRandomSource; }, 0.9);
  for (const char* k : {"1", "2", "3"}) {
    without.add(
        [=](Arm& arm) {
          arm.source = kSelfSource;
          arm.policy = std::string("random-frozen,k=") + k + ",first=copied,rest=random";
        },
        0.8);
  }
  CHECK(without.verdicts().empty());  // no control, no verdict
}

TEST_CASE("depth: copied against random, the last against scratch") {
  MadeUp study(2);
  const auto copied = [](const char* k, std::string_view source) {
    return [=](Arm& arm) {
      arm.source = source;
      arm.policy = std::string("random-frozen,k=") + k + ",first=copied,rest=random";
    };
  };
  const auto random = [](const char* freeze) {
    return [=](Arm& arm) {
      arm.source = kRandomSource;
      arm.freeze = freeze;
    };
  };
  study.add(random("0"), 0.9);
  study.add(random("1"), 0.8);
  study.add(copied("1", kDrawnSource), 0.89);
  study.add(copied("2", kDrawnSource), 0.85);
  study.add(copied("3", kDrawnSource), 0.7);
  const std::vector<Verdict> verdicts = study.verdicts();
  REQUIRE(verdicts.size() == 2);
  for (const Verdict& verdict : verdicts) CHECK(verdict.ruling == Ruling::supported);
  CHECK(verdicts[0].text.find("+9.0 points") != std::string::npos);
  CHECK(verdicts[1].text.find("-20.0 points") != std::string::npos);
}

TEST_CASE("early: the first moment against the last, many blocks against one") {
  MadeUp study(3);
  const auto late = [](const char* freeze, double at) {
    return [=](Arm& arm) {
      arm.source = kRandomSource;
      arm.freeze = freeze;
      arm.freeze_at = at;
    };
  };
  study.add(late("0", 0), 0.9);
  study.add(late("1", 0.1), 0.89);
  study.add(late("1", 0.7), 0.9);
  study.add(late("3", 0.1), 0.8);
  study.add(late("3", 0.7), 0.9);
  const std::vector<Verdict> verdicts = study.verdicts();
  REQUIRE(verdicts.size() == 2);
  CHECK(verdicts[0].ruling == Ruling::supported);
  CHECK(verdicts[0].text.find("-10.0 points") != std::string::npos);
  CHECK(verdicts[1].ruling == Ruling::supported);
  CHECK(verdicts[1].text.find("-9.0 points") != std::string::npos);
}

TEST_CASE("families: best depths that differ, each clearly") {
  MadeUp study(4);
  const auto cut = [](const char* model, const char* freeze, Index blocks) {
    return [=](Arm& arm) {
      arm.model = model;
      arm.freeze = freeze;
      arm.blocks = blocks;
    };
  };
  study.add(cut("cnn", "0", 3), 0.8);
  study.add(cut("cnn", "1", 3), 0.85);
  study.add(cut("cnn", "2", 3), 0.6);
  study.add(cut("rowlstm2", "0", 3), 0.8);
  study.add(cut("rowlstm2", "1", 3), 0.7);
  study.add(cut("rowlstm2", "2", 3), 0.6);
  const std::vector<Verdict> verdicts = study.verdicts();
  REQUIRE(verdicts.size() == 1);
  CHECK(verdicts[0].ruling == Ruling::supported);
  CHECK(verdicts[0].model == "cnn, rowlstm2");
}

TEST_CASE("families: a GRU is no CNN") {
  MadeUp study(4);
  for (const char* model : {"gru 64, dense", "lstm"}) {
    for (const char* freeze : {"0", "1"}) {
      study.add(
          [&](Arm& arm) {
            arm.model = model;
            arm.freeze = freeze;
          },
          0.8);
    }
  }
  CHECK(study.verdicts().empty());
}

TEST_CASE("adaptive: as good and cheaper, dearer, worse") {
  MadeUp study(5);
  const auto policy = [](const char* name) { return [=](Arm& arm) { arm.policy = name; }; };
  study.add([](Arm&) {}, 0.9, 1, 100, 1);
  study.add(policy("freezeout"), 0.901, -1, 70, 0.7);
  study.add(policy("egeria"), 0.901, -1, 120, 1.1);
  study.add(policy("slimfit"), 0.901, -1, 70, 1.2);
  study.add(policy("head"), 0.6, 1, 30, 0.2);
  study.add(policy("auto-rgn"), 0.901, -1, 100, 1.1, {}, 1);
  const std::vector<Verdict> verdicts = study.verdicts();
  REQUIRE(verdicts.size() == 10);  // each as good at less cost, and better
  CHECK(verdicts[0].ruling == Ruling::supported);
  CHECK(verdicts[0].text.find("70 % of the MACs (70 to 70), 70 % of the time (70 to 70)") !=
        std::string::npos);
  CHECK(verdicts[0].family_size == 4);
  CHECK(verdicts[1].ruling == Ruling::undecided);     // as good is not better
  CHECK(verdicts[2].ruling == Ruling::contradicted);  // it costs more
  CHECK(verdicts[4].ruling == Ruling::contradicted);  // fewer MACs, more time
  CHECK(verdicts[6].ruling == Ruling::contradicted);  // its errors are four times as many
  CHECK(verdicts[7].ruling == Ruling::contradicted);
  CHECK(verdicts[8].ruling == Ruling::not_applicable);  // nothing can freeze, so nothing be saved
  CHECK(verdicts[8].text.find("nothing was frozen") != std::string::npos);
  CHECK(verdicts[9].ruling == Ruling::undecided);
}

TEST_CASE("adaptive: parts of blocks that freeze save too, rates alone do not") {
  MadeUp study(5);
  study.add([](Arm&) {}, 0.9, 1, 100, 1);
  study.add([](Arm& arm) { arm.policy = "bias-only"; }, 0.9, 0.9, 70, 0.7, {}, 1);
  study.add([](Arm& arm) { arm.policy = "auto-rgn"; }, 0.9, 0.9, 100, 1, {}, 1);
  std::map<std::string, Ruling> rulings;
  for (const Verdict& v : study.verdicts()) {
    if (v.family.ends_with("as good at less cost")) rulings[v.part.substr(0, v.part.find(' '))] = v.ruling;
  }
  CHECK(rulings.at("bias-only") == Ruling::supported);
  CHECK(rulings.at("auto-rgn") == Ruling::not_applicable);
}

TEST_CASE("adaptive: the margin is of the errors, and lower within it is as good") {
  const auto ruling = [](double full, double with) {
    MadeUp study(5);
    study.add([](Arm&) {}, full, 1, 100, 1);
    study.add([](Arm& arm) { arm.policy = "freezeout"; }, with, 1.1, 70, 0.7);
    return study.verdicts().at(0).ruling;
  };
  CHECK(ruling(0.6, 0.58) == Ruling::supported);      // 42 errors for 40, significantly lower
  CHECK(ruling(0.97, 0.95) == Ruling::contradicted);  // two points are two errors in three more
  CHECK(ruling(0.97, 0.969) == Ruling::supported);
}

TEST_CASE("adaptive: controls of equal cost, each a claim of its own") {
  MadeUp study(5);
  const auto policy = [](const char* name) { return [=](Arm& arm) { arm.policy = name; }; };
  study.add([](Arm&) {}, 0.9, 1, 100, 1);
  study.add(policy("freezeout"), 0.9, -1, 70, 0.7);
  study.add(policy("equal-steps:freezeout"), 0.92, 1, 71, 0.7);
  study.add(policy("equal-random:freezeout"), 0.8, 1, 70, 0.7);
  study.add(policy("rates-only:freezeout"), 0.9, 1, 100, 1);
  const std::vector<Verdict> verdicts = study.verdicts();
  REQUIRE(verdicts.size() == 5);
  CHECK(verdicts[2].part.find("freezeout is better than full tuning cut to its cost") == 0);
  CHECK(verdicts[2].ruling == Ruling::contradicted);
  CHECK(verdicts[2].text.find("the control has 101 % of the MACs") != std::string::npos);
  CHECK(verdicts[3].ruling == Ruling::supported);
  CHECK(verdicts[4].ruling == Ruling::undecided);
}

TEST_CASE("a family of many looks is told on a level for all of them") {
  // One policy of p = 0.02 alone is told; among twelve that are nothing it is not.
  const auto ruling = [](int others) {
    MadeUp study(5);
    study.add([](Arm&) {}, 0.9, 0, 100, 1);
    study.add([](Arm& arm) { arm.policy = "freezeout"; }, 0.9075, 1.7, 70, 0.7);
    for (int i = 0; i < others; ++i) {
      study.add([=](Arm& arm) { arm.policy = "lisa,blocks=" + std::to_string(i + 1); }, 0.9, -1, 70, 0.7);
    }
    const Verdict v = study.verdicts().at(1);
    CHECK(v.p_for > 0.01);
    CHECK(v.p_for < 0.05);
    return v.ruling;
  };
  CHECK(ruling(0) == Ruling::supported);
  CHECK(ruling(12) == Ruling::undecided);
}

TEST_CASE("answers one by one: what seeds alone would tell, other items might not") {
  MadeUp study(5);
  std::vector<std::vector<float>> full, cut;
  // Of 40 items two are answered right by every seed of one arm and by none of the other: 5 points without
  // any spread between seeds, and p is that of two items.
  for (int seed = 0; seed < 5; ++seed) {
    full.emplace_back(40, 1.0F);
    cut.emplace_back(40, 1.0F);
    full.back()[0] = full.back()[1] = 0;
  }
  study.add_items([](Arm&) {}, full);
  study.add_items([](Arm& arm) { arm.policy = "freezeout"; }, cut);
  const Verdict better = study.verdicts().at(1);
  CHECK(better.evidence[0].mean == doctest::Approx(0.05));
  CHECK(better.ruling == Ruling::undecided);
  CHECK(better.p_for ==
        doctest::Approx(0.1599).epsilon(0.02));  // t = 0.05 / (0.2207 / sqrt(40)) with 39 degrees
  // So few items tell no point, however many seeds there are.
  const std::vector<ArmPower> power = study.power();
  REQUIRE(power.size() == 1);
  CHECK(power[0].items == 40);
  CHECK_FALSE(power[0].seeds_for_a_point);
  CHECK(power_text(power) == "of 1 arm no number of seeds tells it: more test items are wanted");
}

TEST_CASE("several targets are one answer, with where another would lie") {
  MadeUp study(5);
  for (const auto& [target, mean] : {std::pair{"digits", 0.90}, {"letters", 0.91}, {"clothes", 0.95}}) {
    study.add([&, target = target](Arm& arm) { arm.target = target; }, 0.9, 1);
    study.add(
        [&, target = target](Arm& arm) {
          arm.target = target;
          arm.policy = "freezeout";
        },
        mean, 0.9);
  }
  const std::vector<PooledVerdict> pooled = pooled_verdicts(study.verdicts());
  REQUIRE(pooled.size() == 2);
  CHECK(pooled[1].part.find("freezeout is better than full tuning") == 0);
  CHECK(pooled[1].pooled.sets == 3);
  CHECK(pooled[1].pooled.effect.mean == doctest::Approx(0.02));
  CHECK(pooled[1].pooled.tau == doctest::Approx(0.02646).epsilon(0.01));
  CHECK(pooled[1].pooled.prediction.low < -0.3);  // one degree of freedom
  CHECK(pooled[1].text.find("over 3 sets +2.0 points") == 0);
}

TEST_CASE("networks that differ by set are put together too, by what a verdict rests on") {
  MadeUp study(1);
  const struct {
    const char *target, *model;
    Index fewest, most;
    double best;
  } sets[] = {{"digits", "cnn", 2, 20, 0.81},
              {"letters", "cnn", 4, 0, 0.82},
              {"words", "textlstm", 5, 50, 0.83},
              {"words", "textcnn", 5, 50, 0.99}};
  for (const auto& set : sets) {
    const auto cut = [&](const char* freeze, Index labels, double mean, double spread) {
      study.add(
          [&](Arm& arm) {
            arm.target = set.target;
            arm.model = set.model;
            arm.freeze = freeze;
            arm.labels = labels;
          },
          mean, spread);
    };
    cut("0", set.fewest, 0.80, 1);
    cut("1", set.fewest, 0.70, 0.9);
    cut("2", set.fewest, set.best, 0.9);
    cut("0", set.most, 0.90, 1);
    cut("1", set.most, 0.95, 0.9);
    cut("2", set.most, 0.89, 0.9);
  }
  // The same in every seed: nothing to weigh it by.
  for (const Index labels : {3, 30}) {
    for (const char* freeze : {"0", "1"}) {
      study.add(
          [&](Arm& arm) {
            arm.target = "still";
            arm.freeze = freeze;
            arm.labels = labels;
          },
          *freeze == '0' ? 0.5 : 0.9);
    }
  }
  std::map<std::string, firn::cli::Pooled> pooled;
  for (const PooledVerdict& v : pooled_verdicts(study.verdicts())) pooled[v.part] = v.pooled;
  // No two sets share a part with the same labels and network: what all share is left.
  REQUIRE(pooled.size() == 2);
  const firn::cli::Pooled& few = pooled.at("few labels; the first network of each set");
  CHECK(few.sets == 3);
  CHECK(few.effect.mean == doctest::Approx(0.02));
  CHECK(pooled.at("many labels; the first network of each set").effect.mean == doctest::Approx(-0.01));
}

TEST_CASE("adaptive: too little known is not as good") {
  MadeUp study(5);
  study.add([](Arm&) {}, 0.9, 1, 100, 1);
  study.add([](Arm& arm) { arm.policy = "layerout"; }, 0.9, -30, 70, 0.7);
  const std::vector<Verdict> verdicts = study.verdicts();
  REQUIRE(verdicts.size() == 2);
  CHECK(verdicts[0].evidence[0].interval.low < -0.02);
  CHECK(verdicts[0].evidence[0].interval.high > 0);
  CHECK(verdicts[0].ruling == Ruling::undecided);
}

TEST_CASE("regularisers: a clear change, none above a point, too little known") {
  const auto rulings = [](double with_batch, double spread) {
    MadeUp study(6);
    const auto rule = [](const char* freeze, const char* bn) {
      return [=](Arm& arm) {
        arm.freeze = freeze;
        arm.bn = bn;
      };
    };
    study.add(rule("0", "frozen"), 0.9);
    study.add(rule("1", "frozen"), 0.9);
    study.add(rule("1", "batch"), with_batch, spread);
    const std::vector<Verdict> verdicts = study.verdicts();
    REQUIRE(verdicts.size() == 1);
    return verdicts[0].ruling;
  };
  CHECK(rulings(0.95, 2) == Ruling::supported);
  CHECK(rulings(0.85, 2) == Ruling::supported);
  CHECK(rulings(0.9, 1.1) == Ruling::contradicted);
  CHECK(rulings(0.92, 40) == Ruling::undecided);
}

}  // namespace
