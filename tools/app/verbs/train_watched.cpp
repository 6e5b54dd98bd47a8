#include "tools/app/verbs/train_watched.h"

#include <fmt/core.h>

#include <optional>
#include <utility>

#include "tools/app/cli/duration.h"
#include "tools/app/cli/interrupt.h"
#include "tools/app/run/caching.h"
#include "tools/app/run/policy.h"
#include "tools/app/run/result.h"
#include "tools/app/run/run_line.h"
#include "tools/app/run/scores.h"

namespace firn::cli {

namespace {

constexpr Index kMostRows = 50;  // of the table of epochs, but for the first and the last

}  // namespace

History train_watched(const WatchedTraining& watch) {
  const auto say = [&] {
    if (watch.said > 0 || !watch.forecast.known()) return;
    const double left = watch.forecast.left().all();
    watch.said = watch.elapsed() + left;
    watch.console.note(
        fmt::format("about {} in all, {} to go", seconds_text(watch.said), seconds_text(left)));
  };
  std::optional<Progress> progress;
  bool titled = false;
  const Task& task = *watch.session.task;
  const std::vector<TaskMetric> metrics = task.metrics();
  RunState state;
  state.epochs = watch.trainer.epochs();
  state.blocks = watch.session.model->blocks().size();
  FreezeReport report(watch.console, *watch.session.model);
  TrainHooks hooks;
  hooks.on_freeze = [&](std::span<const FreezeChange> changes) {
    for (const JsonObject& line : report.changed(changes, watch.trainer.epoch())) {
      if (watch.folder) watch.folder->add_line(line);
    }
  };
  hooks.on_cache = [&](const CacheEvent& event) {
    const std::optional<JsonObject> line = report_cache(watch.console, event);
    if (watch.folder && line) watch.folder->add_line(*line);
  };
  hooks.before_epoch = [&](Index epoch) {
    for (const Thaw& due : watch.thaws) {
      if (due.epoch != epoch) continue;
      thaw(*watch.session.model, due.pattern);
      watch.console.note(fmt::format("epoch {}: {} trains from here on\n{}", epoch, due.pattern,
                                     freeze_table(*watch.session.model, watch.freeze, watch.exact)));
    }
  };
  hooks.after_step = [&](Index step, Index steps, double loss) {
    if (!progress)
      progress.emplace(watch.console, "training", steps * watch.trainer.epochs(), watch.trainer.steps() - 1);
    if (progress->due() && watch.console.bar()) {
      state.epoch = watch.trainer.epoch();
      state.share =
          static_cast<double>(watch.trainer.steps()) / static_cast<double>(steps * watch.trainer.epochs());
      state.loss = loss;
      if (watch.forecast.known()) state.seconds_left = watch.forecast.left().all();
      state.frozen = frozen_blocks(*watch.session.model, watch.trainer.freeze_set());
      progress->draw(run_line(state, metrics.front()));
    } else if (progress->due()) {
      progress->at(watch.trainer.steps(),
                   fmt::format("epoch {}/{}, step {}/{}  loss {:.4f}", watch.trainer.epoch(),
                               watch.trainer.epochs(), step, steps, loss));
    }
    // At most so often in an epoch; the last time is its end.
    constexpr Index kLooksInside = 5;
    if (watch.folder && watch.pictures &&
        (step == steps || step * kLooksInside / steps != (step - 1) * kLooksInside / steps))
      watch.folder->add_line(watch.pictures->movement(watch.trainer.epoch(), watch.trainer.steps()));
    if (watch.keeper) watch.keeper->after_step();
    watch.forecast.after_step(watch.trainer.epoch(), step, watch.elapsed());
    say();
  };
  // Of many epochs a table of some rows; metrics.jsonl and --json have all of them.
  const Index every = (watch.trainer.epochs() + kMostRows - 1) / kMostRows;
  hooks.after_epoch = [&](const EpochRecord& r) {
    if (watch.folder) watch.folder->add_epoch(r, task);
    if (watch.keeper) watch.keeper->after_epoch();
    watch.forecast.after_epoch(r.epoch, r.eval_seconds, watch.elapsed());
    if (r.epoch < watch.trainer.epochs()) say();
    if (r.validated) {
      state.validated(r.epoch, r.validation_score, task.merit(r.validation_loss, r.validation_metrics));
    }
    if (watch.console.json()) {
      watch.console.out(epoch_json(r, task));
      return;
    }
    if (watch.console.quiet()) return;
    if (r.epoch > 1 && r.epoch % every != 0 && r.epoch != watch.trainer.epochs()) return;
    if (!std::exchange(titled, true)) watch.console.out(watch.console.bold(epoch_titles(task)));
    watch.console.out(epoch_row({r.epoch, r.loss, r.validation_metrics, r.validation_loss, r.rate, r.seconds,
                                 r.eval_seconds, r.rss_mb, r.validated},
                                task));
  };
  const InterruptScope interrupts(InterruptScope::What::noted);
  hooks.stop = [&] {
    const int own = InterruptScope::signal();
    const int signal = watch.ranks ? watch.ranks->greatest(own) : own;
    if (signal == 0) return false;
    progress.reset();
    if (watch.keeper) watch.keeper->interrupt();
    watch.console.note(fmt::format("interrupted after {} steps{}", watch.trainer.steps(),
                                   watch.folder
                                       ? fmt::format("; the weights are in {}, the same command goes on",
                                                     watch.folder->file("last.safetensors"))
                                       : ""));
    throw Interrupted{signal};
  };
  History history;
  try {
    history = watch.trainer.run(hooks);
  } catch (const Error&) {
    if (watch.keeper) watch.keeper->fail();
    throw;
  }
  if (watch.policy) report.summary(history);
  return history;
}

}  // namespace firn::cli
