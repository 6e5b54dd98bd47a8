#include "tools/app/report/training_record.h"

#include <fmt/core.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/base/json_read.h"
#include "engine/base/printable.h"
#include "layers/tasks/classification.h"
#include "layers/tasks/registry.h"

namespace firn::cli::report {

namespace {

using nlohmann::json;

// What a run folder may hold, whoever has written it.
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 28;  // of metrics.jsonl
constexpr int kMostLines = 1'000'000;
constexpr Index kMostCount = Index{1} << 53;
constexpr std::size_t kMostCounts = std::size_t{1} << 22;  // of confusions
constexpr Index kMostThumbnail = 256;                      // of a thumbnail
constexpr Index kMostEpoch = 1'000'000'000;
constexpr double kMostNumber = 1e60;    // a sum of squares of what a float holds is less
constexpr double kMostShare = 1.00001;  // a mean of shares, rounded

JsonRule rule() {
  return {.operation = "report", .bytes = std::size_t{16} << 20};
}

JsonFields fields(const json& object, const std::string& where) {
  return {object, where, rule()};
}

void flatten(const json& value, const std::string& name,
             std::vector<std::pair<std::string, std::string>>& out) {
  if (!value.is_object()) {
    out.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
    return;
  }
  for (const auto& [key, inner] : value.items()) {
    if (key == "schema" || key == "kind" || key == "blocks" || key == "command") continue;
    flatten(inner, name.empty() ? key : name + "." + key, out);
  }
}

/// NaN where it is not there.
double metric_in(const JsonFields& line, const std::string& prefix, const TaskMetric& metric) {
  return line.number((prefix + metric.name).c_str(), metric.share ? 0 : -kMostNumber,
                     metric.share ? 1 : kMostNumber);
}

TaskPtr task_named(const std::string& name, const std::string& where) {
  if (name.empty() || name == "next-token") return std::make_shared<Classification>(1);
  if (TaskPtr task = find_task(name, 1)) return task;
  throw Error(Fault::data, "report", fmt::format("{}: the task '{}' is not known", where, printable(name)));
}

void read_line(const JsonFields& line, TrainingRecord& run) {
  const std::string kind = line.text("kind");
  if (kind == "epoch") {
    TrainingRecord::Epoch e;
    e.epoch = line.whole("epoch", 0, kMostEpoch);
    e.loss = line.number("loss", -kMostNumber, kMostNumber);
    const bool old = line.has("test_accuracy");
    run.chose_on_test = run.chose_on_test || old;
    const std::vector<TaskMetric> metrics = run.task->metrics();
    run.validated = run.validated || old || line.has(("validation_" + metrics.front().name).c_str());
    e.validation_loss = line.number(old ? "test_loss" : "validation_loss", -kMostNumber, kMostNumber);
    for (const TaskMetric& metric : metrics)
      e.validation_metrics.push_back(metric_in(line, old ? "test_" : "validation_", metric));
    e.validation_score = e.validation_metrics.front();
    e.rate = line.number("rate", 0, kMostNumber);
    e.gradient_norm = line.number("gradient_norm", 0, kMostNumber);
    e.seconds = line.number("seconds", 0, kMostNumber);
    e.eval_seconds = line.number("eval_seconds", 0, kMostNumber);
    e.rss_mb = line.number("rss_mb", 0, kMostNumber);
    e.trained_share = line.number("trained_share", 0, kMostShare);
    e.steps = line.whole("steps", 0, kMostCount);
    run.epochs.push_back(e);
  } else if (kind == "result") {
    run.result.weights = line.text("weights");
    run.result.epoch = line.whole("best_epoch", 0, kMostEpoch);
    run.result.samples = line.whole("test_samples", 0, kMostCount);
    const std::vector<TaskMetric> metrics = run.task->metrics();
    const double low = metrics.front().share ? 0 : -kMostNumber,
                 high = metrics.front().share ? 1 : kMostNumber;
    for (const TaskMetric& metric : metrics) {
      run.result.test_metrics.push_back(metric_in(line, "test_", metric));
      const bool first = run.result.test_metrics.size() == 1;
      const std::vector<double> of =
          line.numbers(first ? "test_interval" : ("test_" + metric.name + "_interval").c_str(),
                       first ? low : -kMostNumber, first ? high : kMostNumber);
      run.result.lows.push_back(of.size() == 2 ? of[0] : std::nan(""));
      run.result.highs.push_back(of.size() == 2 ? of[1] : std::nan(""));
    }
    run.result.test_score = run.result.test_metrics.front();
    run.result.test_loss = line.number("test_loss", -kMostNumber, kMostNumber);
    run.result.validation_samples = line.whole("validation_samples", 0, kMostCount);
    if (std::isfinite(run.result.lows.front())) {
      run.result.low = run.result.lows.front();
      run.result.high = run.result.highs.front();
    }
  } else if (kind == "freeze_change") {
    run.changes.push_back({line.whole("step", 0, kMostCount), line.whole("epoch", 0, kMostEpoch),
                           line.text("name"), line.flag("frozen")});
  } else if (kind == "movement") {
    run.movement.push_back({line.whole("epoch", 0, kMostEpoch), line.whole("step", 0, kMostCount),
                            line.numbers("blocks", 0, kMostNumber)});
  } else if (kind == "audit") {
    for (std::string& sentence : line.texts("sentences")) run.audit.push_back(std::move(sentence));
  }
}

/// Line by line, so that no more than a line is held as JSON.
void read_metrics(const std::string& path, TrainingRecord& run) {
  const auto bytes = read_file(path, Fault::data, kMostBytes);
  ByteReader reader(bytes, Fault::data, "report", path);
  for (int number = 1; !reader.at_end(); ++number) {
    if (number > kMostLines) reader.fail(fmt::format("more than {} lines", kMostLines));
    const std::string_view line = reader.line();
    if (line.empty()) continue;
    const std::string where = fmt::format("{}, line {}", path, number);
    const json parsed = read_json(line, where, rule());
    read_line(fields(parsed, where), run);
  }
}

void read_confusion(const std::string& path, TrainingRecord& run) {
  JsonRule table = rule();
  table.values = kMostCounts;
  const json parsed = read_json_file(path, table);
  const JsonFields counts = fields(parsed, path);
  run.confusion = counts.wholes("counts", 0, kMostCount);
  run.classes = counts.texts("classes");
  if (!run.confusion.empty() && run.confusion.size() != run.classes.size() * run.classes.size()) {
    throw Error(Fault::data, "report",
                fmt::format("{}: {} counts for {} classes", path, run.confusion.size(), run.classes.size()));
  }
}

/// Samples of `key` of samples.json.
std::vector<Shown> shown_in(const JsonFields& file, const char* key, const std::vector<std::string>& classes,
                            const std::string& path) {
  const Index most = static_cast<Index>(classes.size()) - 1;
  std::vector<Shown> out;
  for (const JsonFields& one : file.objects(key)) {
    Shown s;
    s.truth = classes[static_cast<std::size_t>(one.whole("truth", 0, most))];
    s.predicted = classes[static_cast<std::size_t>(one.whole("predicted", 0, most))];
    s.confidence = one.number("confidence", 0, kMostShare);
    s.sample = one.whole("sample", 0, kMostCount);
    s.text = one.text("text");
    s.height = one.whole("height", 0, kMostThumbnail);
    s.width = one.whole("width", 0, kMostThumbnail);
    s.channels = one.whole("channels", 0, 4);
    s.pixels = bytes_of_hex(one.text("pixels"));
    if (static_cast<Index>(s.pixels.size()) != s.height * s.width * s.channels) {
      throw Error(Fault::data, "report",
                  fmt::format("{}: a sample of {} bytes for ({},{},{})", path, s.pixels.size(), s.height,
                              s.width, s.channels));
    }
    out.push_back(std::move(s));
  }
  return out;
}

/// Behind the confusions, which have the classes.
void read_samples(const std::string& path, TrainingRecord& run) {
  const json parsed = read_json_file(path, rule());
  const JsonFields file = fields(parsed, path);
  if (run.classes.empty()) return;
  run.wrong = shown_in(file, "wrong", run.classes, path);
  run.unsure = shown_in(file, "unsure", run.classes, path);
  const JsonFields counts = file.object("counts");
  run.trained_on = counts.wholes("train", 0, kMostCount);
  run.validated_on = counts.wholes("validation", 0, kMostCount);
  for (const auto* list : {&run.trained_on, &run.validated_on}) {
    if (list->empty() || list->size() == run.classes.size()) continue;
    throw Error(Fault::data, "report",
                fmt::format("{}: {} counts for {} classes", path, list->size(), run.classes.size()));
  }
}

void read_answers(const std::string& path, TrainingRecord& run) {
  JsonRule table = rule();
  table.values = kMostCounts;
  const json parsed = read_json_file(path, table);
  const JsonFields answers = fields(parsed, path);
  run.truths = answers.numbers("truths", -kMostNumber, kMostNumber);
  run.answers = answers.numbers("answers", -kMostNumber, kMostNumber);
  run.classes = answers.texts("targets");
  if (run.truths.size() != run.answers.size() ||
      (run.classes.empty() ? !run.truths.empty() : run.truths.size() % run.classes.size() != 0)) {
    throw Error(Fault::data, "report",
                fmt::format("{}: {} truths and {} answers for {} targets", path, run.truths.size(),
                            run.answers.size(), run.classes.size()));
  }
}

}  // namespace

const TrainingRecord::Epoch* TrainingRecord::best() const {
  const Epoch* found = nullptr;
  for (const Epoch& e : epochs) {
    const auto merit = [&](const Epoch& of) {
      return task->merit(of.validation_loss, of.validation_metrics);
    };
    if (found == nullptr || std::isnan(merit(*found)) || merit(e) >= merit(*found)) found = &e;
  }
  return found;
}

bool is_training_run(const std::string& folder) {
  std::error_code code;
  return std::filesystem::is_regular_file(folder + "/metrics.jsonl", code);
}

TrainingRecord read_training(const std::string& folder) {
  TrainingRecord run;
  run.path = folder;
  const json config_file = read_json_file(folder + "/config.json", rule());
  const json environment = read_json_file(folder + "/env.json", rule());
  const JsonFields config = fields(config_file, folder + "/config.json");
  fields(environment, folder + "/env.json");
  run.model = config.text("model");
  run.data = config.text("data");
  run.command = config.text("command");
  run.task = task_named(config.text("task"), folder + "/config.json");
  flatten(config_file, "", run.config);
  flatten(environment, "", run.environment);
  for (const JsonFields& block : config.object("freezing").objects("blocks")) {
    run.blocks.push_back({block.text("name"), block.whole("parameters", 0, kMostCount),
                          block.whole("train", 0, kMostCount), block.text("frozen")});
  }
  const std::string confusion = folder + "/confusion.json";
  std::error_code code;
  if (std::filesystem::exists(confusion, code)) read_confusion(confusion, run);
  const std::string samples = folder + "/samples.json";
  if (std::filesystem::exists(samples, code)) read_samples(samples, run);
  const std::string answers = folder + "/answers.json";
  if (std::filesystem::exists(answers, code)) read_answers(answers, run);
  read_metrics(folder + "/metrics.jsonl", run);
  for (const TrainingRecord::Movement& m : run.movement) {
    if (m.blocks.size() == run.movement.front().blocks.size()) continue;
    throw Error(Fault::data, "report", folder + "/metrics.jsonl: movements of different numbers of blocks");
  }
  const std::string pictures = folder + "/pictures.json";
  if (std::filesystem::exists(pictures, code))
    run.effect = read_effect(pictures, run.blocks.size(), run.classes.size());
  return run;
}

}  // namespace firn::cli::report
