// Checkpoints: what has changed against a base file, in a file that knows its own sum.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/tensor/safetensors.h"
#include "optim/state.h"
#include "optim/trainer/trainer.h"

namespace firn {

/// The weights that a run began with.
struct CheckpointBase {
  std::string name;               ///< the file's, without its folder; empty: there is none
  std::string sha256;             ///< of the whole file
  std::set<std::string> tensors;  ///< the model's that it holds
};

/// A safetensors file: tensors "weights.NAME" that are not as in the base, in the layout of weights files,
/// and whatever the run has to remember (`Trainer::save`); metadata "checkpoint.*" with the format's version,
/// the base, the names of all tensors of the whole file in their order, and the SHA-256 of all of this.
struct Checkpoint {
  CheckpointBase base;
  std::vector<std::string> names;               ///< of the whole weights file
  std::map<std::string, std::string> metadata;  ///< of the whole weights file
  bool finished = false;                        ///< the run is over
  SafeTensors state;

  static constexpr int kVersion = 2;

  /// Whether it holds all that a run needs to go on, not weights alone.
  bool has_run() const;
};

/// The checkpoint of a run in progress, or of the weights alone of one that is over.
Checkpoint make_checkpoint(const Model& model, const Trainer& trainer, CheckpointBase base,
                           std::map<std::string, std::string> metadata, bool finished);

/// The file of a checkpoint, which is written as a whole or not at all.
void save_checkpoint(const std::string& path, const Checkpoint& checkpoint);

/// Whether a safetensors file says that it is a checkpoint.
bool is_checkpoint(const SafeTensors& file);
/// Throws Error(model_file) for a file that is no checkpoint, of another version, or not as it was written.
Checkpoint read_checkpoint(SafeTensors file, const std::string& path);
Checkpoint load_checkpoint(const std::string& path);

/// What a weights file of the run would hold: the base's tensors, or the checkpoint's where it has them.
/// Throws Error(model_file) where one is in neither.
SafeTensors merged(const SafeTensors& base, const Checkpoint& checkpoint, const std::string& path);

/// 64 hex digits; Error(model_file) for a file that cannot be read.
std::string file_sha256(const std::string& path);
/// Throws Error(model_file) naming both files unless `path` is the base that the checkpoint was made with.
void require_base(const Checkpoint& checkpoint, const std::string& checkpoint_path, const std::string& path);

/// Weights in either form, as a whole file. The base of a checkpoint is `base`, or where that is empty the
/// file base.safetensors beside it. Throws Error(model_file) as the functions above do; for a base that is
/// missing it says how to name it.
SafeTensors load_whole(const std::string& path, const std::string& base = {});

}  // namespace firn
