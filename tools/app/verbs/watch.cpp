#include "tools/app/verbs/watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <thread>

#include "engine/base/error.h"
#include "tools/app/cli/interrupt.h"
#include "tools/app/report/training_record.h"
#include "tools/app/run/held_folder.h"
#include "tools/app/run/run_line.h"
#include "tools/app/run/scores.h"

namespace firn::cli {

namespace {

namespace fs = std::filesystem;
using report::TrainingRecord;

constexpr auto kLook = std::chrono::milliseconds(500);  // a run writes an epoch at most once a second
constexpr std::size_t kTypical = 3;                     // latest epochs that the next one is taken to be like

bool has_file(const std::string& path) {
  std::error_code code;
  return fs::is_regular_file(path, code);
}

/// Seconds since a file was written.
double age(const std::string& path) {
  std::error_code code;
  const auto written = fs::last_write_time(path, code);
  if (code) return 0;
  return std::max(0.0, std::chrono::duration<double>(fs::file_time_type::clock::now() - written).count());
}

/// Epochs that the run is asked for; 0: not recorded.
Index asked_epochs(const TrainingRecord& run) {
  for (const auto& [name, value] : run.config) {
    if (name == "training.epochs") return static_cast<Index>(std::strtoll(value.c_str(), nullptr, 10));
  }
  return 0;
}

std::vector<std::string> frozen_now(const TrainingRecord& run) {
  std::vector<std::string> names;
  for (const TrainingRecord::Block& block : run.blocks) {
    bool frozen = block.frozen == "yes";
    for (const TrainingRecord::Change& change : run.changes)
      frozen = change.block == block.name ? change.frozen : frozen;
    if (frozen) names.push_back(block.name);
  }
  return names;
}

/// `since`: seconds since the latest epoch was written.
RunState state_of(const TrainingRecord& run, double since) {
  RunState state;
  const auto done = static_cast<Index>(run.epochs.size());
  state.epochs = std::max(asked_epochs(run), done);
  state.epoch = std::min(done + 1, state.epochs);
  state.blocks = run.blocks.size();
  state.frozen = frozen_now(run);
  if (run.epochs.empty()) return state;
  double seconds = 0;
  const std::size_t typical = std::min(kTypical, run.epochs.size());
  for (std::size_t i = run.epochs.size() - typical; i < run.epochs.size(); ++i)
    seconds += run.epochs[i].seconds + run.epochs[i].eval_seconds;
  seconds = std::max(1e-3, seconds / static_cast<double>(typical));
  const double within = done < state.epochs ? std::min(0.99, since / seconds) : 0;
  state.share = (static_cast<double>(done) + within) / static_cast<double>(std::max<Index>(1, state.epochs));
  state.seconds_left = (static_cast<double>(state.epochs - done) - within) * seconds;
  state.loss = run.epochs.back().loss;
  if (!run.validated) return state;
  state.score = run.epochs.back().validation_score;
  if (const TrainingRecord::Epoch* best = run.best()) {
    state.best = best->validation_score;
    state.best_epoch = best->epoch;
  }
  return state;
}

bool is_over(const TrainingRecord& run) {
  return !run.result.weights.empty();
}

class Watch : public Verb {
 public:
  void declare(Arguments& arguments) override {
    arguments.example("runs/cnn-digits-1", "how far it is, until it ends; Ctrl-C ends the watching alone");
    arguments.example("cnn-digits-1 --once", "how far it is now");
    arguments.positional("RUN", run_, "the folder of a training run, or its name in runs/");
    arguments.flag("--once", once_, "say how far it is and end");
  }
  int run(Console& console) override;

 private:
  std::string find_folder() const;
  void show_new(Console& console, const TrainingRecord& run);
  void close(Console& console, const TrainingRecord& run) const;
  void say_state(Console& console, const TrainingRecord& run, double since) const;

  std::string run_;
  bool once_ = false;
  std::size_t shown_ = 0;  // epochs
};

std::string Watch::find_folder() const {
  if (run_.empty()) throw Error(Fault::usage, "watch", "which run? Give its folder: firn watch runs/NAME");
  std::string folder = run_;
  while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  std::error_code code;
  if (!fs::is_directory(folder, code) && folder.find('/') == std::string::npos) {
    const std::string named = "runs/" + folder;
    if (fs::is_directory(named, code)) folder = named;
  }
  if (!fs::is_directory(folder, code))
    throw Error(Fault::usage, "watch",
                fmt::format("there is no folder {}; a run's is wanted: runs/NAME", folder));
  if (has_file(folder + "/results.sqlite")) {
    throw Error(
        Fault::usage, "watch",
        fmt::format(
            "{} is a study, which says itself how far it is; firn report {} makes its page as it stands",
            folder, folder));
  }
  const FolderInUse use = folder_in_use(folder);
  if (!has_file(use.files + "/config.json") && !(use.held && fs::is_empty(folder, code)))
    throw Error(
        Fault::usage, "watch",
        fmt::format("{} holds no training run; a folder that train or finetune writes is wanted", folder));
  return folder;
}

int Watch::run(Console& console) {
  const std::string folder = find_folder();
  const InterruptScope interrupts(InterruptScope::What::noted);
  for (;;) {
    if (const int signal = InterruptScope::signal(); signal != 0) {
      console.draw({});
      throw Interrupted{signal};
    }
    const FolderInUse use = folder_in_use(folder);
    const std::string metrics = use.files + "/metrics.jsonl";
    if (has_file(metrics)) {
      TrainingRecord run;
      bool read = false;
      try {
        run = report::read_training(use.files);
        read = true;
      } catch (const Error&) {
        if (!use.held) throw;  // else the folder may just be changing places with another
      }
      if (read) {
        show_new(console, run);
        if (is_over(run) && (!use.held || use.files == folder)) {
          close(console, run);
          return 0;
        }
        if (once_) {
          say_state(console, run, use.held ? age(metrics) : 0);
          return 0;
        }
        if (!use.held) {
          throw Error(
              Fault::failure, "watch",
              fmt::format("{} was broken off behind epoch {} of {}; the same command goes on with it{}",
                          folder, run.epochs.size(), asked_epochs(run),
                          run.command.empty() ? "" : ": " + run.command));
        }
        console.draw(run_line(state_of(run, age(metrics)), run.task->metrics().front()));
      }
    } else {
      if (!use.held)
        throw Error(
            Fault::failure, "watch",
            fmt::format("{} was broken off in its first epoch; the same command begins anew", folder));
      if (once_) {
        console.out(fmt::format("{} is in its first epoch", folder));
        return 0;
      }
      console.draw(folder + " is in its first epoch");
    }
    std::this_thread::sleep_for(kLook);
  }
}

/// The epochs that were not shown yet.
void Watch::show_new(Console& console, const TrainingRecord& run) {
  if (once_ && !console.json()) return;
  for (; shown_ < run.epochs.size(); ++shown_) {
    const TrainingRecord::Epoch& e = run.epochs[shown_];
    const std::vector<TaskMetric> metrics = run.task->metrics();
    if (console.json()) {
      JsonObject line = json_line("epoch");
      line.add("epoch", e.epoch).add("loss", e.loss);
      for (std::size_t i = 0; i < metrics.size(); ++i)
        line.add("validation_" + metrics[i].name, e.validation_metrics[i]);
      line.add("validation_loss", e.validation_loss).add("rate", e.rate).add("seconds", e.seconds);
      console.out(line.add("eval_seconds", e.eval_seconds).add("trained_share", e.trained_share));
      continue;
    }
    if (console.quiet()) continue;
    if (shown_ == 0) console.out(console.bold(epoch_titles(*run.task)));
    console.out(epoch_row({e.epoch, e.loss, e.validation_metrics, e.validation_loss, e.rate, e.seconds,
                           e.eval_seconds, e.rss_mb, !std::isnan(e.validation_score)},
                          *run.task));
  }
}

void Watch::say_state(Console& console, const TrainingRecord& run, double since) const {
  const RunState state = state_of(run, since);
  if (!console.json()) return console.out(run_line(state, run.task->metrics().front()));
  console.close(JsonObject()
                    .add("finished", false)
                    .add("epochs_done", run.epochs.size())
                    .add("epochs", state.epochs)
                    .add("seconds_left", state.seconds_left)
                    .add("best_epoch", state.best_epoch)
                    .add("frozen", state.frozen));
}

void Watch::close(Console& console, const TrainingRecord& run) const {
  const TrainingRecord::Result& result = run.result;
  if (console.json()) {
    console.close(JsonObject()
                      .add("finished", true)
                      .add("epochs_done", run.epochs.size())
                      .add("epochs", asked_epochs(run))
                      .add("best_epoch", result.epoch)
                      .add("test_" + run.headline().name, result.test_score)
                      .add("test_samples", result.samples));
    return;
  }
  console.draw({});
  std::string test;
  if (result.samples > 0) {
    test =
        fmt::format(": test {} {}, 95 % {} to {}, on {} samples", run.headline().text,
                    metric_text(run.headline(), result.test_score), metric_text(run.headline(), result.low),
                    metric_text(run.headline(), result.high), result.samples);
  }
  console.out(
      fmt::format("finished in epoch {}{}; the page is {}/report.html", run.epochs.size(), test, run.path));
}

}  // namespace

VerbPtr make_watch() {
  return std::make_unique<Watch>();
}

}  // namespace firn::cli
