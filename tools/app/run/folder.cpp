#include "tools/app/run/folder.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numbers>
#include <system_error>

#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "engine/base/cpu.h"
#include "engine/base/error.h"
#include "engine/base/json_read.h"
#include "engine/base/parallel.h"
#include "engine/base/seconds.h"
#include "optim/trainer/checkpoint.h"
#include "optim/trainer/generations.h"
#include "tools/app/cli/path_name.h"
#include "tools/app/cli/version.h"
#include "tools/app/report/write.h"

namespace firn::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* kRoot = "runs";
constexpr const char* kCheckpoint = "checkpoint.safetensors";
constexpr const char* kLast = "last.safetensors";
constexpr const char* kFiles[] = {kCheckpoint,
                                  "checkpoint.previous.safetensors",
                                  "base.safetensors",
                                  "best.safetensors",
                                  kLast,
                                  "env.json",
                                  "metrics.jsonl",
                                  "results.csv",
                                  "confusion.json",
                                  "samples.json",
                                  "pictures.json",
                                  "report.html",
                                  "events.out.tfevents.firn",
                                  "config.json"};
constexpr const char* kStudyFiles[] = {"results.sqlite",
                                       "results.sqlite-wal",
                                       "results.sqlite-shm",
                                       "results.csv",
                                       "env.json",
                                       "report.html",
                                       "origins",
                                       "cells",
                                       "charts",
                                       "config.json"};

/// The first line of results.csv.
std::string columns_of(const Task& task) {
  std::string line = "epoch,loss,";
  for (const TaskMetric& metric : task.metrics()) line += fmt::format("validation_{},", metric.name);
  return line + "validation_loss,rate,gradient_norm,seconds,eval_seconds,rss_mb,trained_share\n";
}

std::string path_of(const std::string& name) {
  return fmt::format("{}/{}", kRoot, name);
}

[[noreturn]] void in_use(const std::string& folder) {
  throw Error(Fault::usage, "run", fmt::format("{} is in use by another process", folder));
}

/// A run without a checkpoint is finished when it has weights: they come last.
bool is_finished(const std::string& folder) {
  try {
    const auto found = Generations(folder + "/" + kCheckpoint).find();
    std::error_code code;
    return found ? found->checkpoint.finished : fs::exists(folder + "/" + kLast, code);
  } catch (const Error& error) {
    throw Error(error.fault(), "run", fmt::format("{}; --overwrite begins the run anew", error.what()));
  }
}

/// Whether a checkpoint in it holds more than weights.
bool keeps_run(const std::string& folder) {
  const auto found = Generations(folder + "/" + kCheckpoint).find();
  return found && found->checkpoint.has_run();
}

Index epochs_in(const nlohmann::json& config, const std::string& where) {
  constexpr Index kMost = Index{1} << 40;
  return JsonFields(config, where).object("training").whole("epochs", 1, kMost, 1);
}

/// What config.json says only since some version.
constexpr LaterField kLater[] = {{"freezing.precision", "\"fp32\""}};

/// How the config in a file differs from `wanted`.
std::vector<std::string> differences(const std::string& file, const std::string& wanted,
                                     const std::vector<std::string>& passed_over) {
  const auto bytes = read_file(file, Fault::failure);
  return json_differences(as_text(bytes), wanted, passed_over, kLater);
}

}  // namespace

RunFolder::RunFolder(const std::string& name, bool numbered, bool overwrite, const std::string& config,
                     const WhyNotOn& why_not_on) {
  require_path_name(name, Fault::usage, "run");
  for (int number = 1; !folder_; ++number) {
    const std::string one = number == 1 ? name : fmt::format("{}-{}", name, number);
    auto folder = std::make_unique<HeldFolder>(path_of(one), kFiles);
    if (take(*folder, config, numbered, overwrite, why_not_on)) folder_ = std::move(folder);
  }
  if (!unfinished_ && folder_->has_own()) folder_->stage();
}

/// False: the next number.
bool RunFolder::take(const HeldFolder& folder, const std::string& config, bool numbered, bool overwrite,
                     const WhyNotOn& why_not_on) {
  if (!folder.held()) {
    if (numbered && !overwrite) return false;
    in_use(folder.path());
  }
  if (folder.is_new()) return true;
  const std::string there = folder.file("config.json");
  std::error_code code;
  const bool has_config = !config.empty() && fs::exists(there, code);
  if (overwrite) {
    try {
      unfinished_ = has_config && differences(there, config, {}).empty() && !is_finished(folder.path());
    } catch (const Error&) {  // what cannot be gone on with is replaced
    }
    return true;
  }
  std::string why = "is there already";
  if (has_config) {
    const std::vector<std::string> differ = differences(there, config, {"command"});
    if (differ.empty()) {
      unfinished_ = !is_finished(folder.path());
      if (unfinished_) return true;
      passed_by_.push_back(folder.path() + " is finished");
      why = "holds a finished run of this command";
    } else if (differ.size() == 1 && differ.front().starts_with("training.epochs ") && why_not_on) {
      const Index before = epochs_in(read_json_file(there), there);
      const Index wanted = epochs_in(read_json(config, "config"), "config");
      std::string reason = before > wanted ? "there are more of them" : why_not_on(before);
      if (reason.empty() && !keeps_run(folder.path())) reason = "it keeps nothing that more could go on from";
      unfinished_ = longer_ = reason.empty();
      if (longer_) return true;
      passed_by_.push_back(fmt::format("{} is of {} epochs and does not go on to {}: {}", folder.path(),
                                       before, wanted, reason));
      why = fmt::format(
          "is there already, of {} epochs, and does not go on to {}: {}; --weights {}/{} --run NAME trains "
          "on from "
          "its end",
          before, wanted, reason, folder.path(), kLast);
    } else {
      why = fmt::format("is there already, of another command: {}{}", differ.front(),
                        differ.size() > 1 ? fmt::format(" and {} more", differ.size() - 1) : "");
    }
  } else if (std::all_of(
                 fs::directory_iterator(folder.path()), fs::directory_iterator(),
                 [](const auto& entry) { return entry.path().filename().string().starts_with('.'); })) {
    return true;  // a run that ended before it wrote anything
  }
  if (numbered) return false;
  throw Error(Fault::usage, "run", fmt::format("{} {} (--overwrite replaces it)", folder.path(), why));
}

std::unique_ptr<HeldFolder> hold_study(const std::string& name) {
  require_path_name(name, Fault::usage, "run");
  auto folder = std::make_unique<HeldFolder>(path_of(name), kStudyFiles);
  if (!folder->held()) in_use(folder->path());
  return folder;
}

std::optional<KeptWeights> kept_weights(const std::string& command) {
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(kRoot, code)) {
    const std::string folder = entry.path().string(), base = folder + "/base.safetensors";
    if (entry.path().filename().string().starts_with('.') || !fs::is_regular_file(base, code)) continue;
    try {
      const nlohmann::json config = read_json_file(folder + "/config.json");
      const JsonFields fields(config, folder);
      const KeptWeights kept{base, fields.text("weights"), fields.text("weights_sha256")};
      if (kept.from.empty() || fields.text("command") != command || is_finished(folder)) continue;
      if (!fs::exists(kept.from, code) || file_sha256(kept.from) != kept.sha256) return kept;
    } catch (const Error&) {  // no run that goes on
    }
  }
  return {};
}

bool RunFolder::has(const std::string& name) const {
  std::error_code ignored;
  return fs::exists(file(name), ignored);
}

void RunFolder::write(const std::string& name, std::string_view text) {
  const double begin = seconds_now();
  atomic_write(file(name), text);
  file_seconds_ += seconds_since(begin);
  ++files_;
}

void RunFolder::add_epoch(const EpochRecord& r, const Task& task) {
  metrics_ += epoch_json(r, task).text() + "\n";
  if (results_.empty()) results_ = columns_of(task);
  std::string validated;
  for (std::size_t i = 0; i < task.metrics().size(); ++i)
    validated += r.validated ? fmt::format("{},", r.validation_metrics[i]) : ",";
  if (r.validated) validated += fmt::format("{}", r.validation_loss);
  results_ += fmt::format("{},{},{},{},{},{},{},{},{}\n", r.epoch, r.loss, validated, r.rate, r.gradient_norm,
                          r.seconds, r.eval_seconds, r.rss_mb, r.trained_share);
  if (seconds_since(written_) > kEvery) flush();
}

void RunFolder::flush() {
  write("metrics.jsonl", metrics_);
  write("results.csv", results_);
  written_ = seconds_now();
}

void RunFolder::finish() {
  write("metrics.jsonl", metrics_);
  report::write_report(path());
}

JsonObject epoch_json(const EpochRecord& record, const Task& task) {
  JsonObject line = json_line("epoch");
  line.add("epoch", record.epoch).add("loss", record.loss);
  if (record.validated) {
    const std::vector<TaskMetric> metrics = task.metrics();
    for (std::size_t i = 0; i < metrics.size(); ++i)
      line.add("validation_" + metrics[i].name, record.validation_metrics[i]);
    line.add("validation_loss", record.validation_loss);
  }
  line.add("rate", record.rate).add("gradient_norm", record.gradient_norm);
  line.add("seconds", record.seconds).add("eval_seconds", record.eval_seconds).add("rss_mb", record.rss_mb);
  line.add("steps", record.steps).add("trained_share", record.trained_share);
  if (task.each_step() && record.validated)
    line.add("bits_per_character", record.validation_loss / std::numbers::ln2);
  return line;
}

DataHashes hashes_of(const DataParts& data) {
  const auto hash = [](const DatasetPtr& part) { return part ? fingerprint(*part) : std::string(); };
  return {hash(data.train), hash(data.validation), hash(data.test)};
}

JsonObject environment_json(std::uint64_t seed, const DataParts& data) {
  return environment_json(seed, data, hashes_of(data));
}

JsonObject environment_json(std::uint64_t seed, const DataParts& data, const DataHashes& hashes) {
  JsonObject object = json_line("environment");
  object.add("seed", seed).add("version", version()).add("commit", commit()).add("compiler", compiler());
  object.add("isa", isa_name(selected_isa())).add("threads", thread_count()).add("cpu", cpu_name());
  const auto size = [](const DatasetPtr& part) { return part ? part->size() : Index{0}; };
  object.add("data", data.info().name).add("train_samples", size(data.train));
  object.add("validation_samples", size(data.validation)).add("test_samples", size(data.test));
  object.add("train_sha256", hashes.train).add("validation_sha256", hashes.validation);
  return object.add("test_sha256", hashes.test);
}

}  // namespace firn::cli
