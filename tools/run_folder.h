// The folder that a run leaves behind.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "optim/trainer/trainer.h"
#include "tools/json.h"

namespace firn::cli {

/// runs/NAME with config.json, env.json, metrics.jsonl, results.csv, confusion.json, report.html,
/// best.safetensors and last.safetensors; of a run that can go on also checkpoint.safetensors, the one before
/// it, checkpoint.previous.safetensors, and where it needs one base.safetensors. Every file is replaced as a
/// whole. While it lives no other process has it.
class RunFolder {
 public:
  /// Makes the folder. A folder of that name is taken over with `overwrite` (what a run has written there is
  /// taken away); else "NAME-2", "NAME-3", ... is made where `numbered` is set, and Error(usage) thrown where
  /// it is not. With a `config`, what config.json will hold, the first of these folders that holds an
  /// unfinished run of the same config is taken as it is; the error names what differs. Throws Error(failure)
  /// when it cannot be made.
  RunFolder(const std::string& name, bool numbered, bool overwrite, const std::string& config = {});

  /// Whether it holds an unfinished run.
  bool unfinished() const { return unfinished_; }
  /// Finished runs of the same config that were passed by.
  const std::vector<std::string>& finished() const { return finished_; }

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  void write(const std::string& name, std::string_view text) const;
  bool has(const std::string& name) const;
  /// One more epoch in metrics.jsonl and results.csv.
  void add_epoch(const EpochRecord& record, bool language_model = false);
  /// Writes metrics.jsonl with the lines that were added since, and report.html with everything.
  void finish() const;
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
  bool take(const std::string& config, bool numbered, bool overwrite);
  void clear() const;

  std::string path_;
  std::string metrics_;
  std::string results_;
  bool unfinished_ = false;
  std::vector<std::string> finished_;
  std::shared_ptr<const int> lock_;
};

/// runs/NAME, made where it is not there, whatever lies in it: for work that goes on where it ended. While it
/// lives no other process has it.
class SharedFolder {
 public:
  /// Throws Error(usage) for a name that is none and for a folder that another process works in,
  /// Error(failure) when it cannot be made.
  explicit SharedFolder(const std::string& name);
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
  std::shared_ptr<const int> lock_;
};

/// An epoch as `--json` prints it; of a language model with the bits that a character of the validation part
/// takes.
JsonObject epoch_json(const EpochRecord& record, bool language_model = false);

/// What a report needs to be made again: seed, version, commit, compiler, instruction set, threads, data.
JsonObject environment_json(std::uint64_t seed, const DataParts& data);
/// The same with the hashes of the data that are known.
struct DataHashes {
  std::string train, validation, test;  ///< empty: there is no such part
};
DataHashes hashes_of(const DataParts& data);
JsonObject environment_json(std::uint64_t seed, const DataParts& data, const DataHashes& hashes);

}  // namespace firn::cli
