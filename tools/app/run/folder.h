// The folder that a run leaves behind.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "optim/trainer/trainer.h"
#include "tools/app/cli/json.h"
#include "tools/app/run/held_folder.h"

namespace firn::cli {

/// Why a run of so many epochs, otherwise the same, cannot be gone on with; empty: it can.
using WhyNotOn = std::function<std::string(Index epochs)>;

/// runs/NAME with config.json, env.json, metrics.jsonl, results.csv, confusion.json, report.html,
/// best.safetensors and last.safetensors; of a run that can go on also checkpoint.safetensors, the one before
/// it, checkpoint.previous.safetensors, and where it needs one base.safetensors. Every file is replaced as a
/// whole. While it lives no other process has it.
class RunFolder {
 public:
  /// Makes the folder. A run in a folder of that name is replaced with `overwrite`, but not before `publish`;
  /// else "NAME-2", "NAME-3", ... is made where `numbered` is set, and Error(usage) thrown where it is not.
  /// With a `config`, what config.json will hold, the first of these folders that holds an unfinished run of
  /// the same config is taken as it is (with `overwrite`: of the same command, too), and so is one, finished
  /// or not, of fewer epochs of which `why_not_on` has nothing to say; the error names what differs. Throws
  /// Error(failure) when it cannot be made.
  RunFolder(const std::string& name, bool numbered, bool overwrite, const std::string& config = {},
            const WhyNotOn& why_not_on = {});

  /// Whether it holds a run that goes on.
  bool unfinished() const { return unfinished_; }
  /// Whether that run had fewer epochs: its config.json is still the one of then.
  bool longer() const { return longer_; }
  /// Runs of the same config but for the epochs that were passed by, and why.
  const std::vector<std::string>& passed_by() const { return passed_by_; }
  /// Whether it is still made beside the run that it will replace.
  bool staged() const { return folder_->staged(); }
  /// Whether `path` leads to a file of that run.
  bool replaces(const std::string& path) const { return folder_->replaces(path); }
  /// A complete state is saved: from here on the run is in its place, and what it replaced is gone.
  void publish() { folder_->publish(); }

  const std::string& path() const { return folder_->path(); }
  /// Where a file of it lies now.
  std::string file(const std::string& name) const { return folder_->file(name); }
  void write(const std::string& name, std::string_view text);
  /// Seconds that `write` took, on average; 0: nothing was written.
  double seconds_a_file() const { return files_ > 0 ? file_seconds_ / static_cast<double>(files_) : 0; }
  bool has(const std::string& name) const;
  /// Seconds from one writing of metrics.jsonl and results.csv to the next, at least: short epochs come
  /// faster than a disk takes files.
  static constexpr double kEvery = 1;
  /// One more epoch in metrics.jsonl and results.csv; written at once, but for those that follow within
  /// `kEvery` seconds.
  void add_epoch(const EpochRecord& record, const Task& task);
  /// Writes both with all that was added.
  void flush();
  /// Writes metrics.jsonl with the lines that were added since, and report.html with everything.
  void finish();
  /// A line of metrics.jsonl, written with the next epoch.
  void add_line(const JsonObject& line) { metrics_ += line.text() + "\n"; }
  /// What metrics.jsonl and results.csv will hold next, and the way back to it.
  const std::string& metrics() const { return metrics_; }
  const std::string& results() const { return results_; }
  void restore(std::string metrics, std::string results) {
    metrics_ = std::move(metrics);
    results_ = std::move(results);
  }

 private:
  bool take(const HeldFolder& folder, const std::string& config, bool numbered, bool overwrite,
            const WhyNotOn& why_not_on);

  std::unique_ptr<HeldFolder> folder_;
  std::string metrics_;
  std::string results_;
  double written_ = 0;
  double file_seconds_ = 0;
  Index files_ = 0;
  bool unfinished_ = false;
  bool longer_ = false;
  std::vector<std::string> passed_by_;
};

/// The weights that a run began with, as its folder keeps them.
struct KeptWeights {
  std::string path;
  std::string from, sha256;  ///< the file that they came from, as it was
};
/// Those of an unfinished run of this very command, where the file that they came from is another by now or
/// none: it may have been this run itself that replaced it.
std::optional<KeptWeights> kept_weights(const std::string& command);

/// runs/NAME for a study, made where it is not there, whatever lies in it: for work that goes on where it
/// ended. Throws Error(usage) for a name that is none and for a folder that another process works in,
/// Error(failure) when it cannot be made.
std::unique_ptr<HeldFolder> hold_study(const std::string& name);

/// An epoch as `--json` prints it: "validation_" and the name of each metric; of next tokens with the bits
/// that a character of the validation part takes.
JsonObject epoch_json(const EpochRecord& record, const Task& task);

/// What a report needs to be made again: seed, version, commit, compiler, instruction set, threads, data.
JsonObject environment_json(std::uint64_t seed, const DataParts& data);
/// The same with the hashes of the data that are known.
struct DataHashes {
  std::string train, validation, test;  ///< empty: there is no such part
};
DataHashes hashes_of(const DataParts& data);
JsonObject environment_json(std::uint64_t seed, const DataParts& data, const DataHashes& hashes);

}  // namespace firn::cli
