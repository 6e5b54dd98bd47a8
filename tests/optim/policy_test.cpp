// Each policy against its formula, on cases worked out by hand.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "optim/policies/policies.h"
#include "optim/policies/registry.h"
#include "tests/errors.h"
#include "tests/optim/rehearsal.h"

using namespace firn;
using namespace firn::test;

TEST_CASE("static cuts") {
  CHECK(Rehearsal(4, "none").at(0) == "1111");
  CHECK(Rehearsal(4, "first,k=3").at(0) == "0001");
  CHECK(Rehearsal(4, "first,k=0").at(0) == "1111");
  CHECK(Rehearsal(4, "last,k=3").at(0) == "1000");
  CHECK(Rehearsal(4, "only,block=1").at(0) == "0100");
  CHECK(Rehearsal(4, "head").at(0) == "0001");
  CHECK(fails_with(Fault::usage, "4 of 4 blocks", [] { Rehearsal(4, "first,k=4"); }));
  CHECK(refuses("first,k=-1", "-1"));
}

TEST_CASE("cuts count the blocks of the model, shown or not") {
  Blocks made(4);
  PolicyStart start = made.start();
  start.blocks.erase(start.blocks.begin());  // frozen for good
  std::vector<BlockPlan> plan(3);
  const auto first = parse_policy("first,k=2");
  first->start(start);
  first->decide({}, plan);
  CHECK(!plan[0].trains);
  CHECK(plan[1].trains);
  const auto none = parse_policy("none");
  CHECK(fails_with(Fault::usage, "nothing is left to a policy", [&] { none->start({}); }));
}

TEST_CASE("patterns and roles") {
  CHECK(Rehearsal(2, "pattern,freeze=b0").selected() == "b1.weight b1.bias ");
  CHECK(Rehearsal(2, "pattern,freeze=*.weight").selected() == "b0.bias b1.bias ");
  CHECK(Rehearsal(2, "pattern,freeze=role:bias+b1.weight").selected() == "b0.weight ");
  CHECK(Rehearsal(2, "pattern,train=b1").selected() == "b1.weight b1.bias ");
  CHECK(Rehearsal(2, "bias-only,head=off").selected() == "b0.bias b1.bias ");
  CHECK(Rehearsal(2, "bias-only").selected() == "b0.bias b1.weight b1.bias ");
  CHECK(
      fails_with(Fault::usage, "did you mean b0.weight?", [] { Rehearsal(2, "pattern,freeze=b0.wieght"); }));
  CHECK(fails_with(Fault::usage, "freezes everything", [] { Rehearsal(2, "pattern,freeze=b*"); }));
  CHECK(fails_with(Fault::usage, "no parameter has the role norm", [] { Rehearsal(2, "bn-only"); }));
  CHECK(refuses("pattern", "freeze=NAMES or train=NAMES"));
  CHECK(refuses("pattern,freeze=a,train=b", "freeze=NAMES or train=NAMES"));

  Blocks made(2);
  const Parameter& scale = made.add(0, "scale", Role::norm);
  const Parameter& mean = made.add(0, "running_mean", Role::statistic);
  const auto bn = parse_policy("bn-only");
  bn->start(made.start());
  CHECK(bn->frozen_within().trains(scale));
  CHECK(bn->frozen_within().trains(mean));  // statistics go with their norm
  CHECK(!bn->frozen_within().trains(*made.parameters[0]));
  CHECK(bn->text().find("1 of 5 tensors train") != std::string::npos);
  const Parameter& shift = made.add(1, "norm.bias", Role::norm);
  for (const auto& [text, trains] : {std::pair{"bias-only", false}, {"bias-only,authors=on", true}}) {
    const auto biases = parse_policy(text);
    PolicyStart start = made.start();
    start.blocks.push_back({2, "head", {made.parameters[0].get()}});
    biases->start(start);
    CHECK(biases->frozen_within().trains(shift) == trains);
    CHECK(!biases->frozen_within().trains(scale));
  }
}

TEST_CASE("random-frozen: AnB, BnB, with and without tuning") {
  const auto renewed = [](const std::string& text) {
    const Rehearsal r(3, text);
    std::string out;
    for (std::size_t l = 0; l < 3; ++l) out += r.policy->reinitialises(l) ? 'r' : '.';
    return out;
  };
  CHECK(renewed("random-frozen,k=2") == "rr.");
  CHECK(renewed("random-frozen,k=2,first=copied,rest=random") == "..r");
  CHECK(renewed("random-frozen,k=1,rest=random") == "rrr");
  CHECK(Rehearsal(3, "random-frozen,k=2").at(0) == "001");
  CHECK(Rehearsal(3, "random-frozen,k=2,tuned=on").at(0) == "111");
  CHECK(fails_with(Fault::usage, "k=3 of 3", [] { Rehearsal(3, "random-frozen,k=3"); }));
  CHECK(refuses("random-frozen,first=rondom", "did you mean random?"));
}

TEST_CASE("LP-FT: the head until its loss stands still, then everything") {
  Rehearsal r(3, "lp-ft,probe=5,tolerance=0.1,rate=0.2,schedule=run", 10, 2);
  CHECK(r.at(0) == "001");
  CHECK(r.rate(2) == 1);
  CHECK(r.at(2, 1, 1.0) == "001");   // epoch 1; the first had loss 1
  CHECK(r.at(4, 1, 0.85) == "001");  // fell by 15 %
  CHECK(r.at(5, 1, 0.85) == "001");
  CHECK(r.at(6, 1, 0.80) == "111");  // by 6 %
  CHECK(r.rate(0) == 0.2);
  CHECK(r.rate(2) == 0.2);
  CHECK(r.at(8, 1, 0.1) == "111");  // for good

  Rehearsal falls(3, "lp-ft,probe=3", 10, 1);
  double loss = 1;
  for (Index epoch = 0; epoch < 3; ++epoch, loss /= 2)
    CHECK(falls.at(epoch, 1, epoch > 0 ? loss : 0) == "001");
  CHECK(falls.at(3, 1, loss) == "111");  // at the latest
  Rehearsal half(2, "lp-ft", 4, 1);
  CHECK(half.at(1, 1, 1) == "01");
  CHECK(half.at(2, 1, 0.5) == "11");
}

TEST_CASE("gradual: one block an epoch, rates by 2.6") {
  Rehearsal r(3, "gradual", 4, 2);
  CHECK(r.at(0) == "001");
  CHECK(r.at(1) == "001");
  CHECK(r.at(2) == "011");
  CHECK(r.rate(2) == 1);
  CHECK(r.rate(1) == doctest::Approx(0.3846154));
  CHECK(r.rate(0) == doctest::Approx(0.1479290));
  CHECK(r.at(4) == "111");
  CHECK(r.at(7) == "111");
  Rehearsal slow(3, "gradual,every=2,divide=2", 6, 1);
  CHECK(slow.at(1) == "001");
  CHECK(slow.at(2) == "011");
  CHECK(slow.rate(0) == 0.25);
}

TEST_CASE("fine-tune: the head, then rates a hundredfold apart") {
  Rehearsal r(3, "fine-tune,schedule=run", 3, 2);
  CHECK(r.at(1) == "001");
  CHECK(r.rate(2) == 1);
  CHECK(r.at(2) == "111");
  CHECK(r.rate(2) == 0.5);
  CHECK(r.rate(1) == doctest::Approx(0.05));
  CHECK(r.rate(0) == doctest::Approx(0.005));

  // A cycle a phase: up over 99 % of 100 steps from 1/25, then up over 30 % of the other 200 from 1/5.
  Rehearsal phases(2, "fine-tune", 3, 100);
  CHECK(phases.policy->replaces_schedule());
  CHECK(phases.at(0) == "01");
  CHECK(phases.rate(1) == doctest::Approx(0.04));
  phases.at(98);
  CHECK(phases.rate(1) == doctest::Approx(1).epsilon(0.01));
  CHECK(phases.at(100) == "11");
  CHECK(phases.rate(1) == doctest::Approx(0.1));
  phases.at(159);
  CHECK(phases.rate(1) == doctest::Approx(0.5).epsilon(0.01));
  CHECK(phases.rate(0) == doctest::Approx(0.005).epsilon(0.01));
  phases.at(299);
  CHECK(phases.rate(1) < 1e-4);
}

TEST_CASE("the registry: every policy by its name, with all its keys as they are") {
  for (const PolicyEntry& entry : policy_registry()) {
    CAPTURE(entry.name);
    std::string text = entry.name;
    for (const PolicyKey& key : entry.keys) text += "," + key.name + "=" + key.usual;
    if (entry.name == "pattern") text = "pattern,freeze=b0";
    Blocks made(3);
    made.add(0, "scale", Role::norm);
    const auto policy = parse_policy(text);
    policy->start(made.start(3, 10));
    CHECK(policy->text().starts_with(entry.name + ":"));
    if (entry.name == "pattern") continue;
    const auto usual = parse_policy(entry.name);
    usual->start(made.start(3, 10));
    CHECK(usual->text() == policy->text());
    for (const auto& [key, value] : entry.authors) {
      const bool known = std::any_of(entry.keys.begin(), entry.keys.end(),
                                     [&](const PolicyKey& k) { return k.name == key && k.usual != value; });
      CHECK(known);
    }
    // What is given stands.
    if (entry.authors.empty()) continue;
    const auto& [key, value] = entry.authors.front();
    const auto kept = parse_policy(entry.name + "," + key + "=" + value);
    const auto theirs = parse_policy(entry.name + ",authors=on");
    kept->start(made.start(3, 10));
    theirs->start(made.start(3, 10));
    if (entry.authors.size() == 1) CHECK(kept->text() == theirs->text());
    CHECK(theirs->text() != policy->text());
  }
}

TEST_CASE("what is no policy is answered with the near name") {
  CHECK(refuses("frezeout", "no policy is called 'frezeout' (did you mean freezeout?)"));
  CHECK(refuses("", "no policy is called ''"));
  CHECK(refuses("gradual,devide=2", "did you mean divide?"));
  CHECK(refuses("gradual,divide", "'divide' is not key=value"));
  CHECK(refuses("gradual,divide=2,divide=3", "given twice"));
  CHECK(refuses("gradual,divide=two", "divide=two is no number"));
  CHECK(refuses("gradual,every=1.5", "every=1.5 is no whole number"));
  CHECK(refuses("gradual,divide=0.5", "divide=0.5 is not in [1"));
  CHECK(refuses("head,k=1", "head has no keys"));
  CHECK(refuses("bias-only,head=yes", "head=yes is none of off, on"));
  CHECK(refuses("slimfit,share=2", "share=2"));
  CHECK(refuses("egeria,checks=0", "checks=0"));
  CHECK(refuses("autofreeze,percentile=101", "percentile=101"));
  CHECK(refuses("layerout,first=0", "first=0"));
  CHECK(refuses("slimfit,authors=yes", "authors=yes is none of off, on"));
  CHECK(refuses("slimfit,authors=on,authors=off", "given twice"));
  CHECK(refuses("apf,group=0", "group=0"));
  CHECK(refuses("apf,decay=1", "decay=1"));
  CHECK(refuses("lisa,blocks=0", "blocks=0"));
}
