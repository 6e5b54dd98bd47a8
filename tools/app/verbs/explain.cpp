#include "tools/app/verbs/explain.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/atomic_file.h"
#include "engine/base/parallel.h"
#include "engine/program/cost.h"
#include "engine/program/listing.h"
#include "tools/app/cli/table.h"
#include "tools/app/cost/rank_forecast.h"
#include "tools/app/cost/step_forecast.h"
#include "tools/app/explain/arena.h"
#include "tools/app/explain/nudge.h"
#include "tools/app/explain/print_values.h"
#include "tools/app/explain/step_page.h"
#include "tools/app/explain/step_values.h"
#include "tools/app/run/data.h"
#include "tools/app/run/freezing.h"
#include "tools/app/run/run_line.h"
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

/// "frozen: conv1, conv2 in part"
std::string frozen_words(const Model& model) {
  const std::vector<std::string> names = frozen_blocks(model, model.freeze_set());
  return names.empty() ? "nothing is frozen" : fmt::format("frozen: {}", fmt::join(names, ", "));
}

/// Rows of a table: what a step is and what it were with nothing frozen.
std::vector<std::vector<std::string>> cost_rows(const Program& frozen, const Program& full) {
  std::vector<std::vector<std::string>> rows;
  const auto row = [&](const char* what, double with, double without, std::string (*format)(double)) {
    rows.push_back({what, format(with), format(without),
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
  return rows;
}

/// What is explained, at the size of batch that the model usually has, beside the same with nothing frozen.
/// Where nothing trains it is the forward pass.
class ExplainedStep {
 public:
  ExplainedStep(const Session& session, ProgramSettings settings, Index batch)
      : model_(*session.model),
        batch_(batch > 0 ? batch : usual_batch(session.recipe)),
        sample_(session.recipe.input.sample),
        task_(session.task),
        programs_(model_, with_task(std::move(settings), session.task)) {}

  bool trains() const { return parameter_count(model_.parameters(), true) > 0; }
  bool has_parameters() const { return parameter_count(model_.parameters()) > 0; }
  Program& program() {
    return trains() ? programs_.training(batch_, sample_) : programs_.inference(batch_, sample_);
  }
  Program& full() {
    return has_parameters() ? programs_.training(batch_, sample_, FreezeSet())
                            : programs_.inference(batch_, sample_);
  }
  /// Both, timed on random samples; one where nothing is frozen.
  std::vector<report::ArenaChart> arenas() {
    const RandomBatch random(model_, batch_, sample_, task_.get());
    const auto timed = [&](std::string title, Program& program) {
      random.feed(program, model_);
      return timed_arena(std::move(title), program);
    };
    std::vector<report::ArenaChart> charts;
    if (anything_frozen(model_)) charts.push_back(timed("as it is frozen", program()));
    charts.push_back(timed("nothing frozen", full()));
    return charts;
  }
  /// Runs on random samples, of which the first are to warm up.
  void run(Index runs) {
    const RandomBatch random(model_, batch_, sample_, task_.get());
    Program& step = program();
    random.feed(step, model_);
    for (Index i = 0; i < runs; ++i) step.run(static_cast<std::uint64_t>(i));
  }
  Index batch() const { return batch_; }

 private:
  static ProgramSettings with_task(ProgramSettings settings, TaskPtr task) {
    settings.task = std::move(task);
    return settings;
  }

  const Model& model_;
  Index batch_;
  Shape sample_;
  TaskPtr task_;
  ProgramCache programs_;
};

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
    arguments.example("runs/cnn-digits-1 --data digits --freeze 1 --page step.html",
                      "the same as a page: formulas, numbers, sources, memory");
    arguments.positional("RUN", run_word_, "a run's folder or a weights file, as --weights");
    declare_model(arguments, session_.model);
    declare_data(arguments, session_.data);
    declare_input(arguments, session_.input);
    declare_freeze(arguments, freeze_, false);
    declare_run(arguments, run_);
    declare_trace(arguments, trace_);
    arguments.list(
        "--ranks", ranks_, "N,...", from_to(1, 1024),
        "also what so many processes that share a step hand to each other, in detail for the first "
        "number (docs/cluster.md)");
    arguments.option(
        "--latency", latency_, "MS", at_least(0),
        "--ranks: also what it takes, by --freeze, with messages of so many milliseconds (0.05; a "
        "run of several processes says its own)");
    arguments.option("--bandwidth", bandwidth_, "GBIT", above(0),
                     "--ranks: likewise, with so many Gbit/s each way (10)");
    arguments.option(
        "--arena", arena_, "FILE.svg",
        "also draw how long each value lies where in memory, beside the same with nothing frozen");
    arguments.group("The numbers of a step");
    arguments.flag(
        "--values", values_,
        "run one training step on a few samples: what each layer gives, each gradient beside central "
        "differences, each update");
    arguments.option(
        "--page", page_, "FILE.html",
        "the same as a page: the graph, each node with its formula, its numbers, the lines of the source "
        "that compute it, and the memory of a step");
    arguments.option("--nudge", nudge_, "NAME[I,J]",
                     "the loss as this number of a parameter moves; places as PyTorch counts them");
    arguments.option("--span", span_, "X", at_least(0),
                     "--nudge: as far as X to both sides (its size, at least 0.1)");
    arguments.option("--samples", samples_, "N", from_to(1, 4096), "of the training part (4)");
    arguments.option("--show", show_, "N", at_least(0),
                     "--values: tensors of at most N numbers are printed whole (32; --page: what fits)");
    arguments.option("--checks", checks_, "N", at_least(0),
                     "--values: gradients of each parameter that are checked (3)");
  }
  int run(Console& console) override;

 private:
  int show_numbers(Console& console);
  void write_page(Console& console, const Session& session, const ProgramSettings& settings,
                  const StepRun& step, const StepValues& seen, const std::optional<Nudge>& nudged) const;
  void write_arena(Console& console, ExplainedStep& step) const;
  void trace_steps(Console& console, const Session& session, ProgramSettings settings) const;
  void print_json(Console& console, const Program& program) const;
  JsonObject total(const Program& program) const;
  void print_traffic(Console& console, const Program& program) const;
  std::vector<RankRow> rank_rows(const Session& session, const ProgramSettings& settings, Index batch) const;
  bool timed() const { return !ranks_.empty() && (latency_ > 0 || bandwidth_ > 0); }
  double latency() const { return latency_ > 0 ? latency_ : 0.05; }
  double bandwidth() const { return bandwidth_ > 0 ? bandwidth_ : 10; }
  int first_ranks() const { return ranks_.empty() ? 1 : static_cast<int>(ranks_.front()); }

  SessionChoice session_;
  FreezeChoice freeze_;
  RunChoice run_;
  std::string run_word_;
  TraceChoice trace_;
  std::vector<Index> ranks_;
  double latency_ = 0, bandwidth_ = 0;  // 0: not given
  std::string arena_;
  bool values_ = false;
  std::string page_, nudge_;
  double span_ = 0;
  Index samples_ = 4, show_ = -1, checks_ = 3;
};

int Explain::run(Console& console) {
  take_run_word(run_word_, session_.model, "explain");
  use_threads(run_);
  session_.seed = run_.seed;
  for (const std::string& path : {trace_.path, arena_, page_})
    console.make_way_for(path, {session_.model.weights});
  if (values_ || !page_.empty() || !nudge_.empty()) return show_numbers(console);
  session_.purpose = Purpose::predict;
  const Session session = open_session(session_);
  Model& model = *session.model;
  ProgramSettings settings;
  apply_freeze_rules(freeze_, run_.exact, settings);
  apply_freeze(model, freeze_);
  ExplainedStep step(session, settings, run_.batch);
  const Program& program = step.program();
  console.notes(session.notes);
  if (!trace_.path.empty()) trace_steps(console, session, settings);
  if (!arena_.empty()) write_arena(console, step);
  if (!step.has_parameters()) console.note("the network has no parameters: this is the forward pass alone");
  if (step.has_parameters() && !step.trains()) console.note("nothing trains: this is the forward pass alone");
  if (!anything_frozen(model) && run_.exact) console.note("in force: " + exact_text(true));
  if (anything_frozen(model)) {
    console.note(freeze_table(model, freeze_, run_.exact));
  } else if (freeze_.all_precision == "bf16") {
    console.note(precision_text(freeze_.all_precision, true));
  }
  if (console.json()) {
    print_json(console, program);
    if (timed()) {
      for (const RankRow& row : rank_rows(session, settings, step.batch())) console.out(rank_json(row));
    }
    console.close(JsonObject().add("total", total(program)).add("total_without_freeze", total(step.full())));
    return 0;
  }
  std::string text = listing(program);
  if (text.ends_with('\n')) text.pop_back();
  console.out(text);
  if (anything_frozen(model)) {
    Table table({"<a step", "frozen", "not frozen", "left"});
    for (const auto& row : cost_rows(program, step.full())) table.row(row);
    console.out("\n" + table.text());
  }
  if (first_ranks() > 1) print_traffic(console, program);
  if (!timed()) return 0;
  const std::vector<RankRow> rows = rank_rows(session, settings, step.batch());
  console.out(fmt::format(
      "\na step of {} samples, {:g} ms and {:g} Gbit/s between two ranks, {} threads each:", step.batch(),
      latency(), bandwidth(), thread_count()));
  console.out(rank_table(rows));
  return 0;
}

/// Everything, half and the head, and as it is frozen where that is something else.
std::vector<RankRow> Explain::rank_rows(const Session& session, const ProgramSettings& settings,
                                        Index batch) const {
  Model& model = *session.model;
  std::vector<std::string> freezes{"none", "half", "head"};
  if (!freeze_.freeze.empty() && std::find(freezes.begin(), freezes.end(), freeze_.freeze) == freezes.end())
    freezes.push_back(freeze_.freeze);
  const std::vector<int> ranks(ranks_.begin(), ranks_.end());
  const Shape& sample = session.recipe.input.sample;
  ProgramSettings with_task = settings;
  with_task.task = session.task;
  ProgramCache programs(model, with_task);
  const RandomBatch random(model, batch, sample, session.task.get());
  TrainingChoice training;
  resolve_training(training, model);
  Machine machine(false);
  const std::vector<RankRow> rows = forecast_ranks(
      model, freezes,
      [&](const std::string& freeze) -> const Program& {
        model.set_freeze(freeze);
        Program& program = programs.training(batch, sample);
        random.feed(program, model);
        return program;
      },
      ranks, {latency() * 1e-3, bandwidth() * 1e9 / 8}, [&] { return make_optimizer(training); }, machine);
  machine.save();
  model.set_freeze("none");
  apply_freeze(model, freeze_);
  return rows;
}

/// Steps on random samples, behind two to warm up.
void Explain::trace_steps(Console& console, const Session& session, ProgramSettings settings) const {
  constexpr Index kWarm = 2;
  settings.trace = make_trace(trace_, kWarm);
  ExplainedStep(session, settings, run_.batch).run(kWarm + trace_.runs);
  write_trace(console, trace_, *settings.trace);
}

void Explain::write_arena(Console& console, ExplainedStep& step) const {
  const std::vector<report::ArenaChart> charts = step.arenas();
  atomic_write(arena_, report::draw(charts).file());
  console.note(fmt::format("{}: {} values of a step of {} samples in memory", arena_,
                           charts.front().spans.size(), step.batch()));
}

void Explain::write_page(Console& console, const Session& session, const ProgramSettings& settings,
                         const StepRun& run, const StepValues& seen,
                         const std::optional<Nudge>& nudged) const {
  ExplainedStep step(session, settings, run_.batch);
  StepPage page{fmt::format("A step of {}", session.recipe.model),
                fmt::format("{} of {}, {}; the optimizer is {}",
                            seen.samples == 1 ? "One sample" : fmt::format("{} samples", seen.samples),
                            session_.data.spec, frozen_words(*session.model), seen.optimizer),
                seen,
                run.program(),
                {fmt::format("A step of {} samples, beside the same with nothing frozen", step.batch()),
                 {"<what", "as it is", "nothing frozen", "left"},
                 cost_rows(step.program(), step.full())},
                step.arenas(),
                nudged,
                show_};
  const std::string html = step_page(page);
  atomic_write(page_, html);
  console.note(fmt::format("{}: {} operations, {}", page_, seen.values.size(),
                           short_bytes(static_cast<double>(html.size()))));
}

/// One step on samples of the training part, in its order.
int Explain::show_numbers(Console& console) {
  take_run_data(session_.model.weights, session_);
  require(session_.data.spec, "--data", "explain --values, --page and --nudge");
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
  std::optional<Nudge> nudged;
  if (!nudge_.empty()) {
    nudged = nudge(step, model, parse_weight_place(model, nudge_), span_);
    print_nudge(console, *nudged);
    if (!values_ && page_.empty()) return 0;
  }
  TrainingChoice training;
  resolve_training(training, model);
  const StepValues seen = step.look(*make_optimizer(training), checks_);
  if (!page_.empty()) write_page(console, session, settings, step, seen, nudged);
  const Index most = show_ >= 0 ? show_ : 32;
  if (values_) console.json() ? print_values_json(console, seen, most) : print_values(console, seen, most);
  const StepValues::Checked checked = seen.checked();
  JsonObject closing;
  closing.add("loss", seen.loss).add("samples", seen.samples).add("optimizer", seen.optimizer);
  console.close(closing.add("gradients_checked", checked.all).add("gradients_agree", checked.agree));
  return 0;
}

void Explain::print_traffic(Console& console, const Program& program) const {
  Table table({"<handed around", "<how", "<", "bytes"});
  double all = 0;
  for (const RankTraffic& item : program.traffic(first_ranks())) {
    table.row({item.what, std::string(rank_way_text(item.way)), item.meanwhile ? "meanwhile" : "waited for",
               short_bytes(static_cast<double>(item.bytes))});
    all += static_cast<double>(item.bytes);
  }
  console.out("\n" + table.text());
  console.out(fmt::format("{} ranks send {} a step, each {} on average", first_ranks(), short_bytes(all),
                          short_bytes(all / first_ranks())));
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
  for (const RankTraffic& item : program.traffic(first_ranks())) sent += static_cast<double>(item.bytes);
  line.add("ranks", first_ranks()).add("bytes_sent", sent);
  return line.add("arena_bytes", program.arena_bytes(thread_count())).add("threads", thread_count());
}

}  // namespace

VerbPtr make_explain() {
  return std::make_unique<Explain>();
}

}  // namespace firn::cli
