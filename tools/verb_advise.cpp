#include "tools/verb_advise.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/program/listing.h"
#include "tools/advise.h"
#include "tools/caching.h"
#include "tools/table.h"

namespace firn::cli {

namespace {

class AdviseVerb final : public Verb {
 public:
  void declare(Arguments& arguments) override;
  int run(Console& console) override;

 private:
  AdviceOptions options(const Session& session) const;
  std::string command_for(Index frozen, const Session& session) const;
  void print(Console& console, const Session& session, const Advice& advice) const;
  void print_json(Console& console, const Session& session, const Advice& advice) const;

  SessionChoice session_;
  RunChoice run_;
  TrainingChoice training_;
  std::string time_, memory_, probe_time_ = "20s";
  std::optional<double> accuracy_;
  bool calibrate_ = false;
};

void AdviseVerb::declare(Arguments& arguments) {
  arguments.example("--model cnn --data digits --time 30s",
                    "the best that 30 seconds allow, probes with them");
  arguments.example(
      "--model resnet20 --weights resnet20.safetensors --data cifar10:PATH --replace-head --memory 64M",
      "how many blocks to freeze to train in 64 MiB");
  arguments.example("--model cnn --data digits --accuracy 0.9", "the cheapest cut that reaches it");
  declare_model(arguments, session_.model);
  arguments.flag("--replace-head", session_.model.replace_head,
                 "take all but the last block from the weights: for other classes");
  declare_data(arguments, session_.data);
  arguments.option("--labels", session_.labels, "N", "train on N samples of each class (0: all)");
  arguments.group("What is wanted");
  arguments.option("--time", time_, "T", "for probes and training together: 30s, 5m");
  arguments.option("--memory", memory_, "M", "of the process that trains, without the data: 64M");
  arguments.option("--accuracy", accuracy_, "A", "the cheapest cut that reaches it, from 0 to 1");
  arguments.option("--probe-time", probe_time_, "T", "for probes (20s; at most a third of --time)");
  declare_training(arguments, training_);
  declare_run(arguments, run_);
  declare_calibrate(arguments, calibrate_);
}

AdviceOptions AdviseVerb::options(const Session& session) const {
  AdviceOptions options;
  if (!time_.empty()) options.time = parse_duration(time_, "time");
  if (!memory_.empty()) options.memory = static_cast<double>(parse_bytes(memory_, "memory"));
  options.probe_time = parse_duration(probe_time_, "probe-time");
  options.accuracy = accuracy_.value_or(0);
  options.batch = run_.batch > 0 ? run_.batch : 64;
  options.training = training_;
  resolve_training(options.training, session.recipe.model);
  options.program.exact = run_.exact;
  options.program.seed = run_.seed;
  options.program.loss.smoothing = static_cast<real>(training_.smoothing);
  return options;
}

int AdviseVerb::run(Console& console) {
  require(session_.data.spec, "--data", "advise");
  if (accuracy_ && !(*accuracy_ > 0 && *accuracy_ <= 1))
    throw Error(Fault::usage, "advise", fmt::format("--accuracy {} is not in 0 to 1", *accuracy_));
  if (training_.epochs < 1) throw Error(Fault::usage, "advise", fmt::format("{} epochs", training_.epochs));
  if (run_.batch < 0) throw Error(Fault::usage, "advise", fmt::format("a batch of {}", run_.batch));
  for (const auto& [text, option] : {std::pair(&time_, "time"), std::pair(&probe_time_, "probe-time")})
    if (!text->empty()) parse_duration(*text, option);
  if (!memory_.empty()) parse_bytes(memory_, "memory");
  use_threads(run_);
  session_.purpose = Purpose::train;
  session_.seed = run_.seed;
  const Session session = open_session(session_);
  console.notes(session.notes);
  if (session_.model.weights.empty())
    console.note("without --weights a frozen block keeps the random values that it starts with");
  Machine machine(calibrate_);
  const Advice advice =
      advise(session, options(session), machine, [&](const std::string& text) { console.detail(text); });
  machine.save();
  if (console.json()) {
    print_json(console, session, advice);
  } else {
    print(console, session, advice);
  }
  return 0;
}

std::string AdviseVerb::command_for(Index frozen, const Session& session) const {
  std::string text = fmt::format("firn train --model {} --data {}", session.recipe.model, session_.data.spec);
  if (!session_.model.weights.empty()) text += " --weights " + session_.model.weights;
  if (session_.model.replace_head) text += " --replace-head";
  if (session_.labels > 0) text += fmt::format(" --labels {}", session_.labels);
  if (frozen > 0) text += fmt::format(" --freeze {}", frozen);
  text += fmt::format(" --epochs {} --batch {}", training_.epochs, run_.batch > 0 ? run_.batch : 64);
  if (!training_.optimizer.empty()) text += " --optimizer " + training_.optimizer;
  if (training_.rate) text += fmt::format(" --rate {}", *training_.rate);
  if (run_.exact) text += " --exact";
  return text;
}

void AdviseVerb::print(Console& console, const Session& session, const Advice& advice) const {
  Table table({"frozen", "<up to", "step ms", "training s", "memory", "linear", "gradient", "accuracy",
               "<95 %", "<", "<"});
  Index steps = 0;
  std::size_t seeds = 0;
  for (const CutAdvice& cut : advice.cuts) {
    const bool tried = cut.mean >= 0;
    if (tried) {
      steps = cut.steps;
      seeds = std::max(seeds, cut.accuracies.size());
    }
    const std::string last =
        cut.frozen == 0 ? "-" : session.model->blocks()[static_cast<std::size_t>(cut.frozen - 1)].name;
    table.row({fmt::format("{}", cut.frozen), last, fmt::format("{:.3f}", cut.step_seconds * 1e3),
               fmt::format("{:.1f}", cut.train_seconds), short_bytes(cut.bytes),
               cut.linear >= 0 ? fmt::format("{:.3f}", cut.linear) : "-",
               cut.relative_gradient > 0 ? fmt::format("{:.4f}", cut.relative_gradient) : "-",
               tried ? fmt::format("{:.3f}", cut.mean) : "-",
               tried ? fmt::format("{:.3f} to {:.3f}", cut.interval.low, cut.interval.high) : "",
               cut.front ? "front" : "",
               !cut.fits                     ? "too much"
               : cut.frozen == advice.chosen ? "<- take"
                                             : ""});
  }
  console.out(table.text());
  console.out(
      fmt::format("step, training ({} steps) and memory are predicted; linear: a linear classifier on what "
                  "the last frozen "
                  "block gives; gradient: that block's norm(gradient)/norm(weights); accuracy: on {} samples "
                  "held out of the "
                  "training part, after {} steps, {} seeds; front: nothing is better in time, memory and "
                  "accuracy at once",
                  advice.train_steps, advice.held_out, steps, seeds));
  console.out(fmt::format("the probes took {:.1f} s", advice.probe_seconds));
  if (advice.chosen < 0) {
    console.out(advice.reason);
    return;
  }
  console.out(
      fmt::format("take {}: {}\n  {}", advice.chosen, advice.reason, command_for(advice.chosen, session)));
}

void AdviseVerb::print_json(Console& console, const Session& session, const Advice& advice) const {
  for (const CutAdvice& cut : advice.cuts) {
    console.out(json_line("advise_cut")
                    .add("frozen_blocks", cut.frozen)
                    .add("step_ms", cut.step_seconds * 1e3)
                    .add("train_seconds", cut.train_seconds)
                    .add("bytes", cut.bytes)
                    .add("linear_accuracy", cut.linear >= 0 ? cut.linear : std::nan(""))
                    .add("relative_gradient", cut.relative_gradient)
                    .add("accuracies", cut.accuracies)
                    .add("steps", cut.steps)
                    .add("accuracy", cut.mean >= 0 ? cut.mean : std::nan(""))
                    .add("low", cut.interval.low)
                    .add("high", cut.interval.high)
                    .add("fits", cut.fits)
                    .add("front", cut.front));
  }
  console.out(json_line("advice")
                  .add("frozen_blocks", advice.chosen)
                  .add("reason", advice.reason)
                  .add("command", advice.chosen >= 0 ? command_for(advice.chosen, session) : "")
                  .add("probe_seconds", advice.probe_seconds)
                  .add("held_out", advice.held_out)
                  .add("train_steps", advice.train_steps));
}

}  // namespace

VerbPtr make_advise() {
  return std::make_unique<AdviseVerb>();
}

}  // namespace firn::cli
