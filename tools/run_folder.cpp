#include "tools/run_folder.h"

#include <fmt/core.h>

#include <filesystem>
#include <system_error>

#include "engine/base/atomic_file.h"
#include "engine/base/cpu.h"
#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "tools/report/write.h"
#include "tools/version.h"

namespace firn::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* kRoot = "runs";
constexpr const char* kFiles[] = {"config.json",      "env.json",         "metrics.jsonl",  "results.csv",
                                  "best.safetensors", "last.safetensors", "confusion.json", "report.html"};
constexpr const char* kColumns =
    "epoch,loss,test_accuracy,test_loss,rate,gradient_norm,seconds,eval_seconds,rss_mb,trained_share\n";

[[noreturn]] void fail(const std::string& path, const std::error_code& code) {
  throw Error(Fault::failure, "run", path + ": " + code.message());
}

}  // namespace

RunFolder::RunFolder(const std::string& name, bool numbered, bool overwrite) : results_(kColumns) {
  if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.')) {
    throw Error(Fault::usage, "run", fmt::format("'{}' is no name for a folder in {}/", name, kRoot));
  }
  std::error_code code;
  fs::create_directories(kRoot, code);
  if (code) fail(kRoot, code);
  path_ = fmt::format("{}/{}", kRoot, name);
  // create_directory says whether it was made now: two runs at once never share a folder.
  for (int number = 2; !fs::create_directory(path_, code); ++number) {
    if (code) fail(path_, code);
    if (overwrite) break;
    if (!numbered) {
      throw Error(Fault::usage, "run", fmt::format("{} is there already (--overwrite replaces it)", path_));
    }
    path_ = fmt::format("{}/{}-{}", kRoot, name, number);
  }
  if (code) fail(path_, code);
  for (const char* one : kFiles) {
    fs::remove(file(one), code);
    if (code) fail(file(one), code);
  }
}

void RunFolder::write(const std::string& name, std::string_view text) const {
  atomic_write(file(name), text);
}

void RunFolder::add_epoch(const EpochRecord& r) {
  metrics_ += epoch_json(r).text() + "\n";
  results_ += fmt::format("{},{},{},{},{},{},{},{},{},{}\n", r.epoch, r.loss, r.test_accuracy, r.test_loss,
                          r.rate, r.gradient_norm, r.seconds, r.eval_seconds, r.rss_mb, r.trained_share);
  write("metrics.jsonl", metrics_);
  write("results.csv", results_);
}

void RunFolder::finish() const {
  write("metrics.jsonl", metrics_);
  report::write_report(path_);
}

JsonObject epoch_json(const EpochRecord& record) {
  JsonObject line = json_line("epoch");
  line.add("epoch", record.epoch).add("loss", record.loss).add("test_accuracy", record.test_accuracy);
  line.add("test_loss", record.test_loss).add("rate", record.rate).add("gradient_norm", record.gradient_norm);
  line.add("seconds", record.seconds).add("eval_seconds", record.eval_seconds).add("rss_mb", record.rss_mb);
  return line.add("steps", record.steps).add("trained_share", record.trained_share);
}

JsonObject environment_json(std::uint64_t seed, const DataParts& data) {
  JsonObject object = json_line("environment");
  object.add("seed", seed).add("version", version()).add("commit", commit()).add("compiler", compiler());
  object.add("isa", isa_name(selected_isa())).add("threads", thread_count()).add("cpu", cpu_name());
  object.add("data", data.train->info().name).add("train_samples", data.train->size());
  object.add("test_samples", data.test->size()).add("train_sha256", fingerprint(*data.train));
  return object.add("test_sha256", fingerprint(*data.test));
}

}  // namespace firn::cli
