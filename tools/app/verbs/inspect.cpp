#include "tools/app/verbs/inspect.h"

#include <fmt/core.h>

#include <map>

#include "data/files.h"
#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/program/cost.h"
#include "engine/program/listing.h"
#include "engine/tensor/safetensors.h"
#include "layers/foreign/import.h"
#include "tools/app/cli/table.h"
#include "tools/app/cost/step_forecast.h"
#include "tools/app/run/data.h"
#include "tools/app/run/freezing.h"
#include "tools/app/run/imported.h"
#include "tools/app/run/session.h"
#include "tools/app/run/training.h"

namespace firn::cli {

namespace {

/// One line of the table: a block, or a layer in it.
struct Row {
  bool whole = false;  ///< the block itself
  int block = 0;
  std::string name, text;
  std::vector<NamedParameter> parameters;
  Shape output;
  PerPass<Cost> cost;
  Index kept = 0;
  PerPass<double> seconds = {};  ///< predicted
  double all_seconds() const { return seconds.forward + seconds.input_gradient + seconds.weight_gradient; }
};

/// What a step is predicted to take.
struct Outlook {
  StepForecast step;
  int threads = 1;     ///< that the program uses
  double peak = 0;     ///< GFLOP/s of that many
  Index resident = 0;  ///< bytes of a process that does it
  std::string optimizer;
};

std::string dotted(const std::string& outer, const std::string& name) {
  return outer.empty() || name.empty() ? outer + name : outer + "." + name;
}

/// Whether the dotted `label` is `name` or below it.
bool within(const std::string& label, const std::string& name) {
  return label == name || (label.starts_with(name) && label[name.size()] == '.');
}

class Inspect : public Verb {
 public:
  void declare(Arguments& arguments) override;
  int run(Console& console) override;

 private:
  int inspect_file(Console& console) const;
  void collect(const Layer& layer, const std::string& name, int block, std::vector<Row>& rows) const;
  Outlook look_ahead(Console& console, const Session& session, Program& program) const;
  void print(Console& console, const Session& session, const Program& program, const std::vector<Row>& rows,
             const Outlook& outlook) const;
  void print_forecast(Console& console, const Outlook& outlook, double macs) const;

  SessionChoice session_;
  FreezeChoice freeze_;
  RunChoice run_;
  std::string file_;
  bool calibrate_ = false;
};

void Inspect::declare(Arguments& arguments) {
  arguments.example("--model resnet20", "what it is made of and what a step costs");
  arguments.example("--model cnn --data digits --freeze half", "for other data, with a part frozen");
  arguments.example("runs/cnn-digits-1/best.safetensors", "the tensors in a file");
  arguments.example("runs/cnn-digits-1", "a run's own model");
  arguments.positional("WHAT", file_,
                       "a safetensors file: its tensors are listed; a run's folder: its model, as --weights");
  declare_model(arguments, session_.model);
  declare_data(arguments, session_.data);
  declare_input(arguments, session_.input);
  declare_freeze(arguments, freeze_, false);
  declare_run(arguments, run_);
  declare_calibrate(arguments, calibrate_);
}

/// The layers below, but for those that only hold others.
void Inspect::collect(const Layer& layer, const std::string& name, int block, std::vector<Row>& rows) const {
  Row row;
  row.block = block;
  row.name = name;
  row.text = layer.text();
  for (NamedParameter& p : layer.parameters()) row.parameters.push_back({dotted(name, p.name), p.parameter});
  std::size_t of_children = 0;
  for (const Layer::Child& child : layer.children()) of_children += child.layer->parameters().size();
  if (layer.children().empty() || row.parameters.size() > of_children) rows.push_back(std::move(row));
  for (const Layer::Child& child : layer.children()) {
    collect(*child.layer, dotted(name, child.name), block, rows);
  }
}

int Inspect::inspect_file(Console& console) const {
  const SafeTensors file = is_foreign_network(file_) ? read_weights(file_, "").file : load_safetensors(file_);
  Table table({"<tensor", "<shape", "numbers"});
  Index total = 0;
  for (const NamedTensor& t : file.tensors) {
    total += t.tensor.count();
    table.row({t.name, t.tensor.shape().text(), fmt::format("{}", t.tensor.count())});
    if (!console.json()) continue;
    JsonObject line = json_line("tensor");
    const auto sizes = t.tensor.shape().sizes();
    line.add("name", t.name).add("shape", std::vector<std::int64_t>(sizes.begin(), sizes.end()));
    console.out(line.add("numbers", t.tensor.count()));
  }
  if (console.json()) {
    JsonObject metadata;
    for (const auto& [key, value] : file.metadata) metadata.add(key, value);
    console.close(JsonObject()
                      .add("path", file_)
                      .add("tensors", file.tensors.size())
                      .add("numbers", total)
                      .add("sealed", file.sealed)
                      .add("metadata", metadata));
    return 0;
  }
  console.out(table.text());
  for (const UnreadTensor& t : file.unread) console.out(fmt::format("not read: {} {}", t.name, t.why));
  console.out(fmt::format("{} tensors, {} numbers{}", file.tensors.size(), total,
                          file.sealed ? "; the content is what firn wrote, by its SHA-256" : ""));
  for (const auto& [key, value] : file.metadata) {
    console.out(fmt::format("{}: {}", key, value.size() > 70 ? value.substr(0, 70) + "..." : value));
  }
  return 0;
}

int Inspect::run(Console& console) {
  if (is_folder(file_)) {
    take_run_word(file_, session_.model, "inspect");
  } else if (!file_.empty()) {
    if (!session_.model.name.empty() || !session_.data.spec.empty()) {
      throw Error(Fault::usage, "inspect", fmt::format("'{}' was not expected (--weights FILE?)", file_));
    }
    return inspect_file(console);
  }
  use_threads(run_);
  session_.seed = run_.seed;
  session_.purpose = Purpose::predict;
  const Session session = open_session(session_);
  Model& model = *session.model;
  apply_freeze(model, freeze_);
  ProgramSettings settings;
  apply_freeze_rules(freeze_, run_.exact, settings);
  const Index batch = run_.batch > 0 ? run_.batch : usual_batch(session.recipe);
  const Shape& sample = session.recipe.input.sample;
  settings.task = session.task;
  ProgramCache programs(model, settings);
  const bool trains = parameter_count(model.parameters(), true) > 0;
  Program& program = trains ? programs.training(batch, sample) : programs.inference(batch, sample);
  console.notes(session.notes);
  const Outlook outlook = look_ahead(console, session, program);

  std::vector<Row> rows;
  const ProgramCost cost = cost_of(program);
  for (std::size_t i = 0; i < model.blocks().size(); ++i) {
    const Model::Block& block = model.blocks()[i];
    Row row;
    row.whole = true;
    row.block = static_cast<int>(i);
    row.name = block.name;
    row.text = fmt::format("block {}", i);
    row.parameters = model.block_parameters(static_cast<int>(i));
    if (i < cost.blocks.size()) row.cost = cost.blocks[i];
    if (i < outlook.step.program.blocks.size()) row.seconds = outlook.step.program.blocks[i];
    for (const Kept& kept : cost.kept) row.kept += kept.block == static_cast<int>(i) ? kept.bytes : 0;
    rows.push_back(std::move(row));
    const std::size_t first = rows.size();
    for (std::size_t c = block.first_child; c < block.last_child; ++c) {
      collect(*model.children()[c].layer, model.children()[c].name, static_cast<int>(i), rows);
    }
    for (std::size_t r = first; r < rows.size(); ++r) {
      const std::vector<Step>& steps = program.plan().steps;
      for (std::size_t s = 0; s < steps.size(); ++s) {
        const Node& node = *steps[s].node;
        if (node.block() != rows[r].block || !within(node.label(), rows[r].name)) continue;
        rows[r].cost.of(node.pass()) += node.op()->cost(node);
        rows[r].seconds.of(node.pass()) += outlook.step.program.steps[s];
      }
      for (const Kept& kept : cost.kept) {
        const bool own = kept.block == rows[r].block && within(kept.label, rows[r].name);
        rows[r].kept += own ? kept.bytes : 0;
      }
    }
  }
  // Shapes as the layers make them, before kernels are fused.
  const auto graph = model.inference_graph(batch, sample);
  for (const auto& node : graph->nodes()) {
    if (node->op() == nullptr || node->outputs()[0].axis != Axis::batch) continue;
    for (Row& row : rows) {
      if (row.block == node->block() && (row.whole || within(node->label(), row.name))) {
        row.output = node->outputs()[0].shape;
      }
    }
  }
  print(console, session, program, rows, outlook);
  return 0;
}

Outlook Inspect::look_ahead(Console& console, const Session& session, Program& program) const {
  const Model& model = *session.model;
  const RandomBatch batch(model, program.plan().batch, session.recipe.input.sample, session.task.get());
  batch.feed(program, model);
  TrainingChoice training;
  resolve_training(training, *session.model);
  const OptimizerMaker make = [&] { return make_optimizer(training); };
  Machine machine(calibrate_);
  Outlook outlook;
  outlook.threads = program.threads_of(thread_count());
  outlook.step = forecast_step(model, program, make, thread_count(), machine, [&](Index left) {
    if (left % 50 == 0) console.note(fmt::format("measuring this machine: {} kernels to go", left));
  });
  outlook.peak = machine.peak(outlook.threads);
  outlook.resident = base_bytes(thread_count(), machine) + outlook.step.bytes.all();
  outlook.optimizer = program.is_training() ? make()->text() : "";
  const Index measured = machine.measured();
  machine.save();
  if (measured > 0 && !machine.path().empty())
    console.detail(fmt::format("{} numbers of this machine measured, kept in {}", measured, machine.path()));
  return outlook;
}

void Inspect::print_forecast(Console& console, const Outlook& outlook, double macs) const {
  const StepForecast& step = outlook.step;
  const auto ms = [](double seconds) { return fmt::format("{:.3f}", seconds * 1e3); };
  const auto bytes = [](Index count) { return short_bytes(static_cast<double>(count)); };
  console.out(
      fmt::format("predicted: {} ms on {} thread{} (F {}, X {}, W {}, optimizer {}, waiting {}), {:.0f} % of "
                  "this machine's "
                  "{:.0f} GFLOP/s",
                  ms(step.seconds()), outlook.threads, outlook.threads == 1 ? "" : "s",
                  ms(step.program.total.forward), ms(step.program.total.input_gradient),
                  ms(step.program.total.weight_gradient), ms(step.optimizer_seconds),
                  ms(step.program.waiting), 2e-7 * macs / (step.seconds() * outlook.peak), outlook.peak));
  console.out(
      fmt::format("predicted: {} of memory (arena {}, computed once {}, parameters {}, optimizer {}, a batch "
                  "{}), {} with "
                  "the program itself{}",
                  bytes(step.bytes.all()), bytes(step.bytes.arena), bytes(step.bytes.once),
                  bytes(step.bytes.parameters), bytes(step.bytes.state), bytes(step.bytes.feeds),
                  bytes(outlook.resident), outlook.optimizer.empty() ? "" : "; " + outlook.optimizer));
}

void Inspect::print(Console& console, const Session& session, const Program& program,
                    const std::vector<Row>& rows, const Outlook& outlook) const {
  const Model& model = *session.model;
  const ProgramCost cost = cost_of(program);
  Table table(
      {"<layer", "<what", "<output", "parameters", "<frozen", "MACs F", "MACs X", "MACs W", "kept", "ms"});
  const auto number = [](double value) { return value > 0 ? short_number(value) : std::string("-"); };
  for (const Row& row : rows) {
    table.row({(row.whole ? "" : "  ") + row.name, row.text, row.output.rank() > 0 ? row.output.text() : "",
               fmt::format("{}", parameter_count(row.parameters)), frozen_text(row.parameters),
               number(row.cost.forward.macs), number(row.cost.input_gradient.macs),
               number(row.cost.weight_gradient.macs),
               row.kept > 0 ? short_bytes(static_cast<double>(row.kept)) : "-",
               row.all_seconds() > 0 ? fmt::format("{:.3f}", row.all_seconds() * 1e3) : "-"});
    if (!console.json()) continue;
    JsonObject line = json_line(row.whole ? "block" : "layer");
    const auto sizes = row.output.sizes();
    line.add("name", row.name).add("text", row.text);
    line.add("output", std::vector<std::int64_t>(sizes.begin(), sizes.end()));
    line.add("parameters", parameter_count(row.parameters)).add("frozen", frozen_text(row.parameters));
    line.add("macs_forward", row.cost.forward.macs).add("macs_input_gradient", row.cost.input_gradient.macs);
    line.add("macs_weight_gradient", row.cost.weight_gradient.macs).add("kept_bytes", row.kept);
    line.add("ms_forward", row.seconds.forward * 1e3)
        .add("ms_input_gradient", row.seconds.input_gradient * 1e3);
    console.out(line.add("ms_weight_gradient", row.seconds.weight_gradient * 1e3));
  }
  const Index all = parameter_count(model.parameters());
  const Index trainable = parameter_count(model.parameters(), true);
  const PerPass<Cost>& total = cost.total;
  if (console.json()) {
    JsonObject line;
    line.add("model", model.name())
        .add("batch", program.plan().batch)
        .add("sample", session.recipe.input.sample.text());
    line.add("classes", model.width()).add("parameters", all).add("trainable", trainable);
    line.add("macs_forward", total.forward.macs).add("macs_input_gradient", total.input_gradient.macs);
    line.add("macs_weight_gradient", total.weight_gradient.macs).add("kept_bytes", cost.kept_bytes);
    line.add("kernels", program.plan().steps.size()).add("shared_bytes", program.plan().shared_bytes);
    line.add("local_bytes", program.plan().local_bytes).add("threads", outlook.threads);
    const Forecast& time = outlook.step.program;
    line.add("ms", outlook.step.seconds() * 1e3).add("ms_forward", time.total.forward * 1e3);
    line.add("ms_input_gradient", time.total.input_gradient * 1e3);
    line.add("ms_weight_gradient", time.total.weight_gradient * 1e3);
    line.add("ms_optimizer", outlook.step.optimizer_seconds * 1e3).add("ms_waiting", time.waiting * 1e3);
    const StepBytes& bytes = outlook.step.bytes;
    line.add("arena_bytes", bytes.arena)
        .add("once_bytes", bytes.once)
        .add("parameter_bytes", bytes.parameters);
    line.add("state_bytes", bytes.state).add("feed_bytes", bytes.feeds).add("bytes", bytes.all());
    line.add("resident_bytes", outlook.resident).add("optimizer", outlook.optimizer);
    console.close(line.add("peak_gflops", outlook.peak).add("freezing", freeze_json(model, freeze_)));
    return;
  }
  console.out(table.text());
  console.out(fmt::format(
      "{} parameters, {} of them train; a step of {}: {} kernels, F {}MAC, X {}MAC, W {}MAC; kept {}; "
      "arena {} + {} a thread",
      all, trainable, program.plan().batch, program.plan().steps.size(), short_number(total.forward.macs),
      short_number(total.input_gradient.macs), short_number(total.weight_gradient.macs),
      short_bytes(static_cast<double>(cost.kept_bytes)),
      short_bytes(static_cast<double>(program.plan().shared_bytes)),
      short_bytes(static_cast<double>(program.plan().local_bytes))));
  print_forecast(console, outlook,
                 total.forward.macs + total.input_gradient.macs + total.weight_gradient.macs);
  if (anything_frozen(model)) {
    console.note(freeze_table(model, freeze_, run_.exact));
  } else if (freeze_.all_precision == "bf16") {
    console.note(precision_text(freeze_.all_precision, true));
  }
}

}  // namespace

VerbPtr make_inspect() {
  return std::make_unique<Inspect>();
}

}  // namespace firn::cli
