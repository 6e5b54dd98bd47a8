// A reference model with data to train on: what is timed where whole steps are.
#pragma once

#include <memory>
#include <string>

#include "layers/model.h"
#include "optim/optimizer.h"
#include "optim/trainer/program_cache.h"
#include "tools/app/cost/step_forecast.h"

namespace firn::cli {

/// The models that are held against a peer's.
inline constexpr const char* kReferenceModels = "mlp,cnn,vgg,resnet20,lstm,lstm2";

/// What is measured under this name: a model of the registry, or what a weights file, a network of another
/// program or a run's folder at this path holds, with its own input and classes. Throws Error(usage) with the
/// nearest name, and what opening a file throws.
ModelEntry bench_entry(const std::string& name);

/// A model as its entry makes it, its programs, and one batch of random data.
class BenchModel {
 public:
  /// `freeze` as `Model::set_freeze` takes it; batch 0 is the model's usual one. Throws Error(usage).
  BenchModel(const std::string& name, const std::string& freeze, Index batch, bool exact,
             DType frozen = DType::number, DType all = DType::number, std::shared_ptr<StepTrace> trace = {});

  /// A forward pass without labels.
  void forward() { forward_program().run(); }
  /// Forward, softmax cross-entropy, backward and one SGD update (momentum 0.9) of what trains; with
  /// everything frozen a forward pass alone.
  void step();

  Index batch() const { return batch_; }
  const Model& model() const { return *model_; }
  /// What `step` updates with.
  static std::unique_ptr<Optimizer> make_optimizer() { return make_sgd({.rate = 0.01, .momentum = 0.9}); }
  /// Compiled when it is first asked for.
  Program& forward_program();
  /// The one that `step` runs.
  const Program& step_program() { return training_ != nullptr ? *training_ : forward_program(); }

 private:
  ModelPtr model_;
  Index batch_;
  std::unique_ptr<RandomBatch> feeds_;
  std::unique_ptr<ProgramCache> programs_;
  Program* forward_ = nullptr;   // null until it is asked for
  Program* training_ = nullptr;  // null where nothing trains
  std::shared_ptr<Optimizer> optimizer_;
  std::uint64_t number_ = 0;  // of the next step
};

}  // namespace firn::cli
