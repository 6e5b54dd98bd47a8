#include "tools/app/verbs/report.h"

#include <vector>

#include "engine/base/error.h"
#include "tools/app/report/write.h"

namespace firn::cli {

namespace {

class Report : public Verb {
 public:
  void declare(Arguments& arguments) override {
    arguments.example("runs/cnn-digits-1", "writes runs/cnn-digits-1/report.html again");
    arguments.example("runs/cnn-digits-1 runs/cnn-digits-2 -o both.html", "compares two runs on one page");
    arguments.example("runs/cnn-digits-1 --tensorboard", "also writes the curves for TensorBoard");
    arguments.example("runs/study", "a study: its page, and its drawings in runs/study/charts");
    arguments.positional("RUN", runs_, "folders that train, finetune or study have written");
    arguments.option(
        "-o,--output", output_, "FILE",
        "the page (report.html in the folder of the one run; comparison.html for several; -: to stdout)");
    arguments.flag("--tensorboard", tensorboard_,
                   "also write events.out.tfevents.firn into the folder of each training run");
  }
  int run(Console& console) override;

 private:
  std::vector<std::string> runs_;
  std::string output_;
  bool tensorboard_ = false;
};

int Report::run(Console& console) {
  if (runs_.empty()) throw Error(Fault::usage, "report", "which run? Give the folder: firn report runs/NAME");
  for (std::string& folder : runs_) {
    while (folder.size() > 1 && folder.ends_with('/')) folder.pop_back();
  }
  console.make_way_for(output_, {});
  std::vector<std::string> written =
      runs_.size() == 1 ? report::write_report(runs_[0], output_)
                        : report::write_comparison(runs_, output_.empty() ? "comparison.html" : output_);
  if (tensorboard_) {
    for (const std::string& folder : runs_) written.push_back(report::write_events(folder));
  }
  for (const std::string& path : written) {
    if (console.json()) {
      console.out(json_line("file").add("path", path));
    } else if (!console.quiet()) {
      console.out(path);
    }
  }
  console.close(JsonObject().add("files", written));
  return 0;
}

}  // namespace

VerbPtr make_report() {
  return std::make_unique<Report>();
}

}  // namespace firn::cli
