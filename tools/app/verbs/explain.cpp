#include "tools/app/verbs/explain.h"

#include <fmt/core.h>

#include "engine/base/parallel.h"
#include "engine/program/cost.h"
#include "engine/program/listing.h"
#include "tools/app/cli/table.h"
#include "tools/app/cost/step_forecast.h"
#include "tools/app/explain/print_values.h"
#include "tools/app/explain/step_values.h"
#include "tools/app/run/data.h"
#include "tools/app/run/freezing.h"
#include "tools/app/run/session.h"
#include "tools/app/run/trace_file.h"
#include "tools/app/run/training.h"

namespace firn::cli {

namespace {

const char* pass_name(Pass pass) {
  return pass == Pass::forward          ? "forward"
         : pass == Pass::input_gradient ? "input_gradient"
                                        : "weight_gradient";
}

class Explain : public Verb {
 public:
  void declare(Arguments& arguments) override {
    arguments.example("--model cnn --freeze head", "what is left of a step when only the last block trains");
    arguments.example("--model resnet20 --freeze 5 --batch 128", "the first five blocks frozen");
    arguments.example("runs/cnn-digits-1 --freeze 2", "of a run's own model");
    arguments.example("--model 'dense 16, relu, dense' --data digits --values --freeze 1",
                      "the numbers of one step on four samples, gradients checked on the spot");
    arguments.example("runs/cnn-digits-1 --data digits --nudge 'fc2.weight[0,3]'",
                      "the loss as one weight moves");
    arguments.positional("RUN", run_word_, "a run's folder or a weights file, as --weights");
    declare_model(arguments, session_.model);
    declare_data(arguments, session_.data);
    declare_input(arguments, session_.input);
    declare_freeze(arguments, freeze_, false);
    declare_run(arguments, run_);
    declare_trace(arguments, trace_);
    arguments.option("--ranks", ranks_, "N", from_to(1, 16),
                     "also what so many processes that share a step hand to each other (docs/cluster.md)");
    arguments.group("The numbers of a step");
    arguments.flag(
        "--values", values_,
        "run one training step on a few samples: what each layer gives, each gradient beside central "
        "differences, each update");
    arguments.option("--nudge", nudge_, "NAME[I,J]",
                     "the loss as this number of a parameter moves; places as PyTorch counts them");
    arguments.option("--span", span_, "X", at_least(0),
                     "--nudge: as far as X to both sides (its size, at least 0.1)");
    arguments.option("--samples", samples_, "N", from_to(1, 4096), "of the training part (4)");
    arguments.option("--show", show_, "N", at_least(0),
                     "--values: tensors of at most N numbers are printed whole (32)");
    arguments.option("--checks", checks_, "N", at_least(0),
                     "--values: gradients of each parameter that are checked (3)");
  }
  int run(Console& console) override;

 private:
  int show_numbers(Console& console);
  void trace_steps(Console& console, const Session& session, ProgramSettings settings, Index batch) const;
  void compare(Console& console, const Program& frozen, const Program& full) const;
  void print_json(Console& console, const Program& program) const;
  JsonObject total(const Program& program) const;
  void print_traffic(Console& console, const Program& program) const;

  SessionChoice session_;
  FreezeChoice freeze_;
  RunChoice run_;
  std::string run_word_;
  TraceChoice trace_;
  Index ranks_ = 1;
  bool values_ = false;
  std::string nudge_;
  double span_ = 0;
  Index samples_ = 4, show_ = 32, checks_ = 3;
};

int Explain::run(Console& console) {
  take_run_word(run_word_, session_.model, "explain");
  use_threads(run_);
  session_.seed = run_.seed;
  console.make_way_for(trace_.path, {session_.model.weights});
  if (values_ || !nudge_.empty()) return show_numbers(console);
  session_.purpose = Purpose::predict;
  const Session session = open_session(session_);
  Model& model = *session.model;
  const Index batch = run_.batch > 0 ? run_.batch : usual_batch(session.recipe);
  const Shape& sample = session.recipe.input.sample;
  ProgramSettings settings;
  apply_freeze_rules(freeze_, run_.exact, settings);
  settings.task = session.task;
  ProgramCache programs(model, settings);
  const Program& full = programs.training(batch, sample);
  apply_freeze(model, freeze_);
  const bool trains = parameter_count(model.parameters(), true) > 0;
  const Program& program = trains ? programs.training(batch, sample) : programs.inference(batch, sample);
  console.notes(session.notes);
  if (!trace_.path.empty()) trace_steps(console, session, settings, batch);
  if (!trains) console.note("nothing trains: this is the forward pass alone");
  if (!anything_frozen(model) && run_.exact) console.note("in force: " + exact_text(true));
  if (anything_frozen(model)) {
    console.note(freeze_table(model, freeze_, run_.exact));
  } else if (freeze_.all_precision == "bf16") {
    console.note(precision_text(freeze_.all_precision, true));
  }
  if (console.json()) {
    print_json(console, program);
    console.close(JsonObject().add("total", total(program)).add("total_without_freeze", total(full)));
    return 0;
  }
  std::string text = listing(program);
  if (text.ends_with('\n')) text.pop_back();
  console.out(text);
  if (anything_frozen(model)) compare(console, program, full);
  if (ranks_ > 1) print_traffic(console, program);
  return 0;
}

/// Steps on random samples, behind two to warm up.
void Explain::trace_steps(Console& console, const Session& session, ProgramSettings settings,
                          Index batch) const {
  constexpr Index kWarm = 2;
  const Model& model = *session.model;
  const Shape& sample = session.recipe.input.sample;
  settings.trace = make_trace(trace_, kWarm);
  ProgramCache programs(model, settings);
  const bool trains = parameter_count(model.parameters(), true) > 0;
  Program& program = trains ? programs.training(batch, sample) : programs.inference(batch, sample);
  const RandomBatch random(model, batch, sample, settings.task.get());
  random.feed(program, model);
  for (Index i = 0; i < kWarm + trace_.runs; ++i) program.run(static_cast<std::uint64_t>(i));
  write_trace(console, trace_, *settings.trace);
}

/// One step on samples of the training part, in its order.
int Explain::show_numbers(Console& console) {
  take_run_data(session_.model.weights, session_);
  require(session_.data.spec, "--data", "explain --values and --nudge");
  session_.purpose = session_.model.weights.empty() ? Purpose::train : Purpose::judge;
  const Session session = open_session(session_);
  Model& model = *session.model;
  ProgramSettings settings;
  apply_freeze_rules(freeze_, run_.exact, settings);
  settings.task = session.task;
  settings.seed = run_.seed;
  apply_freeze(model, freeze_);
  LoaderOptions options = loader_options(session, samples_, run_.seed);
  options.shuffle = false;
  Loader loader(part_of(session.data, "train"), options);
  loader.start(0);
  StepRun step(model, settings, *loader.next());
  console.notes(session.notes);
  if (!nudge_.empty()) {
    print_nudge(console, step, model, parse_weight_place(model, nudge_), span_);
    if (!values_) return 0;
  }
  TrainingChoice training;
  resolve_training(training, model);
  const StepValues seen = step.look(*make_optimizer(training), checks_);
  console.json() ? print_values_json(console, seen, show_) : print_values(console, seen, show_);
  JsonObject closing;
  closing.add("loss", seen.loss).add("samples", seen.samples).add("optimizer", seen.optimizer);
  Index checked = 0, agreed = 0;
  for (const SeenParameter& part : seen.parameters) {
    checked += static_cast<Index>(part.checks.size());
    for (const GradientCheck& check : part.checks) agreed += check.agrees();
  }
  console.close(closing.add("gradients_checked", checked).add("gradients_agree", agreed));
  return 0;
}

void Explain::compare(Console& console, const Program& frozen, const Program& full) const {
  Table table({"<a step", "frozen", "not frozen", "left"});
  const auto row = [&](const char* what, double with, double without, std::string (*format)(double)) {
    table.row({what, format(with), format(without),
               without > 0 ? fmt::format("{:.0f} %", 100 * with / without) : "-"});
  };
  const ProgramCost a = cost_of(frozen);
  const ProgramCost b = cost_of(full);
  const auto macs = [](double value) { return short_number(value) + "MAC"; };
  row("kernels", static_cast<double>(frozen.plan().steps.size()),
      static_cast<double>(full.plan().steps.size()), short_number);
  row("forward", a.total.forward.macs, b.total.forward.macs, macs);
  row("input gradients", a.total.input_gradient.macs, b.total.input_gradient.macs, macs);
  row("weight gradients", a.total.weight_gradient.macs, b.total.weight_gradient.macs, macs);
  row("kept", static_cast<double>(a.kept_bytes), static_cast<double>(b.kept_bytes), short_bytes);
  row("arena", static_cast<double>(frozen.arena_bytes(thread_count())),
      static_cast<double>(full.arena_bytes(thread_count())), short_bytes);
  console.out("\n" + table.text());
}

void Explain::print_traffic(Console& console, const Program& program) const {
  Table table({"<handed around", "<how", "bytes"});
  double all = 0;
  for (const RankTraffic& item : program.traffic(static_cast<int>(ranks_))) {
    table.row({item.what, item.summed ? "summed along the ranks" : "from each to all",
               short_bytes(static_cast<double>(item.bytes))});
    all += static_cast<double>(item.bytes);
  }
  console.out("\n" + table.text());
  console.out(fmt::format("{} ranks send {} a step, each {} on average", ranks_, short_bytes(all),
                          short_bytes(all / static_cast<double>(ranks_))));
}

void Explain::print_json(Console& console, const Program& program) const {
  const auto put = [&](const Step& step, bool once) {
    const Node& node = *step.node;
    const auto sizes = node.outputs()[0].shape.sizes();
    JsonObject line = json_line("step");
    line.add("once", once)
        .add("pass", pass_name(node.pass()))
        .add("layer", node.label())
        .add("block", node.block());
    line.add("operation", node.kind()).add("detail", node.op()->detail());
    line.add("output", std::vector<std::int64_t>(sizes.begin(), sizes.end()));
    console.out(line.add("macs", node.op()->cost(node).macs));
  };
  for (const Step& step : program.plan().once) put(step, true);
  for (const Step& step : program.plan().steps) put(step, false);
  for (const Kept& kept : cost_of(program).kept) {
    JsonObject line = json_line("kept");
    line.add("layer", kept.label).add("block", kept.block).add("what", kept.what).add("bytes", kept.bytes);
    console.out(line.add("for", kept.readers));
  }
  for (const LeftOut& item : program.left_out()) {
    JsonObject line = json_line("left_out");
    line.add("pass", pass_name(item.pass)).add("layer", item.label).add("block", item.block);
    console.out(line.add("what", item.what).add("reason", item.reason).add("macs", item.macs));
  }
}

JsonObject Explain::total(const Program& program) const {
  const ProgramCost cost = cost_of(program);
  JsonObject line;
  line.add("kernels", program.plan().steps.size()).add("kernels_once", program.plan().once.size());
  line.add("macs_forward", cost.total.forward.macs)
      .add("macs_input_gradient", cost.total.input_gradient.macs);
  line.add("macs_weight_gradient", cost.total.weight_gradient.macs).add("kept_bytes", cost.kept_bytes);
  double sent = 0;
  for (const RankTraffic& item : program.traffic(static_cast<int>(ranks_)))
    sent += static_cast<double>(item.bytes);
  line.add("ranks", ranks_).add("bytes_sent", sent);
  return line.add("arena_bytes", program.arena_bytes(thread_count())).add("threads", thread_count());
}

}  // namespace

VerbPtr make_explain() {
  return std::make_unique<Explain>();
}

}  // namespace firn::cli
