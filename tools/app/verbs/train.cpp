#include "tools/app/verbs/train.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <optional>
#include <utility>

#include "engine/base/cpu.h"
#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/base/seconds.h"
#include "engine/base/sha256.h"
#include "engine/kernels/bf16_rate.h"
#include "engine/kernels/kernels.h"
#include "engine/tensor/safetensors.h"
#include "tools/app/cli/duration.h"
#include "tools/app/cli/interrupt.h"
#include "tools/app/cli/launcher.h"
#include "tools/app/cli/path_name.h"
#include "tools/app/cli/version.h"
#include "tools/app/cluster/joint_run.h"
#include "tools/app/report/write.h"
#include "tools/app/run/audit.h"
#include "tools/app/run/caching.h"
#include "tools/app/run/data.h"
#include "tools/app/run/dry_run.h"
#include "tools/app/run/finetuning.h"
#include "tools/app/run/folder.h"
#include "tools/app/run/forecast.h"
#include "tools/app/run/freezing.h"
#include "tools/app/run/judged.h"
#include "tools/app/run/keeper.h"
#include "tools/app/run/known_weights.h"
#include "tools/app/run/late_thaws.h"
#include "tools/app/run/learning.h"
#include "tools/app/run/policy.h"
#include "tools/app/run/reading.h"
#include "tools/app/run/result.h"
#include "tools/app/run/saving_cost.h"
#include "tools/app/run/session.h"
#include "tools/app/run/trace_file.h"
#include "tools/app/run/training.h"
#include "tools/app/run/training_cost.h"
#include "tools/app/run/weights_path.h"
#include "tools/app/verbs/train_examples.h"
#include "tools/app/verbs/train_watched.h"

namespace firn::cli {

namespace {

class Train : public Verb {
 public:
  /// `finetune`: with defaults for weights that have been trained on other data.
  explicit Train(bool finetune) : finetune_(finetune) {}
  void declare(Arguments& arguments) override;
  int run(Console& console) override;

 private:
  void take_finetune_defaults();
  bool backbone_trains(const Model& model) const;
  bool head_alone(const Model& model) const;
  void resolve_finetune(Session& session, TrainConfig& config);
  JsonObject config(const Session& session, const DataHashes& hashes) const;
  std::string settings(const Session& session) const;
  RunWork work(const TrainingTask& task, Trainer& trainer, Machine& machine) const;
  void say_cost(Console& console, const TrainingTask& task, Trainer& trainer, Machine& machine,
                double resident) const;
  int train_here(Console& console);
  void go_on_together(Trainer& trainer, bool goes_on);
  /// Whether this process writes what the run leaves behind.
  bool writes() const { return !no_run_ && (!joint_ || joint_->first()); }
  double elapsed() const { return seconds_since(begin_); }

  std::unique_ptr<JointRun> joint_;  // null: this process alone
  double begin_ = 0;
  double said_ = 0;  // of the whole command; 0: not yet
  const bool finetune_;
  SessionChoice session_;
  FreezeChoice freeze_;
  PolicyChoice policy_;
  CacheChoice cache_;
  RunChoice run_;
  TrainingChoice training_;
  KeepChoice keep_;
  std::string features_ = "standardised";
  bool standardised_ = false;  // the head, in force
  std::string name_, run_word_, memory_;
  std::string weights_sha256_;  // of the file --weights, when the run began
  bool overwrite_ = false;
  bool audit_steps_ = false;
  bool no_run_ = false;
  bool dry_run_ = false;
  bool tensorboard_ = false;
  bool pictures_ = false;
  std::optional<FreezePictures> moved_;
  TraceChoice trace_;
};

void Train::declare(Arguments& arguments) {
  give_examples(arguments, finetune_);
  declare_model(arguments, session_.model);
  if (finetune_) {
    training_.epochs = 0;
    training_.optimizer = "adam";
    arguments.positional("RUN", run_word_, "a run's folder or a weights file, as --weights");
    arguments.flag("--keep-head", session_.model.keep_head,
                   "train on with the weights' own head, for as many classes as they have");
    arguments.choice(
        "--head-features", features_, {"standardised", "raw"},
        "standardised: a new head that is a dense layer is trained as if its features had mean 0 and "
        "deviation 1 (standardised)");
  } else {
    arguments.flag("--replace-head", session_.model.replace_head,
                   "take all but the last block from the weights: for other classes");
  }
  declare_head_init(arguments, session_.model);
  declare_data(arguments, session_.data);
  if (!finetune_) {
    arguments.choice(
        "--init", session_.model.init, {"pytorch", "he", "xavier", "orthogonal"},
        "how new weights are drawn: as PyTorch's layers do, or by He 2015, Glorot and Bengio 2010 or Saxe "
        "2014; deep networks without batch norm learn from he sooner (pytorch)");
  }
  arguments.option("--labels", session_.labels, "N", at_least(0),
                   "train on N samples of each class (0: all)");
  declare_training(arguments, training_, finetune_);
  declare_class_weights(arguments, training_);
  declare_freeze(arguments, freeze_, true);
  declare_policy(arguments, policy_);
  declare_cache(arguments, cache_);
  declare_sample(arguments, session_.input);
  declare_run(arguments, run_);
  declare_memory(arguments, memory_);
  arguments.flag("--audit-steps", audit_steps_,
                 "hash what is frozen after every step and name what changes it");
  arguments.name("--run", name_, "the folder runs/NAME is written (MODEL-DATA-SEED)");
  arguments.flag("--overwrite", overwrite_,
                 "replace a run of that name, once the new one has saved; one that this very command left "
                 "unfinished goes on");
  arguments.flag("--no-run", no_run_, "write nothing");
  arguments.flag("--dry-run", dry_run_, "read the data, say how long all of it will take, and train nothing");
  declare_trace(arguments, trace_);
  arguments.flag("--tensorboard", tensorboard_,
                 "also write the curves for TensorBoard, events.out.tfevents.firn in the folder");
  arguments.flag("--pictures", pictures_,
                 "also look at what freezing did, for the page; takes time at the end");
  declare_keep(arguments, keep_);
}

/// A new head on what the weights know, and nothing else trains unless it is asked for.
void Train::take_finetune_defaults() {
  if (session_.model.weights.empty()) {
    throw Error(Fault::usage, "finetune",
                fmt::format("weights are needed: a run of yours (firn finetune runs/NAME --data DATA), or "
                            "published ones: {}; "
                            "firn weights says where they are had",
                            known_weights_line()));
  }
  session_.model.replace_head = !session_.model.keep_head;
  if (!freeze_.any() && policy_.policy.empty()) freeze_.freeze = "head";
}

/// Whether more than the head trains, now or later. These policies have small rates of their own for it.
bool Train::backbone_trains(const Model& model) const {
  constexpr std::string_view kOwnRates[] = {"head", "lp-ft", "gradual", "fine-tune"};
  if (!freeze_.thaw.empty()) return true;
  if (!policy_.policy.empty()) {
    const std::string name = policy_.policy.substr(0, policy_.policy.find(','));
    return std::find(std::begin(kOwnRates), std::end(kOwnRates), name) == std::end(kOwnRates);
  }
  return cli::backbone_trains(model);
}

bool Train::head_alone(const Model& model) const {
  const bool stays = policy_.policy.empty() || policy_.policy == "head";
  return stays && freeze_.thaw.empty() && !backbone_trains(model);
}

/// What finetune's defaults come to for these weights and data.
void Train::resolve_finetune(Session& session, TrainConfig& config) {
  standardised_ = cli::resolve_finetune({.head_alone = head_alone(*session.model),
                                         .replace_head = session_.model.replace_head,
                                         .standardised = features_ == "standardised",
                                         .batch = run_.batch},
                                        session, training_, config);
  if (standardised_) session.notes.push_back(standardised_text(config));
}

/// What has to be the same on all ranks.
std::string Train::settings(const Session& session) const {
  const DataHashes hashes = no_run_ ? DataHashes{} : hashes_of(session.data);
  Sha256 weights;
  for (const NamedParameter& p : session.model->parameters())
    weights.update(std::as_bytes(p.parameter->value().values()));
  // What chooses kernels goes with it: other kernels have other last bits.
  return fmt::format("{} {} {} {} {}\n{}\n{}", version(), commit(), isa_name(selected_isa()),
                     static_cast<int>(bf16_products()), unit_rate(kernels()), weights.hex(),
                     config(session, hashes).text());
}

JsonObject Train::config(const Session& session, const DataHashes& hashes) const {
  JsonObject object = json_line("config");
  object.add("command", command()).add("model", session.recipe.model).add("data", session_.data.spec);
  object.add("weights", session_.model.weights).add("replace_head", session_.model.replace_head);
  object.add("weights_sha256", weights_sha256_);
  object.add("train_sha256", hashes.train).add("validation_sha256", hashes.validation);
  object.add("test_sha256", hashes.test).add("split_seed", session_.data.split_seed);
  object.add("validation", session_.data.validation).add("group", session_.data.group);
  object.add_all(reading_json(session_.data.options));
  const bool text = !session.recipe.vocabulary.empty();
  object.add("tokens", text ? session.recipe.tokens.name() : "")
      .add("lower_case", session.recipe.tokens.lower_case)
      .add("vocabulary", session.recipe.vocabulary.size());
  const bool plain = session.recipe.task == "classification" || session.recipe.task == "next-token";
  if (!plain && session_.data.options.task.empty()) object.add("task", session.recipe.task);
  object.add("labels", session_.labels).add("classes", session.recipe.class_names);
  object.add("sample", session.recipe.input.sample.text()).add("scale", session.recipe.preprocess.scale);
  object.add("mean", session.recipe.preprocess.mean).add("deviation", session.recipe.preprocess.deviation);
  RunChoice run = run_;
  object.add_all(to_json(run_settings(run)))
      .add("init", session_.model.init)
      .add("head_init", session_.model.head_init)
      .add("training", training_json(training_))
      .add("head_features", standardised_ ? "standardised" : "raw");
  return object.add("freezing", freeze_json(*session.model, freeze_))
      .add("policy", policy_json(policy_))
      .add("cache", cache_json(cache_));
}

int Train::run(Console& console) {
  joint_ = JointRun::join();
  if (!joint_) return train_here(console);
  if (dry_run_) throw Error(Fault::usage, "train", "--dry-run tells of one process: without mpirun");
  return joint_->run([&] { return train_here(console); });
}

/// Other ranks take what rank 0 went on from.
void Train::go_on_together(Trainer& trainer, bool goes_on) {
  SafeTensors state;
  std::string text;
  if (joint_->first() && goes_on) {
    trainer.save(StateWriter(state));
    const std::vector<std::byte> bytes = write_safetensors(state.tensors, state.metadata);
    text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  text = joint_->ranks().from_first(text);
  if (joint_->first() || text.empty()) return;
  trainer.resume(StateReader(read_safetensors(std::as_bytes(std::span(text)), "rank 0"), "rank 0"));
}

int Train::train_here(Console& console) {
  require(session_.data.spec, "--data", finetune_ ? "finetune" : "train");
  take_run_word(run_word_, session_.model, "finetune");
  if (finetune_) take_finetune_defaults();
  const auto kept = no_run_ ? std::nullopt : kept_weights(command());
  if (kept) {
    session_.model.weights = kept->from;
  } else if (!session_.model.weights.empty()) {
    session_.model.weights = weights_file(session_.model.weights, finetune_ ? "finetune" : "train");
  }
  console.make_way_for(trace_.path, {session_.model.weights, session_.model.base});
  if (tensorboard_ && no_run_)
    throw Error(Fault::usage, "train", "--tensorboard and --no-run exclude each other");
  begin_ = seconds_now();
  const InterruptScope interrupts(InterruptScope::What::at_once);
  use_threads(run_);
  if (joint_ && run_.threads == 0) set_thread_count(share_of_threads(launcher()));
  if (run_.batch == 0) run_.batch = 64;
  session_.purpose = Purpose::train;
  session_.seed = run_.seed;
  TrainConfig config = make_config(training_);
  constexpr Index kWarmSteps = 4;
  config.program.trace = make_trace(trace_, kWarmSteps);
  parse_augment(training_.augment);  // a fault in it shows before data is read
  const MemoryLimit limit(memory_);
  limit.share(session_.data.options, cache_, console);

  SessionChoice opened = session_;
  if (kept) {
    opened.model.weights = kept->path;
    opened.model.base.clear();
    console.note(fmt::format("{} is no longer what the run began with, which {} has kept",
                             session_.model.weights, kept->path));
  }
  Session session = open_session(opened);
  if (!session_.model.weights.empty()) {
    weights_sha256_ = kept ? kept->sha256 : file_sha256(session_.model.weights);
  }
  apply_freeze(*session.model, freeze_);
  resolve_training(training_, *session.model, finetune_ && backbone_trains(*session.model));
  if (finetune_) resolve_finetune(session, config);
  if (pictures_ && writes()) moved_.emplace(*session.model);
  if (joint_) config.program.ranks = &joint_->ranks();
  Learning learning(session, {training_, freeze_, policy_, cache_, run_, audit_steps_}, config);
  training_ = learning.training();
  config = learning.config();
  const std::vector<Thaw>& thaws = learning.thaws();
  Trainer& trainer = learning.trainer();
  const Optimizer& optimizer = learning.optimizer();

  const TrainingTask task{session, *session.model, config.epochs, run_.batch,
                          [this] { return make_optimizer(training_); }};
  Machine machine(false);
  const double resident = limit.given() ? resident_bytes(task, trainer, machine, limit) : 0;
  limit.check(resident);
  if (limit.given()) console.note(limit.text(resident));
  if (dry_run_) {
    say_cost(console, task, trainer, machine, resident);
    return 0;
  }
  std::optional<RunFolder> folder;
  std::optional<RunKeeper> keeper;
  bool goes_on = false;
  if (joint_) joint_->begin(settings(session));
  if (writes()) {
    const std::string usual =
        fmt::format("{}-{}-{}", session.recipe.model, path_name(session.data.train->info().name), run_.seed);
    const DataHashes hashes = hashes_of(session.data);
    const std::string text = this->config(session, hashes).text() + "\n";
    folder.emplace(name_.empty() ? usual : name_, name_.empty(), overwrite_, text,
                   [&](Index epochs) { return trainer.why_no_beginning(epochs, config.epochs); });
    for (const std::string& passed : folder->passed_by()) {
      console.note(fmt::format("{}: {} begins anew", passed, folder->path()));
    }
    if (!folder->unfinished()) folder->write("config.json", text);
    // A run may have been broken off between the two.
    if (!folder->has("env.json")) {
      folder->write("env.json", environment_json(run_.seed, session.data, hashes).text() + "\n");
    }
    keeper.emplace(*folder, session, trainer, keep_);
    goes_on = keeper->begin(opened.model.weights, config.policy != nullptr);
    if (folder->longer()) folder->write("config.json", text);
    if (!keeper->damage().empty()) {
      console.note(fmt::format("{}; the checkpoint before it is whole", keeper->damage()));
    }
    if (goes_on) {
      console.note(fmt::format("{} goes on in epoch {}, behind step {}", folder->path(), trainer.epoch(),
                               trainer.steps()));
    }
  }
  if (joint_) {
    joint_->begin("written");
    go_on_together(trainer, goes_on);
    console.notes(joint_->introduce());
  }
  console.notes(session.notes);
  const RunClock clock{config.epochs, learning.train().batches(), config.patience, config.thaw_warm_up,
                       config.schedule};
  console.notes(foreseen(thaws, clock));
  console.notes(foreseen(policy_.policy, *session.model, clock));
  if (!anything_frozen(*session.model) && run_.exact) console.note("in force: " + exact_text(true));
  if (anything_frozen(*session.model)) {
    console.note(freeze_table(*session.model, freeze_, run_.exact));
  } else if (freeze_.all_precision == "bf16") {
    console.note(precision_text(freeze_.all_precision, true));
  }
  if (config.policy) console.note("policy " + config.policy->text());
  const auto size_of = [](const DatasetPtr& part) { return part ? part->size() : Index{0}; };
  console.detail(fmt::format("{}, {} on {} training, {} validation and {} test samples", session.recipe.model,
                             optimizer.text(), size_of(session.data.train), size_of(session.data.validation),
                             size_of(session.data.test)));
  const Index step_of = std::min(run_.batch, session.data.train->size());
  const auto forecast =
      forecast_frozen(*session.model, trainer.programs(), step_of, session.recipe.input.sample,
                      trainer.features().planned(trainer.freeze_set()), machine);
  if (forecast) report_forecast(console, *forecast);
  RunWork work = this->work(task, trainer, machine);
  if (folder) work.files = file_prices(folder->file("."), machine, folder->seconds_a_file());
  if (!joint_ || joint_->first()) machine.save();
  RunForecast wall(work, elapsed());
  const History history = train_watched({.console = console,
                                         .session = session,
                                         .trainer = trainer,
                                         .thaws = thaws,
                                         .freeze = freeze_,
                                         .exact = run_.exact,
                                         .policy = !policy_.policy.empty(),
                                         .forecast = wall,
                                         .folder = folder ? &*folder : nullptr,
                                         .keeper = keeper ? &*keeper : nullptr,
                                         .pictures = moved_ ? &*moved_ : nullptr,
                                         .ranks = joint_ ? &joint_->ranks() : nullptr,
                                         .elapsed = [this] { return elapsed(); },
                                         .said = said_});
  if (keeper) keeper->save_whole();  // whatever fails behind this
  if (config.program.trace) write_trace(console, trace_, *config.program.trace);
  console.notes(missed(thaws, clock, static_cast<Index>(history.epochs.size())));
  std::optional<Evaluation> in_fp32;
  if (config.program.types.frozen_narrow() && learning.validation() != nullptr) {
    ProgramSettings whole = config.program;
    whole.types = {};
    ProgramCache programs(*session.model, whole);
    in_fp32 = evaluate(*session.model, programs, *learning.validation());
  }
  if (history.audit.watched == 0 && in_fp32) {
    const JsonObject line = report_precision(console, history, *in_fp32, *session.task);
    if (folder) folder->add_line(line);
  }
  if (history.audit.watched > 0) {
    const JsonObject line = report_audit(console, history, forecast, in_fp32, *session.task);
    if (folder) folder->add_line(line);
  }
  RunResult result = run_result(history, size_of(session.data.validation), session.task);
  SampleWatch watch(session.data.test);
  bool kept_weights = false;
  if (session.data.test) {
    Loader test(session.data.test, learning.judging());
    result.test = trainer.test(test, [&](const Batch& batch, const real* logits) {
      watch.look(batch, logits);
      if (moved_ && !std::exchange(kept_weights, true)) moved_->take_end();
    });
  }
  if (folder) result.folder = folder->path();
  result.seconds = elapsed();
  result.forecast = said_;
  if (folder) {
    // A page that cannot be made leaves the run finished all the same.
    std::exception_ptr failed;
    try {
      write_answers(*folder, session, result, watch);
      if (moved_) write_pictures(*folder, session, learning.judging(), *moved_);
      folder->add_line(result_json(result));
      folder->finish();
      if (tensorboard_) report::write_events(folder->path());
    } catch (const std::exception&) {
      failed = std::current_exception();
    }
    keeper->finish();
    if (failed) std::rethrow_exception(failed);
  }
  // Not in the folder: what a run leaves behind does not depend on who shared it.
  JsonObject closing = result_fields(result);
  closing.add("waiting_share", result.waiting).add("ranks", joint_ ? joint_->ranks().ranks() : 1);
  closing.add("bytes_sent", joint_ ? joint_->bytes_sent() : std::uint64_t{0});
  console.close(closing);
  if (console.quiet() && !console.json()) {
    console.out(result_text(result));
  } else {
    console.note(result_text(result));
    console.note(took_text(result, elapsed()));
  }
  return 0;
}

RunWork Train::work(const TrainingTask& task, Trainer& trainer, Machine& machine) const {
  RunWork work = run_work(task, trainer, machine);
  work.saves = writes();
  work.saving = saving_of(*task.session.model, task.optimizer()->slots_of_a_parameter(),
                          !policy_.policy.empty(), !session_.model.weights.empty());
  return work;
}

/// Does what the command would do until its end can be told, and keeps nothing of it. Kernels that are
/// measured here need not be measured by the command.
void Train::say_cost(Console& console, const TrainingTask& task, Trainer& trainer, Machine& machine,
                     double resident) const {
  RunWork work = this->work(task, trainer, machine);
  if (work.saves) hashes_of(task.session.data);
  const double until = elapsed();
  forecast_frozen(*task.session.model, trainer.programs(), work.batch, task.session.recipe.input.sample,
                  trainer.features().planned(trainer.freeze_set()), machine);
  work = this->work(task, trainer, machine);
  if (work.saves) work.files = file_prices(".", machine);
  const double bytes = training_bytes(
      task, trainer.programs().training(work.batch, task.session.recipe.input.sample), machine);
  machine.save();
  const double priced = machine.path().empty() ? 0 : elapsed() - until;

  const double begin = elapsed();
  RunForecast forecast(work, begin);
  rehearse(trainer, forecast, [this] { return elapsed(); });
  RunSeconds left = forecast.left();
  left.steps += elapsed() - begin;
  if (work.saves) left.files += opening_seconds(work.saving, work.files);
  report_dry_run(console, {.epochs = task.epochs,
                           .reading = begin - priced,
                           .left = left,
                           .step = forecast.step_seconds(),
                           .kept_step = work.kept_step,
                           .bytes = bytes,
                           .resident = resident});
}

}  // namespace

VerbPtr make_train() {
  return std::make_unique<Train>(false);
}

VerbPtr make_finetune() {
  return std::make_unique<Train>(true);
}

}  // namespace firn::cli
