#include "tools/app/verbs/models.h"

#include <fmt/core.h>

#include <string>
#include <vector>

#include "engine/base/parallel.h"
#include "layers/network/kinds.h"
#include "layers/network/text.h"
#include "optim/trainer/program_cache.h"
#include "tools/app/cli/range.h"
#include "tools/app/cli/table.h"
#include "tools/app/cost/machine.h"
#include "tools/app/cost/step_forecast.h"
#include "tools/app/run/known_weights.h"
#include "tools/app/run/networks.h"
#include "tools/app/run/training.h"

namespace firn::cli {

namespace {

class Models : public Verb {
 public:
  void declare(Arguments& arguments) override {
    arguments.example("", "the models that firn knows by name, and what a training step of each takes");
    arguments.example("cnn", "one of them as the text of a network: a beginning for one of your own");
    arguments.example("--layers", "the kinds of layers that such a text may name, with their options");
    arguments.positional("NAME", name_,
                         "a model; or a network's text or a file of it, to see how it is read");
    arguments.flag("--layers", layers_, "list the kinds of layers");
    arguments.flag("--no-times", no_times_,
                   "list without the forecast, which measures kernels the first time");
    arguments.option("--threads", threads_, "T", kThreads,
                     "threads of the forecast; one a core unless given");
  }
  int run(Console& console) override;

 private:
  void list(Console& console) const;
  void list_layers(Console& console) const;
  void show(Console& console) const;

  std::string name_;
  bool layers_ = false, no_times_ = false;
  Index threads_ = 0;
};

Index count_numbers(const Model& model) {
  Index numbers = 0;
  for (const NamedParameter& p : model.parameters()) numbers += p.parameter->value().count();
  return numbers;
}

std::string input_text(const InputSpec& input) {
  return input.vocabulary > 0 ? fmt::format("{} of {} tokens", input.sample.text(), input.vocabulary)
                              : input.sample.text();
}

std::string published(const std::string& model) {
  std::string names;
  for (const KnownWeights& one : known_weights()) {
    if (one.model == model) names += (names.empty() ? "" : ", ") + std::string(one.name);
  }
  return names;
}

/// Seconds of a training step of the usual batch, as firn predicts them.
double step_seconds(const ModelEntry& entry, const Model& model, Machine& machine) {
  ProgramCache programs(model, {});
  Program& program = programs.training(entry.usual_batch, entry.default_input.sample);
  const RandomBatch batch(model, entry.usual_batch, entry.default_input.sample);
  batch.feed(program, model);
  TrainingChoice training;
  resolve_training(training, model);
  return forecast_step(
             model, program, [&] { return make_optimizer(training); }, thread_count(), machine)
      .seconds();
}

void Models::list(Console& console) const {
  Table table({"<name", "<what", "<usual input", "classes", "blocks", "parameters", "batch", "step ms",
               "<published"});
  Machine machine(false);
  bool said = false;
  for (const ModelEntry& entry : model_registry()) {
    const ModelPtr model = entry.make(entry.default_input, entry.usual_classes);
    model->initialise(1);
    const Index numbers = count_numbers(*model);
    const double seconds = no_times_ ? 0 : step_seconds(entry, *model, machine);
    if (!said && machine.measured() > 0) {
      said = true;
      console.note(
          "this machine's kernels are measured, once; that takes a minute or two (--no-times: list without)");
    }
    if (console.json()) {
      const auto sizes = entry.default_input.sample.sizes();
      JsonObject line = json_line("model");
      line.add("name", entry.name).add("text", entry.text);
      line.add("input", std::vector<std::int64_t>(sizes.begin(), sizes.end()));
      line.add("vocabulary", entry.default_input.vocabulary).add("classes", entry.usual_classes);
      line.add("blocks", model->blocks().size()).add("parameters", numbers).add("batch", entry.usual_batch);
      if (!no_times_) line.add("step_seconds", seconds);
      console.out(line.add("published", published(entry.name)).add("network", network_text(model->spec())));
      continue;
    }
    table.row({entry.name, entry.text, input_text(entry.default_input),
               fmt::format("{}", entry.usual_classes), fmt::format("{}", model->blocks().size()),
               fmt::format("{}", numbers), fmt::format("{}", entry.usual_batch),
               no_times_ ? "-" : fmt::format("{:.2f}", seconds * 1e3), published(entry.name)});
  }
  machine.save();
  if (console.json()) return;
  console.out(table.text());
  console.note(fmt::format(
      "{}each adapts to the data's shape and classes; a network of your own: --model 'conv 32 "
      "3x3, relu, pool 2, dense' (firn models --layers)",
      no_times_ ? "" : fmt::format("step: predicted, everything trains, {} threads; ", thread_count())));
}

void Models::list_layers(Console& console) const {
  Table table({"<layer", "<options", "<what"});
  for (const LayerKind& kind : layer_kinds()) {
    std::string options;
    for (const LayerOption& option : kind.options) {
      const bool flag = option.type == LayerOption::Type::flag;
      const std::string usual = option.usual.empty() ? "" : "=" + option.usual;
      options += (options.empty() ? "" : " ") +
                 (option.bare ? option.usual.empty() ? option.name : "[" + option.name + usual + "]"
                  : flag      ? "[" + option.name + "]"
                         : "[" + option.name + " " + (option.usual.empty() ? "..." : option.usual) + "]");
    }
    if (kind.most_bodies > 0) {
      options += (options.empty() ? "" : " ") + std::string("{ layers }");
      for (const std::string& name : kind.body_names) options += " [" + name + " { layers }]";
      if (kind.most_bodies > 1 && kind.body_names.empty()) options += " ...";
    }
    if (console.json()) {
      JsonObject line = json_line("layer");
      console.out(line.add("name", kind.name).add("options", options).add("text", kind.text));
    } else {
      table.row({kind.name, options, kind.text});
    }
  }
  if (!console.json()) console.out(table.text());
}

void Models::show(Console& console) const {
  const ModelEntry entry = model_entry(name_);
  std::string text;
  if (entry.network.empty()) {
    const ModelPtr model = entry.make(entry.default_input, entry.usual_classes);
    text = network_text(model->spec());
    console.note(fmt::format("{}: {}; usually for {} and {} classes", entry.name, entry.text,
                             input_text(entry.default_input), entry.usual_classes));
  } else {
    text = entry.network + "\n";
  }
  if (console.json()) return console.close(JsonObject().add("name", entry.name).add("network", text));
  console.out(text.substr(0, text.size() - 1));
}

int Models::run(Console& console) {
  if (threads_ > 0) set_thread_count(static_cast<int>(threads_));
  if (layers_) {
    if (!name_.empty())
      throw Error(Fault::usage, "models", fmt::format("'{}' does not go with --layers", name_));
    list_layers(console);
  } else if (name_.empty()) {
    list(console);
  } else {
    show(console);
  }
  return 0;
}

}  // namespace

VerbPtr make_models() {
  return std::make_unique<Models>();
}

}  // namespace firn::cli
