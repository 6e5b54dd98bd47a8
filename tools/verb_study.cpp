#include "tools/verb_study.h"

#include <fmt/core.h>

#include "data/source.h"
#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/base/split.h"
#include "tools/options.h"
#include "tools/run_folder.h"
#include "tools/study.h"

namespace firn::cli {

namespace {

class StudyVerb final : public Verb {
 public:
  void declare(Arguments& arguments) override {
    arguments.example("", "the embedded digits, a small CNN and a row LSTM, in under two minutes");
    arguments.example("--data fashion-mnist --model cnn --labels 10,100", "other data, other label counts");
    arguments.option("--data", options_.data, "D", "a name or kind:path, as firn data lists them");
    arguments.option("--model", models_, "M,...", "models by name; chosen by the data unless given");
    arguments.option("--labels", labels_, "N,...", "labelled samples a class; 'all' for all of them");
    arguments.option("--seeds", options_.seeds, "S", "repetitions, each with a seed of its own");
    arguments.option("--steps", options_.steps, "N", "training steps of every arm");
    arguments.option("--source-epochs", options_.source_epochs, "E",
                     "epochs on the first half of the classes");
    arguments.option("--batch", options_.batch, "B", "samples of a step");
    arguments.option("--rate", options_.rate, "R", "Adam's rate, the same for every arm");
    arguments.option("--seed", options_.first_seed, "S", "the first seed");
    declare_exact(arguments, options_.exact);
    arguments.option("--threads", threads_, "T", "threads; one a core unless given");
    arguments.option("--run", run_, "NAME", "the run folder runs/NAME; else runs/study, study-2, ...");
    arguments.flag("--overwrite", overwrite_, "take over the run folder where there is one");
  }

  int run(Console& console) override {
    check();
    if (threads_ > 0) set_thread_count(static_cast<int>(threads_));
    const DataParts data = open_data(options_.data);
    console.notes(data.train->info().notes);
    if (options_.exact) console.note("in force: " + exact_text(true));
    // The folder is made before the work, so that a name that is taken costs nothing.
    const RunFolder folder(run_.empty() ? "study" : run_, run_.empty(), overwrite_);
    std::unique_ptr<Progress> progress;
    const std::vector<StudyRow> rows = run_study(options_, [&](const StudyProgress& at) {
      if (!progress) progress = std::make_unique<Progress>(console, "study", at.cells);
      progress->at(at.done, at.what);
    });
    progress.reset();

    folder.write("config.json", config().text() + "\n");
    folder.write("env.json", environment_json(options_.first_seed, data).text() + "\n");
    folder.write("results.csv", study_csv(rows));
    if (console.json()) {
      for (const StudyRow& row : rows) console.out(json(row));
    } else {
      console.out(study_table(rows));
    }
    console.note(fmt::format("written: {}", folder.file("results.csv")));
    return 0;
  }

 private:
  void check() {
    const auto positive = [](const char* name, Index value) {
      if (value < 1) throw Error(Fault::usage, "study", fmt::format("--{} {} is not positive", name, value));
    };
    positive("seeds", options_.seeds);
    positive("steps", options_.steps);
    positive("source-epochs", options_.source_epochs);
    positive("batch", options_.batch);
    if (!models_.empty()) options_.models = split(models_, ',');
    for (const std::string& model : options_.models) find_model(model);
    options_.labels.clear();
    for (const std::string& word : split(labels_, ',')) {
      options_.labels.push_back(word == "all" ? 0 : whole_number(word, "--labels"));
      if (word != "all") positive("labels", options_.labels.back());
    }
  }

  JsonObject config() const {
    std::vector<std::int64_t> labels(options_.labels.begin(), options_.labels.end());
    return json_line("study_config")
        .add("data", options_.data)
        .add("models", options_.models)
        .add("labels", labels)
        .add("seeds", options_.seeds)
        .add("first_seed", static_cast<std::int64_t>(options_.first_seed))
        .add("source_epochs", options_.source_epochs)
        .add("steps", options_.steps)
        .add("batch", options_.batch)
        .add("rate", options_.rate)
        .add("exact", options_.exact);
  }

  static JsonObject json(const StudyRow& row) {
    return json_line("study_row")
        .add("model", row.model)
        .add("labels", row.labels)
        .add("frozen_blocks", row.frozen_blocks)
        .add("blocks", row.blocks)
        .add("accuracy_mean", row.mean)
        .add("accuracy_deviation", row.deviation)
        .add("accuracies", row.accuracies)
        .add("step_ms", row.step_ms)
        .add("step_predicted_ms", row.step_predicted_ms)
        .add("backward_ms", row.backward_ms)
        .add("backward_predicted_ms", row.backward_predicted_ms)
        .add("arena_bytes", row.arena_bytes)
        .add("state_bytes", row.state_bytes);
  }

  StudyOptions options_;
  std::string models_;
  std::string labels_ = "5,20,all";
  std::string run_;
  Index threads_ = 0;
  bool overwrite_ = false;
};

}  // namespace

VerbPtr make_study() {
  return std::make_unique<StudyVerb>();
}

}  // namespace firn::cli
