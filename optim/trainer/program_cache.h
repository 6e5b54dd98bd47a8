// Compiled programs of one model, kept by what they were compiled for.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "engine/program/program.h"
#include "layers/model.h"

namespace firn {

/// What differs between the programs of one model.
struct ProgramSettings {
  LossOptions loss = {};
  bool batch_statistics = false;  ///< frozen batch norms use the batch's statistics
  bool dropout_in_frozen = false;
  bool exact = false;  ///< direct convolutions only, so that no bit depends on what is frozen
  std::uint64_t seed = 0;
  bool fuse = true;
};

/// Compiles a program when a batch of a new size, a sequence of a new length or a new set of frozen
/// parameters is asked for, and keeps it. All programs compute in one workspace: they run one after the
/// other.
class ProgramCache {
 public:
  ProgramCache(const Model& model, ProgramSettings settings);

  /// The training step for `batch` samples of shape `sample`, with the parameters that train now.
  /// Throws Error(usage) when all are frozen.
  Program& training(Index batch, const Shape& sample);
  /// The forward pass, outputs "logits".
  Program& inference(Index batch, const Shape& sample);

  /// Programs compiled so far.
  int compiled() const { return compiled_; }
  const Workspace& workspace() const { return *workspace_; }

 private:
  struct Key {
    bool training;
    Index batch;
    std::vector<Index> sample;
    std::vector<bool> flags;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  Program& find(bool training, Index batch, const Shape& sample);

  const Model& model_;
  ProgramSettings settings_;
  std::vector<NamedParameter> parameters_;
  std::shared_ptr<Workspace> workspace_ = std::make_shared<Workspace>();
  std::map<Key, std::unique_ptr<Program>> programs_;
  Key wanted_;  // reused, so that finding a program allocates nothing
  int compiled_ = 0;
};

}  // namespace firn
