// Compiled programs of one model, kept by what they were compiled for.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "engine/program/program.h"
#include "layers/training_graph.h"

namespace firn {

/// What differs between the programs of one model.
struct ProgramSettings {
  TaskPtr task = nullptr;  ///< of training steps; null: `usual_task`
  LossOptions loss = {};
  bool batch_statistics = false;  ///< frozen batch norms use the batch's statistics
  bool dropout_in_frozen = false;
  bool exact = false;  ///< direct convolutions only, so that no bit depends on what is frozen
  NumberTypes types = {};
  std::uint64_t seed = 0;
  bool fuse = true;
  std::shared_ptr<StepTrace> trace = {};             ///< of the runs of all programs; null: none
  bool initial_states = false, last_states = false;  ///< of inference: as `Graph::Options` has them
  Communicator* ranks =
      nullptr;  ///< that share the work, at once and in the same order; null: this one alone
};

/// What a graph is built for under these settings.
Graph::Options graph_options(const ProgramSettings& settings, const FreezeSet& freeze, Mode mode);

/// Compiles a program when a batch of a new size, a sequence of a new length or another `FreezeSet` is asked
/// for, and keeps it; of more than `kMost` the one that was not asked for longest goes. Where no set is given
/// it is the model's own.
/// All programs compute in one workspace: they run one after the other. A program stays where
/// it is until `kMost` others have been asked for.
class ProgramCache {
 public:
  static constexpr std::size_t kMost = 256;

  ProgramCache(const Model& model, ProgramSettings settings);

  const Task& task() const { return *settings_.task; }

  /// The training step for `batch` samples of shape `sample`. Throws Error(usage) when all is frozen.
  Program& training(Index batch, const Shape& sample, std::optional<FreezeSet> freeze = {});
  /// The forward pass, outputs "logits". What is frozen matters where that is computed with narrow numbers,
  /// here and below.
  Program& inference(Index batch, const Shape& sample, std::optional<FreezeSet> freeze = {});

  /// What lies behind a cut, fed with "features" instead of "x". A training step cuts the batch as the whole
  /// step does, so that its gradients are the same bits; `sample` is what the whole model would be fed.
  Program& head_training(Index batch, const Shape& sample, const CutPoint& cut,
                         std::optional<FreezeSet> freeze = {});
  Program& head_inference(Index batch, const CutPoint& cut, std::optional<FreezeSet> freeze = {});
  /// The forward pass up to a cut, or with `from` between two; output "features".
  Program& features(Index batch, const Shape& sample, const CutPoint& to, const CutPoint* from = nullptr,
                    std::optional<FreezeSet> freeze = {});

  /// Programs compiled so far.
  int compiled() const { return compiled_; }
  const Workspace& workspace() const { return *workspace_; }

 private:
  enum class Kind { training, inference };
  struct Key {
    Kind kind;
    std::size_t from, to;  ///< children of the model; `to` 0: up to the end
    Index batch;
    std::vector<Index> sample;  ///< what is fed; of the head's training step what the whole model would be
    FreezeSet freeze;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Entry {
    std::unique_ptr<Program> program;
    std::uint64_t asked = 0;  // when, on a clock of questions
  };
  Program& find(Kind kind, Index batch, const ModelPart& part, const std::optional<FreezeSet>& freeze);
  std::unique_ptr<Program> compile(Kind kind, Index batch, const ModelPart& part, const FreezeSet& freeze);
  void forget_oldest();

  const Model& model_;
  ProgramSettings settings_;
  std::shared_ptr<Workspace> workspace_ = std::make_shared<Workspace>();
  std::map<Key, Entry> programs_;
  std::uint64_t clock_ = 0;
  Key wanted_;  // reused, so that finding a program allocates nothing
  int compiled_ = 0;
};

}  // namespace firn
