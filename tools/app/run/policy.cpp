#include "tools/app/run/policy.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "optim/policies/registry.h"

namespace firn::cli {

namespace {

constexpr int kMostLines = 24;

std::string keys_text(const PolicyEntry& entry) {
  std::string text;
  for (const PolicyKey& key : entry.keys) text += fmt::format("; {}={} ({})", key.name, key.usual, key.text);
  return text;
}

}  // namespace

Settings policy_settings(PolicyChoice& choice) {
  return {
      {.key = "policy",
       .place = &choice.policy,
       .option = "--policy",
       .value = "NAME[,KEY=VALUE...]",
       .help = "what decides before each step, of what --freeze leaves: a name from the list below",
       .none = "none"},
      {.key = "frozen_state",
       .place = &choice.frozen_state,
       .option = "--frozen-state",
       .value = "drop|keep|decay:F",
       .help = "optimizer state of what is frozen: dropped; kept; kept with its momentum times F a step"},
      {.key = "thaw_warm_up",
       .place = &choice.thaw_warm_up,
       .range = at_least(0),
       .option = "--thaw-warm-up",
       .value = "N",
       .help = "the rate of what is thawed rises to its own over N steps (0)"},
  };
}

void declare_policy(Arguments& arguments, PolicyChoice& choice) {
  arguments.group("What freezes while it trains");
  declare(arguments, policy_settings(choice));
  arguments.group("Policies");
  for (const PolicyEntry& entry : policy_registry())
    arguments.topic(entry.name, entry.text + keys_text(entry));
}

void apply_policy(const PolicyChoice& choice, const FreezeChoice& freeze, TrainConfig& config) {
  config.thaw_warm_up = choice.thaw_warm_up;
  if (choice.policy.empty()) return;
  if (!freeze.thaw.empty()) {
    throw Error(Fault::usage, "policy",
                "--policy and --thaw exclude each other: the policy decides what thaws");
  }
  config.policy = parse_policy(choice.policy);
}

void apply_frozen_state(const PolicyChoice& choice, Optimizer& optimizer) {
  const std::string& text = choice.frozen_state;
  if (text == "drop" || text == "keep") return optimizer.set_keep_state(text == "keep");
  const std::string prefix = "decay:";
  double factor = -1;
  const auto [end, error] =
      std::from_chars(text.data() + std::min(prefix.size(), text.size()), text.data() + text.size(), factor);
  const bool is_number = error == std::errc{} && end == text.data() + text.size();
  if (!text.starts_with(prefix) || !is_number || !(factor >= 0 && factor <= 1)) {
    const std::vector<std::string> known{"drop", "keep", "decay:0.9"};
    throw Error(Fault::usage, "policy",
                fmt::format("--frozen-state {}: want drop, keep, or decay:F with F from 0 to 1{}", text,
                            did_you_mean(text, known)));
  }
  optimizer.set_keep_state(true, factor);
}

JsonObject policy_json(const PolicyChoice& choice) {
  PolicyChoice copy = choice;
  return to_json(policy_settings(copy));
}

FreezeReport::FreezeReport(Console& console, const Model& started) : console_(console), model_(started) {
  for (int block = 0; block < static_cast<int>(started.blocks().size()); ++block) {
    const auto parameters = started.block_parameters(block);
    trains_.push_back(std::any_of(parameters.begin(), parameters.end(), [](const NamedParameter& p) {
      return p.parameter->role() != Role::statistic && p.parameter->trainable();
    }));
  }
  ever_ = trains_;
}

std::vector<JsonObject> FreezeReport::changed(std::span<const FreezeChange> changes, Index epoch) {
  std::vector<JsonObject> lines;
  std::vector<std::string> frozen, thawed;
  for (const FreezeChange& change : changes) {
    const auto block = static_cast<std::size_t>(change.block);
    const std::string& name = model_.blocks()[block].name;
    trains_[block] = !change.frozen;
    if (!change.frozen || change.step == 0) ever_[block] = !change.frozen;
    (change.frozen ? frozen : thawed).push_back(name);
    lines.push_back(json_line("freeze_change")
                        .add("step", change.step)
                        .add("epoch", epoch)
                        .add("block", change.block)
                        .add("name", name)
                        .add("frozen", change.frozen));
  }
  if (console_.json()) {
    for (const JsonObject& line : lines) console_.out(line);
  }
  const std::string text =
      fmt::format("step {}, epoch {}: {}{}{}{}{}; {} of {} blocks train", changes.front().step, epoch,
                  frozen.empty() ? "" : "freezes ", fmt::join(frozen, ", "),
                  frozen.empty() || thawed.empty() ? "" : "; ", thawed.empty() ? "" : "thaws ",
                  fmt::join(thawed, ", "), std::count(trains_.begin(), trains_.end(), true), trains_.size());
  if (lines_ < kMostLines) {
    console_.note(text);
  } else {
    if (lines_ == kMostLines) console_.note("further changes: with -v or --json");
    console_.detail(text);
  }
  ++lines_;
  return lines;
}

void FreezeReport::summary(const History& history) const {
  std::vector<std::string> never;
  for (std::size_t block = 0; block < ever_.size(); ++block) {
    if (!ever_[block]) never.push_back(model_.blocks()[block].name);
  }
  if (!never.empty()) console_.note(fmt::format("never trained: {}", fmt::join(never, ", ")));
  double trained = 0, steps = 0;
  for (const EpochRecord& epoch : history.epochs) {
    trained += epoch.trained_share * static_cast<double>(epoch.steps);
    steps += static_cast<double>(epoch.steps);
  }
  console_.note(fmt::format("{} changes of a block; {:.1f} % of the blocks trained, mean over {} steps",
                            history.changes.size(), steps > 0 ? 100 * trained / steps : 0, steps));
}

}  // namespace firn::cli
