#include "tools/run_folder.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <numbers>
#include <system_error>

#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "engine/base/cpu.h"
#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "optim/trainer/generations.h"
#include "tools/report/write.h"
#include "tools/version.h"

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
                                  "report.html",
                                  "config.json"};
constexpr const char* kColumns =
    "epoch,loss,validation_accuracy,validation_loss,rate,gradient_norm,seconds,eval_seconds,rss_mb,trained_"
    "share\n";

[[noreturn]] void fail(const std::string& path, const std::error_code& code) {
  throw Error(Fault::failure, "run", path + ": " + code.message());
}

void check_name(const std::string& name) {
  if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.')) {
    throw Error(Fault::usage, "run", fmt::format("'{}' is no name for a folder in {}/", name, kRoot));
  }
}

/// A run without a checkpoint is finished when it has weights: they come last.
bool is_finished(const std::string& checkpoint, const std::string& last) {
  try {
    const auto found = Generations(checkpoint).find();
    std::error_code code;
    return found ? found->checkpoint.finished : fs::exists(last, code);
  } catch (const Error& error) {
    throw Error(error.fault(), "run", fmt::format("{}; --overwrite begins the run anew", error.what()));
  }
}

/// Holds the folder for this process; null while another one does.
std::shared_ptr<const int> lock_folder(const std::string& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) fail(path, std::error_code(errno, std::generic_category()));
  std::shared_ptr<const int> lock(new int(folder), [](const int* file) {
    ::close(*file);
    delete file;
  });
  // A file system without locks has none to give.
  return ::flock(folder, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK ? lock : nullptr;
}

}  // namespace

SharedFolder::SharedFolder(const std::string& name) {
  check_name(name);
  path_ = fmt::format("{}/{}", kRoot, name);
  std::error_code code;
  fs::create_directories(path_, code);
  if (code) fail(path_, code);
  lock_ = lock_folder(path_);
  if (!lock_) throw Error(Fault::usage, "run", fmt::format("{} is in use by another process", path_));
}

RunFolder::RunFolder(const std::string& name, bool numbered, bool overwrite, const std::string& config)
    : results_(kColumns) {
  check_name(name);
  std::error_code code;
  fs::create_directories(kRoot, code);
  if (code) fail(kRoot, code);
  path_ = fmt::format("{}/{}", kRoot, name);
  for (int number = 2; !take(config, numbered, overwrite); ++number) {
    path_ = fmt::format("{}/{}-{}", kRoot, name, number);
  }
  if (!unfinished_) clear();
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(path_)) {
    const std::string left = entry.path().filename().string();
    // By a process that was killed while it wrote.
    if (left.starts_with('.') && left.ends_with(".tmp")) fs::remove(entry.path(), ignored);
  }
}

/// False: the next number.
bool RunFolder::take(const std::string& config, bool numbered, bool overwrite) {
  std::error_code code;
  const bool is_new = fs::create_directory(path_, code);
  if (code) fail(path_, code);
  lock_ = lock_folder(path_);
  if (!lock_) {
    if (numbered && !overwrite) return false;
    throw Error(Fault::usage, "run", fmt::format("{} is in use by another process", path_));
  }
  if (is_new || overwrite) return true;
  std::string why = "is there already";
  if (!config.empty() && fs::exists(file("config.json"), code)) {
    const auto bytes = read_file(file("config.json"), Fault::failure);
    const std::vector<std::string> differ = json_differences(as_text(bytes), config, {"command"});
    if (differ.empty()) {
      unfinished_ = !is_finished(file(kCheckpoint), file(kLast));
      if (unfinished_) return true;
      finished_.push_back(path_);
      why = "holds a finished run of this command";
    } else {
      why = fmt::format("is there already, of another command: {}{}", differ.front(),
                        differ.size() > 1 ? fmt::format(" and {} more", differ.size() - 1) : "");
    }
  } else if (std::all_of(fs::directory_iterator(path_), fs::directory_iterator(), [](const auto& entry) {
               return entry.path().filename().string().starts_with('.');
             })) {
    return true;  // a run that ended before it wrote anything
  }
  if (numbered) {
    lock_.reset();
    return false;
  }
  throw Error(Fault::usage, "run", fmt::format("{} {} (--overwrite replaces it)", path_, why));
}

/// False where another process has the folder. The lock ends with the process, however that ends.
/// Takes away what a run has written, its config last: without it nothing is taken for a run.
void RunFolder::clear() const {
  std::error_code code;
  for (const char* one : kFiles) {
    fs::remove(file(one), code);
    if (code) fail(file(one), code);
  }
}

bool RunFolder::has(const std::string& name) const {
  std::error_code ignored;
  return fs::exists(file(name), ignored);
}

void RunFolder::write(const std::string& name, std::string_view text) const {
  atomic_write(file(name), text);
}

void RunFolder::add_epoch(const EpochRecord& r, bool language_model) {
  metrics_ += epoch_json(r, language_model).text() + "\n";
  results_ += fmt::format("{},{},{},{},{},{},{},{},{}\n", r.epoch, r.loss,
                          r.validated ? fmt::format("{},{}", r.validation_accuracy, r.validation_loss) : ",",
                          r.rate, r.gradient_norm, r.seconds, r.eval_seconds, r.rss_mb, r.trained_share);
  write("metrics.jsonl", metrics_);
  write("results.csv", results_);
}

void RunFolder::finish() const {
  write("metrics.jsonl", metrics_);
  report::write_report(path_);
}

JsonObject epoch_json(const EpochRecord& record, bool language_model) {
  JsonObject line = json_line("epoch");
  line.add("epoch", record.epoch).add("loss", record.loss);
  if (record.validated) {
    line.add("validation_accuracy", record.validation_accuracy);
    line.add("validation_loss", record.validation_loss);
  }
  line.add("rate", record.rate).add("gradient_norm", record.gradient_norm);
  line.add("seconds", record.seconds).add("eval_seconds", record.eval_seconds).add("rss_mb", record.rss_mb);
  line.add("steps", record.steps).add("trained_share", record.trained_share);
  if (language_model && record.validated)
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
