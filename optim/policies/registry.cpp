#include "optim/policies/registry.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "optim/policies/policies.h"

namespace firn {

namespace {

constexpr Index kMostWhole = 1000000000;  // of steps, epochs, blocks
constexpr const char* kAuthors = "authors";

using Values = const PolicyValues&;

std::vector<PolicyEntry> make_registry() {
  const auto cut = [](CutConfig::Kind kind, const char* key) {
    return [=](Values v) { return make_cut({.kind = kind, .block = v.whole(key)}); };
  };
  return {
      {"none", "everything trains", {}, {}, [](Values) { return make_cut({}); }},
      {"first",
       "the first k blocks are frozen",
       {{"k", "1", "blocks, counted as --freeze counts them"}},
       {},
       cut(CutConfig::Kind::first, "k")},
      {"last", "the last k blocks are frozen", {{"k", "1", "blocks"}}, {}, cut(CutConfig::Kind::last, "k")},
      {"only", "one block trains", {{"block", "0", "its number"}}, {}, cut(CutConfig::Kind::only, "block")},
      {"head", "the last block trains (linear probe)", {}, {}, [](Values) { return make_head(); }},
      {"pattern",
       "parameters by name",
       {{"freeze", "", "names, globs and roles with '+' between them"}, {"train", "", "all but these"}},
       {},
       [](Values v) {
         return make_pattern({v.text("freeze"), v.text("train")});
       }},
      {"bn-only",
       "normalisations train (Frankle 2021)",
       {{"head", "off", "the last block too"}},
       {},
       [](Values v) {
         return make_role({Role::norm, v.on("head")});
       }},
      {"bias-only",
       "biases train (BitFit 2022)",
       {{"head", "on", "the last block too"}, {"shifts", "off", "of normalisations too"}},
       {{"shifts", "on"}},
       [](Values v) {
         return make_role({Role::bias, v.on("head"), v.on("shifts")});
       }},
      {"lp-ft",
       "the head to convergence, then everything at a small rate (Kumar 2022)",
       {{"probe", "0", "epochs of the head at most; 0: half of all"},
        {"tolerance", "0.01", "share that an epoch's loss must fall by"},
        {"rate", "0.1", "factor behind it"},
        {"schedule", "phase", "a cosine for each phase; run: the run's"}},
       {{"rate", "1"}},
       [](Values v) {
         return make_lp_ft({v.whole("probe"), v.number("tolerance"), v.number("rate"),
                            v.one_of("schedule", {"run", "phase"}) == 1});
       }},
      {"gradual",
       "one more block from the top each epoch (ULMFiT 2018)",
       {{"divide", "2.6", "of the rate from a block to the one below"},
        {"every", "1", "epochs"},
        {"schedule", "run", "the run's; slanted: ULMFiT's triangle"}},
       {{"schedule", "slanted"}},
       [](Values v) {
         return make_gradual(
             {v.number("divide"), v.whole("every"), v.one_of("schedule", {"run", "slanted"}) == 1});
       }},
      {"fine-tune",
       "the head, then everything at rates spread over the blocks (fastai)",
       {{"head", "1", "epochs of the head alone"},
        {"spread", "100", "the head's rate over the first block's"},
        {"then", "0.5", "the head's factor behind it"},
        {"schedule", "phase", "a cycle for each phase; run: the run's"}},
       {},
       [](Values v) {
         return make_fine_tune({v.whole("head"), v.number("spread"), v.number("then"),
                                v.one_of("schedule", {"run", "phase"}) == 1});
       }},
      {"random-frozen",
       "the first k blocks random and frozen (Yosinski 2014)",
       {{"k", "1", "blocks"},
        {"first", "random", "or copied"},
        {"rest", "kept", "or random (AnB, BnB)"},
        {"tuned", "off", "on: nothing is frozen (AnB+, BnB+)"}},
       {},
       [](Values v) {
         return make_random_frozen({v.whole("k"), v.one_of("first", {"copied", "random"}) == 1,
                                    v.one_of("rest", {"kept", "random"}) == 1, v.on("tuned")});
       }},
      {"freezeout",
       "each block along its own cosine, early ones end first (Brock 2017)",
       {{"t0", "0.8", "of the first block, before the cube"},
        {"spacing", "cubic", "or linear"},
        {"scaled", "on", "rates times 1/t_l"}},
       {},
       [](Values v) {
         return make_freezeout(
             {v.number("t0"), v.one_of("spacing", {"linear", "cubic"}) == 1, v.on("scaled")});
       }},
      {"autofreeze",
       "the prefix whose gradients settle (Liu 2021)",
       {{"every", "0", "steps; 0: by looks"},
        {"looks", "12", "over the run"},
        {"percentile", "50", "of the changes"}},
       {{"looks", "20"}},
       [](Values v) {
         return make_autofreeze({v.whole("every"), v.whole("looks"), v.number("percentile")});
       }},
      {"egeria",
       "the front block whose activations settle against a reference (Wang 2023)",
       {{"every", "0", "steps; 0: a quarter of an epoch"},
        {"window", "3", "checks that are averaged"},
        {"checks", "3", "that must be still"},
        {"tolerance", "0.2", "of the greatest slope"},
        {"fall", "10", "of the rate, that thaws all"},
        {"reference", "8", "checks until a new reference; 0: never"}},
       {},
       [](Values v) {
         return make_egeria({v.whole("every"), v.whole("window"), v.whole("checks"), v.number("tolerance"),
                             v.number("fall"), v.whole("reference")});
       }},
      {"slimfit",
       "the blocks that move least, chosen anew each step (2024)",
       {{"share", "0.5", "of the blocks"}, {"every", "1", "steps"}, {"unit", "block", "or tensor"}},
       {{"unit", "tensor"}},
       [](Values v) {
         return make_slimfit(
             {v.number("share"), v.whole("every"), v.one_of("unit", {"block", "tensor"}) == 1});
       }},
      {"auto-rgn",
       "rates by relative gradient norm (Lee 2023)",
       {{"batches", "5", "of each epoch, measured"},
        {"rate", "1", "factor of the greatest"},
        {"measure", "along", "the steps train; before: they move nothing"},
        {"norms", "on", "normalisations count"}},
       {{"measure", "before"}, {"norms", "off"}},
       [](Values v) {
         return make_auto_rgn({v.whole("batches"), v.number("rate"),
                               v.one_of("measure", {"along", "before"}) == 1, v.on("norms")});
       }},
      {"layerout",
       "each epoch a random set (2020)",
       {{"first", "0.9", "probability that the first block trains"},
        {"last", "0.1", "the last"},
        {"head", "trains", "always; drawn: like the others"}},
       {{"head", "drawn"}},
       [](Values v) {
         return make_layerout(
             {v.number("first"), v.number("last"), v.one_of("head", {"trains", "drawn"}) == 1});
       }},
      {"apf",
       "units whose changes cancel out rest, longer each time (Chen 2021)",
       {{"every", "0", "steps; 0: a fiftieth of an epoch"},
        {"group", "8", "neighbouring units that rest together"},
        {"threshold", "0.05", "of the effective perturbation"},
        {"decay", "0.99", "of the means over the checks"}},
       {},
       [](Values v) {
         return make_apf({v.whole("every"), v.whole("group"), v.number("threshold"), v.number("decay")});
       }},
      {"lisa",
       "the first, the last and some random blocks between them (Pan 2024)",
       {{"blocks", "2", "drawn"}, {"every", "0", "steps; 0: a quarter of an epoch"}},
       {},
       [](Values v) {
         return make_lisa({v.whole("blocks"), v.whole("every")});
       }},
  };
}

template <class List>
std::vector<std::string> names_of(const List& list) {
  std::vector<std::string> names;
  for (const auto& item : list) names.push_back(item.name);
  return names;
}

[[noreturn]] void fail(const std::string& message) {
  throw Error(Fault::usage, "policy", message);
}

}  // namespace

double PolicyValues::number(const std::string& key) const {
  const std::string& value = text(key);
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size() || !std::isfinite(number)) {
    fail(fmt::format("{}: {}={} is no number", policy_, key, value));
  }
  return number;
}

Index PolicyValues::whole(const std::string& key) const {
  const std::string& value = text(key);
  Index number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc{} || end != value.data() + value.size() || number > kMostWhole) {
    fail(fmt::format("{}: {}={} is no whole number up to {}", policy_, key, value, kMostWhole));
  }
  return number;
}

std::size_t PolicyValues::one_of(const std::string& key, const std::vector<std::string>& words) const {
  const auto found = std::find(words.begin(), words.end(), text(key));
  if (found == words.end()) {
    fail(fmt::format("{}: {}={} is none of {}{}", policy_, key, text(key), fmt::join(words, ", "),
                     did_you_mean(text(key), words)));
  }
  return static_cast<std::size_t>(found - words.begin());
}

const std::vector<PolicyEntry>& policy_registry() {
  static const std::vector<PolicyEntry> entries = make_registry();
  return entries;
}

std::unique_ptr<FreezePolicy> parse_policy(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  const std::vector<PolicyEntry>& entries = policy_registry();
  const std::string& name = parts.front();
  const auto entry =
      std::find_if(entries.begin(), entries.end(), [&](const auto& e) { return e.name == name; });
  if (entry == entries.end()) {
    fail(fmt::format("no policy is called '{}'{}", name, did_you_mean(name, names_of(entries))));
  }
  std::map<std::string, std::string> values;
  for (const PolicyKey& key : entry->keys) values[key.name] = key.usual;
  std::set<std::string> given;
  bool authors = false;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::size_t equals = parts[i].find('=');
    if (equals == std::string::npos) fail(fmt::format("{}: '{}' is not key=value", name, parts[i]));
    const std::string key = parts[i].substr(0, equals);
    if (key == kAuthors && !values.contains(key)) {
      authors = PolicyValues(name, {{key, parts[i].substr(equals + 1)}}).on(key);
      if (!given.insert(key).second) fail(fmt::format("{}: {} is given twice", name, key));
      continue;
    }
    if (!values.contains(key)) {
      fail(entry->keys.empty() ? fmt::format("{} has no keys, so no '{}'", name, key)
                               : fmt::format("{} has no key '{}'; there are {}{}", name, key,
                                             fmt::join(names_of(entry->keys), ", "),
                                             did_you_mean(key, names_of(entry->keys))));
    }
    if (!given.insert(key).second) fail(fmt::format("{}: {} is given twice", name, key));
    values[key] = parts[i].substr(equals + 1);
  }
  for (const auto& [key, value] : entry->authors) {
    if (authors && !given.contains(key)) values[key] = value;
  }
  return entry->make({name, std::move(values)});
}

}  // namespace firn
