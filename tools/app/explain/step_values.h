// All numbers of one training step on a few samples: what each layer gives, each gradient, each update.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/loader.h"
#include "optim/optimizer.h"
#include "optim/trainer/program_cache.h"

namespace firn::cli {

/// What an operation of the forward pass gave.
struct SeenValue {
  std::string layer, operation;  ///< "conv1", "conv2d"
  int block = -1;
  Shape shape;                 ///< the batch first, channels last
  std::vector<real> value;     ///< row-major
  std::vector<real> gradient;  ///< of the loss; empty: nothing below it trains, so there is none
};

/// A gradient beside what the loss says when its weight is moved.
struct GradientCheck {
  Index place = 0;        ///< of the parameter, in the layout of files
  double gradient = 0;    ///< by the backward pass
  double difference = 0;  ///< by central differences of three widths (Richardson's extrapolation)
  double bound = 0;  ///< how far the two may be apart: what smaller widths changed, ReLUs that turn, rounding
  bool agrees() const;
};

/// A parameter before the step, and what the step does to it. Places are those of PyTorch's files.
struct SeenParameter {
  std::string name;
  int block = -1;
  std::string frozen;  ///< "frozen", "16 of 32 channels frozen", "" for one that trains
  Shape shape;
  std::vector<real> value;
  std::vector<real> gradient;        ///< NaN where it does not train; empty: none of it does
  std::vector<real> without_freeze;  ///< its gradient were nothing frozen
  std::vector<real> update;          ///< what the optimizer's first step adds
  std::vector<GradientCheck> checks;
};

struct StepValues {
  Index samples = 0;
  double loss = 0;
  std::string optimizer;
  std::vector<SeenValue> values;          ///< in the order of computing
  std::vector<SeenParameter> parameters;  ///< statistics aside

  struct Checked {
    Index all = 0, agree = 0;
  };
  Checked checked() const;
};
/// How many checks hold, and what it means where one does not.
std::string text_of_checks(const StepValues& seen);

/// A training step that can be repeated with a weight moved. The model's weights are its own again after each
/// call; only running statistics of norms that train move, as they do in training.
class StepRun {
 public:
  /// `settings.task` must be set; `batch` must outlive it. Where nothing trains the step is the forward pass.
  StepRun(Model& model, const ProgramSettings& settings, const Batch& batch);
  ~StepRun();

  /// Runs it, checks up to `checks` gradients of each parameter, and lets `optimizer` make its first step.
  StepValues look(Optimizer& optimizer, Index checks);
  /// The loss with `delta` added to one number of a parameter, its place as in files. Throws Error(usage) for
  /// a parameter or a place that is none.
  double loss_with(const std::string& parameter, Index place, double delta);
  /// The gradient there; NaN where it does not train.
  double gradient_at(const std::string& parameter, Index place);
  /// Whose `values()` are those of `look`, one by one.
  const Program& program() const;

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

/// "fc2.weight[0,3]" read for this model: the parameter's name and the place in its file's layout. Throws
/// Error(usage) with the nearest name, or with the shape.
struct WeightPlace {
  std::string parameter;
  Index place = 0;
};
WeightPlace parse_weight_place(const Model& model, const std::string& text);
/// The same as text: "fc2.weight[0,3]".
std::string text_of_place(const std::string& parameter, const Shape& shape, Index place);

}  // namespace firn::cli
