// What a run remembers: Trainer::save and Trainer::resume.
#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "engine/base/error.h"
#include "layers/weights.h"
#include "optim/state.h"
#include "optim/trainer/trainer.h"

namespace firn {

namespace {

constexpr std::size_t kRecord = 13;  // numbers of an epoch
constexpr std::size_t kChange = 3;   // numbers of a change

std::vector<double> row_of(const EpochRecord& r) {
  return {static_cast<double>(r.epoch),
          r.loss,
          r.validation_score,
          r.validation_loss,
          r.rate,
          r.gradient_norm,
          r.seconds,
          r.eval_seconds,
          r.rss_mb,
          static_cast<double>(r.steps),
          r.evaluated ? 1.0 : 0.0,
          r.trained_share,
          r.validated ? 1.0 : 0.0};
}

/// A whole number that was written as a double.
Index index_of(double value, Index most, const StateReader& from, std::string_view key) {
  if (!(value >= 0 && value <= static_cast<double>(most))) {
    from.fail(key, fmt::format("holds {}, not in 0 to {}", value, most));
  }
  return static_cast<Index>(value);
}

EpochRecord record_of(const double* row, Index epochs, Index steps, const StateReader& from,
                      std::string_view key) {
  EpochRecord r;
  r.epoch = index_of(row[0], epochs, from, key);
  r.loss = row[1];
  r.validation_score = row[2];
  r.validation_loss = row[3];
  r.rate = row[4];
  r.gradient_norm = row[5];
  r.seconds = row[6];
  r.eval_seconds = row[7];
  r.rss_mb = row[8];
  r.steps = index_of(row[9], steps, from, key);
  r.evaluated = row[10] != 0;
  r.trained_share = row[11];
  r.validated = row[12] != 0;
  return r;
}

std::vector<ParameterPtr> pointers(const std::vector<NamedParameter>& named) {
  std::vector<ParameterPtr> all;
  for (const NamedParameter& p : named) all.push_back(p.parameter);
  return all;
}

/// What a file that names no task was written by.
std::string task_before(const Task& task) {
  return task.each_step() ? "next-token" : "classification";
}

/// Throws where the run that was saved had another `what`.
template <class T>
void require_same(const std::string& what, const T& saved, const T& now, const StateReader& from) {
  if (saved == now) return;
  throw Error(Fault::usage, "checkpoint",
              fmt::format("{} is of a run with {} {}, this one has {}", from.path(), what, saved, now));
}

}  // namespace

std::string Trainer::why_no_beginning(Index epochs, Index longer) const {
  const bool replaced = config_.policy && config_.policy->replaces_schedule();
  const Index steps = train_.batches();
  if (!replaced && !same_beginning(config_.schedule, steps * epochs, steps * longer))
    return "the rates of its schedule depend on the number of epochs (of constant and step they do not)";
  if (config_.policy && config_.policy->depends_on_epochs())
    return "what its policy decides depends on the number of epochs";
  if (epochs % config_.evaluate_every != 0) return "its last epoch was evaluated out of turn";
  return {};
}

void Trainer::save_history(const StateWriter& to) const {
  const History& history = run_->history;
  std::vector<double> epochs, changes;
  for (const EpochRecord& r : history.epochs) {
    const std::vector<double> row = row_of(r);
    epochs.insert(epochs.end(), row.begin(), row.end());
  }
  for (const FreezeChange& c : history.changes) {
    changes.insert(changes.end(),
                   {static_cast<double>(c.step), static_cast<double>(c.block), c.frozen ? 1.0 : 0.0});
  }
  to.numbers("epochs", epochs);
  to.numbers("changes", changes);
  // A first metric stands among the numbers of each epoch.
  const std::size_t metrics = task().metrics().size();
  if (metrics > 1) {
    std::vector<double> others;
    for (const EpochRecord& r : history.epochs) {
      for (std::size_t i = 1; i < metrics; ++i)
        others.push_back(i < r.validation_metrics.size() ? r.validation_metrics[i] : 0);
    }
    to.numbers("metrics", others);
    to.numbers("evaluation.metrics", history.last_evaluation.metrics);
  }
  to.whole("best_epoch", history.best_epoch);
  to.number("best_accuracy", history.best_score);
  to.flag("stopped_early", history.stopped_early);
  const Evaluation& last = history.last_evaluation;
  to.whole("evaluation.samples", last.samples);
  to.whole("evaluation.right", last.right);
  to.whole("evaluation.classes", last.classes);
  to.number("evaluation.loss", last.loss);
  to.numbers("evaluation.confusion", std::vector<double>(last.confusion.begin(), last.confusion.end()));
}

void Trainer::load_history(const StateReader& from) {
  constexpr Index kMost = Index{1} << 52;  // what a double holds exactly
  History history;
  const Index steps = train_.batches();
  const std::vector<double> epochs =
      from.numbers("epochs", kRecord * static_cast<std::size_t>(run_->record.epoch - 1));
  for (std::size_t at = 0; at < epochs.size(); at += kRecord) {
    history.epochs.push_back(record_of(epochs.data() + at, config_.epochs, steps, from, "epochs"));
  }
  const std::size_t others = task().metrics().size() - 1;
  const std::vector<double> metrics =
      others == 0 ? std::vector<double>() : from.numbers("metrics", others * history.epochs.size());
  for (std::size_t i = 0; i < history.epochs.size(); ++i) {
    EpochRecord& r = history.epochs[i];
    if (!r.validated) continue;
    const auto own = metrics.begin() + static_cast<std::ptrdiff_t>(i * others);
    r.validation_metrics = {r.validation_score};
    r.validation_metrics.insert(r.validation_metrics.end(), own, own + static_cast<std::ptrdiff_t>(others));
  }
  const std::vector<double> changes = from.numbers("changes");
  if (changes.size() % kChange != 0) from.fail("changes", fmt::format("has {} numbers", changes.size()));
  const auto last_block = static_cast<Index>(model_.blocks().size()) - 1;
  for (std::size_t at = 0; at < changes.size(); at += kChange) {
    const double* row = changes.data() + at;
    history.changes.push_back({index_of(row[0], steps * config_.epochs, from, "changes"),
                               static_cast<int>(index_of(row[1], last_block, from, "changes")), row[2] != 0});
  }
  history.best_epoch = from.whole("best_epoch", 0, run_->record.epoch - 1);
  history.best_score = from.number("best_accuracy");
  history.stopped_early = from.flag("stopped_early");
  Evaluation& last = history.last_evaluation;
  last.samples = from.whole("evaluation.samples", 0, kMost);
  last.right = from.whole("evaluation.right", 0, last.samples);
  last.classes = from.whole("evaluation.classes", 0, model_.width());
  last.loss = from.number("evaluation.loss");
  last.metrics = others > 0 ? from.numbers("evaluation.metrics") : std::vector<double>{last.accuracy()};
  for (const double count : from.numbers("evaluation.confusion")) {
    last.confusion.push_back(index_of(count, last.samples, from, "evaluation.confusion"));
  }
  if (!last.confusion.empty() && static_cast<Index>(last.confusion.size()) != last.classes * last.classes) {
    from.fail("evaluation.confusion", fmt::format("has {} numbers", last.confusion.size()));
  }
  run_->history = std::move(history);
}

void Trainer::save_weights(const StateWriter& to, const std::set<std::string>& in_base) const {
  for (std::size_t i = 0; i < parameters_.all().size(); ++i) {
    const auto& [name, parameter] = parameters_.all()[i];
    if (parameters_.changed(i) || !in_base.contains(name)) to.tensor(name, parameter->to_file());
  }
}

void Trainer::save(const StateWriter& to, const std::set<std::string>& in_base) const {
  if (!run_) throw Error(Fault::usage, "checkpoint", "there is no run to save");
  save_weights(to.part("weights"), in_base);
  optimizer_.save(pointers(parameters_.all()), to.part("optimizer"));
  extensions_.save(to);
  save_history(to.part("history"));

  const StateWriter run = to.part("run");
  std::string flags;
  for (const NamedParameter& p : parameters_.all()) flags += p.parameter->trainable() ? '1' : '0';
  run.text("flags", flags);
  for (const NamedParameter& p : parameters_.all()) {
    if (!p.parameter->partly_frozen().empty())
      run.part("frozen").ranges(p.name, p.parameter->partly_frozen());
  }
  if (task().name() != task_before(task())) run.text("task", task().name());
  run.text("optimizer", optimizer_.text());
  run.text("policy", config_.policy ? config_.policy->text() : "none");
  run.whole("epochs", config_.epochs);
  run.whole("batches", train_.batches());
  run.whole("seed", static_cast<Index>(config_.program.seed));
  run.whole("order_seed", static_cast<Index>(train_.options().seed));
  run.whole("epoch", run_->record.epoch);
  run.whole("step", step_);
  run.whole("samples", run_->samples);
  run.number("loss_sum", run_->loss_sum);
  EpochRecord record = run_->record;
  record.seconds = seconds_trained();
  run.numbers("record", row_of(record));
}

void Trainer::resume(const StateReader& from, const std::set<std::string>& in_base) {
  constexpr Index kMost = std::numeric_limits<Index>::max() / 2;
  constexpr Index kLeast = std::numeric_limits<Index>::min();
  const StateReader saved = from.part("run");
  begin();
  // A run that cannot go on is none.
  struct Guard {
    Trainer* trainer;
    ~Guard() {
      if (trainer != nullptr) trainer->end();
    }
  } guard{this};
  const Index epochs = saved.whole("epochs", 1, kMost);
  const std::string tied = epochs < config_.epochs ? why_no_beginning(epochs, config_.epochs) : "";
  if (epochs > config_.epochs || !tied.empty()) {
    throw Error(Fault::usage, "checkpoint",
                fmt::format("{} is of a run with epochs: {}, this one has {}{}{}", from.path(), epochs,
                            config_.epochs, tied.empty() ? "" : ", and ", tied));
  }
  require_same("the task", saved.has("task") ? saved.text("task") : task_before(task()),
               std::string(task().name()), from);
  require_same("batches an epoch:", saved.whole("batches", 1, kMost), train_.batches(), from);
  require_same("the optimizer", saved.text("optimizer"), optimizer_.text(), from);
  require_same("the policy", saved.text("policy"),
               config_.policy ? config_.policy->text() : std::string("none"), from);
  require_same("the seed", saved.whole("seed", kLeast, std::numeric_limits<Index>::max()),
               static_cast<Index>(config_.program.seed), from);
  require_same("the loader's seed", saved.whole("order_seed", kLeast, std::numeric_limits<Index>::max()),
               static_cast<Index>(train_.options().seed), from);

  const StateReader weights = from.part("weights");
  for (const auto& [name, parameter] : parameters_.all()) {
    // Weights that are renewed at the start are among those that were written.
    if (weights.has(name)) {
      const Tensor saved_value = weights.tensor(name, parameter->file_shape());
      require_finite(name, saved_value, from.path());
      parameter->from_file(saved_value);
    } else if (!in_base.contains(name)) {
      weights.fail(name, "is missing, and the base has none");
    }
  }
  run_->record.epoch = saved.whole("epoch", 1, config_.epochs + 1);
  const std::vector<double> row = saved.numbers("record", kRecord);
  const Index epoch = run_->record.epoch;
  run_->record = record_of(row.data(), config_.epochs + 1, train_.batches(), saved, "record");
  if (run_->record.epoch != epoch) saved.fail("record", "is of another epoch");
  step_ = saved.whole("step", 0, kMost);
  run_->samples = saved.whole("samples", 0, kMost);
  run_->loss_sum = saved.number("loss_sum");
  load_history(from.part("history"));
  optimizer_.load(pointers(parameters_.all()), from.part("optimizer"));
  extensions_.load(from, run_->history);
  const std::string flags = saved.text("flags");
  if (flags.size() != parameters_.all().size() || flags.find_first_not_of("01") != std::string::npos) {
    saved.fail("flags", "are not this model's");
  }
  const StateReader frozen = saved.part("frozen");
  std::vector<std::vector<UnitRange>> parts;
  for (const auto& [name, parameter] : parameters_.all()) {
    parts.push_back(frozen.has(name) ? frozen.ranges(name, parameter->units()) : std::vector<UnitRange>{});
    if (parts.back().empty()) continue;
    if (parameter->unit_axis() < 0 || parameter->role() == Role::statistic ||
        places_in(parts.back()) == parameter->units()) {
      frozen.fail(name, "cannot be a part of it");
    }
  }
  for (std::size_t i = 0; i < flags.size(); ++i) {
    Parameter& parameter = *parameters_.all()[i].parameter;
    // Runs of before policies had sets of their own wrote what the policy had frozen.
    if (freezer_->owns(parameter)) continue;
    parameter.set_frozen_units(parts[i]);
    parameter.set_trainable(flags[i] == '1');
  }
  guard.trainer = nullptr;
}

}  // namespace firn
