#include "tools/verb_report.h"

#include <fmt/core.h>

#include <chrono>
#include <vector>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "tools/report/training_page.h"

namespace firn::cli {

namespace {

class Report : public Verb {
 public:
  void declare(Arguments& arguments) override {
    arguments.example("runs/cnn-digits-1", "writes runs/cnn-digits-1/report.html again");
    arguments.example("runs/cnn-digits-1 runs/cnn-digits-2 -o both.html", "compares two runs on one page");
    arguments.example("runs/cnn-digits-1 --tensorboard", "also writes the curves for TensorBoard");
    arguments.positional("RUN", runs_, "folders that train, finetune or study have written");
    arguments.option("-o,--output", output_, "FILE",
                     "the page (report.html in the folder of the one run; comparison.html for several)");
    arguments.flag("--tensorboard", tensorboard_,
                   "also write events.out.tfevents.firn into the folder of each training run");
  }
  int run(Console& console) override;

 private:
  void save(Console& console, const std::string& path, const std::string& bytes) const {
    atomic_write(path, bytes);
    if (console.json()) {
      console.out(json_line("file").add("path", path).add("bytes", bytes.size()));
    } else {
      console.out(path);
    }
  }

  std::vector<std::string> runs_;
  std::string output_;
  bool tensorboard_ = false;
};

int Report::run(Console& console) {
  if (runs_.empty()) throw Error(Fault::usage, "report", "which run? Give the folder: firn report runs/NAME");
  std::vector<report::TrainingRecord> records;
  for (std::string folder : runs_) {
    while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
    if (!report::is_training_run(folder)) {
      throw Error(Fault::usage, "report", folder + " is no folder of a run: it holds no metrics.jsonl");
    }
    records.push_back(report::read_training(folder));
  }
  const bool one = records.size() == 1;
  const std::string page = one ? report::training_page(records[0]) : report::comparison_page(records);
  const std::string usual = one ? records[0].path + "/report.html" : "comparison.html";
  save(console, output_.empty() ? usual : output_, page);
  if (!tensorboard_) return 0;
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  for (const report::TrainingRecord& record : records) {
    save(console, record.path + "/events.out.tfevents.firn", report::training_events(record, now));
  }
  return 0;
}

}  // namespace

VerbPtr make_report() {
  return std::make_unique<Report>();
}

}  // namespace firn::cli
