#include "tools/app/report/write.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "tools/app/report/comparison_page.h"
#include "tools/app/report/study_page.h"
#include "tools/app/report/training_page.h"

namespace firn::cli::report {

namespace {

[[noreturn]] void refuse(const std::string& folder) {
  throw Error(Fault::usage, "report",
              folder + " is no folder of a run: it holds neither metrics.jsonl nor results.sqlite");
}

}  // namespace

std::vector<std::string> write_report(const std::string& folder, const std::string& output) {
  const std::string path = output.empty() ? folder + "/report.html" : output;
  if (is_training_run(folder)) {
    atomic_write(path, training_page(read_training(folder)));
    return {path};
  }
  if (!is_study(folder)) refuse(folder);
  const StudyPage page = study_page(read_study(folder));
  const std::string charts = folder + "/charts";
  std::error_code code;
  std::filesystem::create_directories(charts, code);
  if (code) throw Error(Fault::failure, "report", charts + ": " + code.message());
  atomic_write(path, page.html);
  std::vector<std::string> paths{path};
  for (const StudyPage::Chart& chart : page.charts) {
    paths.push_back(charts + "/" + chart.name);
    atomic_write(paths.back(), chart.svg);
  }
  return paths;
}

std::vector<std::string> write_comparison(const std::vector<std::string>& folders,
                                          const std::string& output) {
  const auto trainings = std::count_if(folders.begin(), folders.end(), is_training_run);
  const auto studies = std::count_if(folders.begin(), folders.end(), is_study);
  for (const std::string& folder : folders) {
    if (!is_training_run(folder) && !is_study(folder)) refuse(folder);
  }
  if (trainings > 0 && studies > 0) {
    throw Error(Fault::usage, "report", "training runs and studies do not go on one page");
  }
  if (studies > 0) {
    std::vector<StudyRecord> records;
    for (const std::string& folder : folders) records.push_back(read_study(folder));
    atomic_write(output, studies_page(records));
  } else {
    std::vector<TrainingRecord> records;
    for (const std::string& folder : folders) records.push_back(read_training(folder));
    atomic_write(output, comparison_page(records));
  }
  return {output};
}

std::string write_events(const std::string& folder) {
  if (!is_training_run(folder))
    throw Error(Fault::usage, "report", folder + " is no training run: TensorBoard shows those");
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  const std::string path = folder + "/events.out.tfevents.firn";
  atomic_write(path, training_events(read_training(folder), now));
  return path;
}

}  // namespace firn::cli::report
