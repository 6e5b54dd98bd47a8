#include "tools/app/verbs/advise.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "data/targets.h"
#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/base/seconds.h"
#include "engine/program/listing.h"
#include "tools/app/advise/advise.h"
#include "tools/app/cli/command_words.h"
#include "tools/app/cli/duration.h"
#include "tools/app/cli/table.h"
#include "tools/app/run/caching.h"

namespace firn::cli {

namespace {

class AdviseVerb final : public Verb {
 public:
  void declare(Arguments& arguments) override;
  int run(Console& console) override;

 private:
  bool finetunes() const { return !session_.model.weights.empty(); }
  AdviceOptions options() const;
  std::string command_for(const CutAdvice& cut) const;
  void print(Console& console, const Session& session, const Advice& advice) const;
  void print_json(Console& console, const Advice& advice) const;

  SessionChoice session_;
  RunChoice run_;
  TrainingChoice training_;
  std::string time_, memory_, probe_time_ = "60s";
  std::optional<double> accuracy_;
  bool calibrate_ = false;
};

void AdviseVerb::declare(Arguments& arguments) {
  arguments.example("--model cnn --data digits --time 30s",
                    "the best that 30 seconds allow, trials with them");
  arguments.example("--model resnet20 --weights resnet20.safetensors --data cifar10:PATH --memory 64M",
                    "how many blocks to freeze to train in 64 MiB");
  arguments.example("--model cnn --data digits --accuracy 0.9", "the cheapest cut that reaches it");
  declare_model(arguments, session_.model);
  arguments.flag("--replace-head", session_.model.replace_head,
                 "take all but the last block from the weights, as is done anyway but with --keep-head");
  arguments.flag("--keep-head", session_.model.keep_head,
                 "train on with the weights' own head, for as many classes as they have");
  declare_data(arguments, session_.data);
  arguments.option("--labels", session_.labels, "N", at_least(0),
                   "train on N samples of each class (0: all)");
  arguments.group("What is wanted");
  arguments.option("--time", time_, "T", "for trials and training together: 30s, 5m");
  arguments.option("--memory", memory_, "M", "of the process that trains, without the data: 64M");
  arguments.option("--accuracy", accuracy_, "A", above(0, 1),
                   "the cheapest cut that reaches it, from 0 to 1");
  arguments.option("--probe-time", probe_time_, "T", "for trials (60s; at most half of --time)");
  training_.epochs = 0;
  declare_training(arguments, training_, true);
  declare_run(arguments, run_);
  declare_calibrate(arguments, calibrate_);
}

AdviceOptions AdviseVerb::options() const {
  AdviceOptions options;
  if (!time_.empty()) options.time = parse_duration(time_, "time");
  if (!memory_.empty()) options.memory = static_cast<double>(parse_bytes(memory_, "memory"));
  options.probe_time = parse_duration(probe_time_, "probe-time");
  options.accuracy = accuracy_.value_or(0);
  TrialChoice& trial = options.trial;
  trial.finetune = finetunes();
  trial.replace_head = session_.model.replace_head;
  trial.training = training_;
  trial.batch = run_.batch;
  trial.seed = run_.seed;
  trial.exact = run_.exact;
  return options;
}

int AdviseVerb::run(Console& console) {
  require(session_.data.spec, "--data", "advise");
  for (const auto& [text, option] : {std::pair(&time_, "time"), std::pair(&probe_time_, "probe-time")})
    if (!text->empty()) parse_duration(*text, option);
  if (!memory_.empty()) parse_bytes(memory_, "memory");
  use_threads(run_);
  if (run_.batch == 0) run_.batch = 64;
  if (finetunes()) {
    session_.model.replace_head = !session_.model.keep_head;
    if (training_.optimizer.empty()) training_.optimizer = "adam";
  } else if (training_.epochs == 0) {
    training_.epochs = TrainingChoice().epochs;
  }
  session_.purpose = Purpose::train;
  session_.seed = run_.seed;
  const double begin = seconds_now();
  const Session session = open_session(session_);
  if (target_kind_of(session.recipe.task) != TargetKind::classes) {
    throw Error(
        Fault::usage, "advise",
        fmt::format("it compares accuracies of classes or next tokens, {} is for {}: firn bench freeze "
                    "measures what each cut costs",
                    session.data.info().name, session.recipe.task));
  }
  AdviceOptions wanted = options();
  wanted.reading = seconds_since(begin);
  console.notes(session.notes);
  if (!finetunes())
    console.note("without --weights a frozen block keeps the random values that it starts with");
  Machine machine(calibrate_);
  const Advice advice =
      advise(session, wanted, machine, [&](const std::string& text) { console.detail(text); });
  machine.save();
  if (console.json()) {
    print_json(console, advice);
  } else {
    print(console, session, advice);
  }
  return 0;
}

std::string AdviseVerb::command_for(const CutAdvice& cut) const {
  CommandWords words(command());
  for (const char* option : {"--time", "--memory", "--accuracy", "--probe-time"}) words.drop(option, true);
  for (const char* flag : {"--calibrate", "--json", "-v", "--verbose", "-q", "--quiet", "--no-color"})
    words.drop(flag, false);
  words.drop("--replace-head", false);
  if (!finetunes()) words.drop("--keep-head", false);
  words.set_verb(finetunes() ? "finetune" : "train");
  if (cut.frozen > 0 || finetunes())
    words.add("--freeze", cut.frozen > 0 ? std::to_string(cut.frozen) : "none");
  words.add_missing("--epochs", std::to_string(cut.epochs));
  words.add_missing("--batch", std::to_string(run_.batch));
  words.add_missing("--seed", std::to_string(run_.seed));
  return words.text();
}

void AdviseVerb::print(Console& console, const Session& session, const Advice& advice) const {
  Table table(
      {"frozen", "<up to", "step ms", "kept ms", "training s", "memory", "linear", "accuracy", "<95 %", "<"});
  for (const CutAdvice& cut : advice.cuts) {
    const std::string last =
        cut.frozen == 0 ? "-" : session.model->blocks()[static_cast<std::size_t>(cut.frozen - 1)].name;
    const bool known = cut.known != CutAdvice::Known::unknown;
    const bool trained = cut.known == CutAdvice::Known::trained;
    table.row({fmt::format("{}", cut.frozen), last, fmt::format("{:.3f}", cut.cost.step * 1e3),
               cut.cost.kept > 0 ? fmt::format("{:.3f}", cut.cost.kept * 1e3) : "-",
               fmt::format("{}{:.1f}", trained ? "" : "~", cut.seconds), short_bytes(cut.cost.bytes),
               cut.linear >= 0 ? fmt::format("{:.3f}", cut.linear) : "-",
               known ? fmt::format("{}{:.3f}", trained ? "" : "~", cut.accuracy) : "-",
               known ? fmt::format("{:.3f} to {:.3f}", cut.interval.low, cut.interval.high) : "",
               cut.frozen == advice.chosen ? "<- take"
               : !cut.fits                 ? "too much"
               : trained                   ? ""
               : known                     ? "not trained, between two"
                                           : "not trained"});
  }
  console.out(table.text());
  console.out(fmt::format(
      "accuracy: of the best epoch on the {} samples of the validation part, trained as the command below; "
      "95 "
      "%: where that of a test part drawn alike is to be expected; ~: predicted; linear: a linear classifier "
      "on means of "
      "what the last frozen block gives, which no tuned cut is; step, kept (from kept features), memory: "
      "predicted",
      advice.validation));
  console.out(fmt::format("trials took {:.1f} s", advice.probe_seconds));
  if (advice.chosen < 0) {
    console.out(advice.reason);
    return;
  }
  const CutAdvice& cut = advice.cuts[static_cast<std::size_t>(advice.chosen)];
  const std::string expected =
      cut.known == CutAdvice::Known::trained
          ? fmt::format(
                "accuracy {:.3f} ({:.3f} to {:.3f} on the test part), about {:.1f} s, {:.1f} of them "
                "training; ",
                cut.accuracy, cut.interval.low, cut.interval.high, cut.whole, cut.seconds)
          : "";
  console.out(fmt::format("freeze {}: {}{}\n  {}", cut.frozen, expected, advice.reason, command_for(cut)));
}

void AdviseVerb::print_json(Console& console, const Advice& advice) const {
  const double unknown = std::nan("");
  for (const CutAdvice& cut : advice.cuts) {
    const bool known = cut.known != CutAdvice::Known::unknown;
    console.out(json_line("advise_cut")
                    .add("frozen_blocks", cut.frozen)
                    .add("step_ms", cut.cost.step * 1e3)
                    .add("kept_ms", cut.cost.kept > 0 ? cut.cost.kept * 1e3 : unknown)
                    .add("epochs", cut.epochs)
                    .add("train_seconds", cut.seconds)
                    .add("seconds", cut.whole)
                    .add("bytes", cut.cost.bytes)
                    .add("linear_accuracy", cut.linear >= 0 ? cut.linear : unknown)
                    .add("known", cut.known == CutAdvice::Known::trained   ? "trained"
                                  : cut.known == CutAdvice::Known::between ? "between"
                                                                           : "unknown")
                    .add("accuracy", known ? cut.accuracy : unknown)
                    .add("low", known ? cut.interval.low : unknown)
                    .add("high", known ? cut.interval.high : unknown)
                    .add("fits", cut.fits));
  }
  const CutAdvice* cut = advice.chosen >= 0 ? &advice.cuts[static_cast<std::size_t>(advice.chosen)] : nullptr;
  const bool trained = cut != nullptr && cut->known == CutAdvice::Known::trained;
  console.close(JsonObject()
                    .add("frozen_blocks", advice.chosen)
                    .add("trained", trained)
                    .add("accuracy", trained ? cut->accuracy : unknown)
                    .add("low", trained ? cut->interval.low : unknown)
                    .add("high", trained ? cut->interval.high : unknown)
                    .add("train_seconds", cut != nullptr ? cut->seconds : unknown)
                    .add("seconds", cut != nullptr ? cut->whole : unknown)
                    .add("reason", advice.reason)
                    .add("command", cut != nullptr ? command_for(*cut) : "")
                    .add("probe_seconds", advice.probe_seconds)
                    .add("validation", advice.validation));
}

}  // namespace

VerbPtr make_advise() {
  return std::make_unique<AdviseVerb>();
}

}  // namespace firn::cli
