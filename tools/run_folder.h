// The folder that a run leaves behind.
#pragma once

#include <map>
#include <string>

#include "data/dataset.h"
#include "optim/trainer/trainer.h"
#include "tools/json.h"

namespace firn::cli {

/// runs/NAME with config.json, env.json, metrics.jsonl, results.csv, confusion.json, report.html,
/// best.safetensors and last.safetensors.
/// Every file is replaced as a whole.
class RunFolder {
 public:
  /// Makes the folder. A folder of that name is taken over with `overwrite` (what a run has written there is
  /// taken away); else "NAME-2", "NAME-3", ... is made where `numbered` is set, and Error(usage) thrown where
  /// it is not. Throws Error(failure) when it cannot be made.
  RunFolder(const std::string& name, bool numbered, bool overwrite);

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  void write(const std::string& name, std::string_view text) const;
  /// One more epoch in metrics.jsonl and results.csv.
  void add_epoch(const EpochRecord& record);
  /// Writes metrics.jsonl with the lines that were added since, and report.html with everything.
  void finish() const;
  /// A line of metrics.jsonl, written with the next epoch.
  void add_line(const JsonObject& line) { metrics_ += line.text() + "\n"; }

 private:
  std::string path_;
  std::string metrics_;
  std::string results_;
};

/// An epoch as `--json` prints it.
JsonObject epoch_json(const EpochRecord& record);

/// What a report needs to be made again: seed, version, commit, compiler, instruction set, threads, data.
JsonObject environment_json(std::uint64_t seed, const DataParts& data);

}  // namespace firn::cli
