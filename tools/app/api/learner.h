#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "layers/model.h"
#include "layers/task.h"
#include "optim/trainer/trainer.h"
#include "tools/app/api/fit_options.h"

namespace firn {

/// What a new model is made of.
struct LearnerStart {
  std::string model = {};  ///< a known model's name, the text of a network, or a file that holds one
  InputSpec input = {};
  Index width = 0;                      ///< of the output: classes, labels or numbers
  std::string task = "classification";  ///< or "labels", "regression", "next-token"
  std::string init = "pytorch";         ///< or "he", "xavier", "orthogonal"
  std::uint64_t seed = 1;
};

/// A row of `Learner::summary`.
struct BlockSummary {
  std::string name;
  std::string layers;  ///< "conv 32 3x3, relu, pool 2"
  Shape output;        ///< of one sample
  Index parameters = 0, trainable = 0;
  std::string frozen;                                                          ///< "yes", "no", "1 of 2"
  double macs_forward = 0, macs_input_gradient = 0, macs_weight_gradient = 0;  ///< of a training step
  Index kept_bytes = 0;                                                        ///< for the backward pass
};

/// A parameter of somebody else's network where it lies, rows last.
struct LyingTensor {
  std::string name;
  std::vector<Index> sizes;
  std::span<const real> numbers;
};

/// What a training step is predicted to take on this machine; of the forward pass where nothing trains.
struct StepOutlook {
  struct Block {
    std::string name;
    double forward = 0, input_gradient = 0, weight_gradient = 0;  ///< seconds of a thread
  };
  std::vector<Block> blocks;
  double seconds = 0;                                               ///< of the whole step
  double optimizer = 0;                                             ///< of it
  Index arena = 0, once = 0, parameters = 0, state = 0, feeds = 0;  ///< bytes: values, what is computed once,
                                                                    ///< weights, the optimizer's, a batch
};

/// What `Learner::advise` is to find.
struct AdviceWish {
  double time = 0;                  ///< seconds for trials and training; 0: as long as it takes
  double memory = 0;                ///< resident bytes; 0: all that there are
  double accuracy = 0;              ///< that is wanted; 0: the best
  double probe_time = 60;           ///< seconds for trials
  FitOptions fit = {};              ///< how it is to be trained
  std::function<void()> each = {};  ///< called between steps, to stop by throwing
};

/// Freezing the first `frozen` blocks.
struct AdvisedCut {
  Index frozen = 0;
  double step = 0, seconds = 0;   ///< of a step and of the training, predicted or as it was
  double bytes = 0;               ///< resident, without the data
  double accuracy = -1;           ///< on the validation part; -1: not known
  double low = 0, high = 0;       ///< where the test part's is to be expected, with 95 %
  std::string known = "unknown";  ///< "trained" to the end, "between" two that were, "unknown"
  bool fits = false;              ///< in time and memory
};

struct LearnerAdvice {
  std::vector<AdvisedCut> cuts;
  Index chosen = -1;  ///< frozen blocks; -1: no cut fits
  std::string reason;
};

/// A model with all that it takes to train it, ask it and keep it: how samples are prepared and what its
/// answers mean. What `firn train`, `eval` and `predict` do, for programs: the same data, options and seed
/// give the same bits. One thread may use it at a time; nothing is printed.
class Learner {
 public:
  /// New weights. Throws Error(usage) for a model that cannot be or does not fit the input.
  explicit Learner(const LearnerStart& start);
  /// Those of a weights file or a run's folder; `model` names the model of a file that firn has not written.
  /// Throws what reading it throws.
  explicit Learner(const std::string& path, const std::string& model = {});
  /// A network of another program (docs/import.md): of a file, or one that lies in memory and is called
  /// `name`. `sample`: sizes that it leaves open. What does not train there is frozen, and samples are taken
  /// as they are. Throws what reading it throws.
  static Learner of_network(const std::string& path, const Shape& sample = {});
  static Learner of_network(std::span<const std::byte> bytes, const std::string& name,
                            const Shape& sample = {});
  /// An exported program of PyTorch (.pt2) whose weights are not in `bytes` but lie elsewhere.
  static Learner of_program(std::span<const std::byte> bytes, const std::string& name,
                            const std::vector<LyingTensor>& weights);
  ~Learner();
  Learner(Learner&&) noexcept;
  Learner& operator=(Learner&&) noexcept;

  Model& model();
  const Model& model() const;
  const Task& task() const;
  /// The classes, labels or targets in the order of the output; empty: not known yet.
  const std::vector<std::string>& names() const;
  /// Whether it knows how samples are prepared: it was loaded, or trained before.
  bool prepared() const;
  /// A sample's kind, as the model takes it.
  DataKind kind() const;

  /// Trains on `data.train`; choices are made on `data.validation`, which may be null. The first time the
  /// data says how samples are prepared and what the classes are called; later ones go on with that. Hooks
  /// may throw whatever they like, which comes out as it is: the weights are then those of the last whole
  /// step. Throws Error(usage) for options, and for data that does not fit, before anything is changed.
  History fit(const DataParts& data, const FitOptions& options = {}, const TrainHooks& hooks = {});
  /// What the reader of the last fit should be told.
  const std::vector<std::string>& notes() const;

  /// Another head in the place of the last block, for `width` answers: "zero" or "random" numbers. What is
  /// frozen elsewhere stays frozen.
  void new_head(Index width, const std::string& task, const std::string& init, std::uint64_t seed);

  /// Called after each batch, to stop by throwing.
  using Each = std::function<void()>;
  /// The rows of the output (N, width): logits, or numbers; of a model that answers each step the last one's.
  Tensor outputs(const DatasetPtr& samples, const Each& each = {}) const;
  /// What they mean: probabilities of the classes or labels, numbers in the units of the data.
  Tensor answers(const DatasetPtr& samples, const Each& each = {}) const;
  /// Judges them by labels, which are matched by name. Throws Error(usage) for classes that the model lacks.
  Evaluation evaluate(const DatasetPtr& samples, const Each& each = {}) const;
  /// What block `upto` gives for each sample, (N, ...).
  Tensor features(const DatasetPtr& samples, const std::string& upto, const Each& each = {}) const;

  /// Pictures and texts as the model takes them. Throws Error(usage) for a model that reads none, Error(data)
  /// for what is none.
  DatasetPtr pictures(std::span<const std::string> paths) const;
  DatasetPtr texts(const std::vector<std::string>& texts) const;

  /// The steps of a training step of `batch` samples with what is frozen now, as `firn explain` prints them;
  /// of the forward pass where nothing trains.
  std::string explain(Index batch) const;
  std::vector<BlockSummary> summary(Index batch) const;
  /// Prices that step; kernels that this machine has not measured yet are, and kept for other runs.
  StepOutlook forecast(Index batch, const FitOptions& options = {}, const Each& each = {}) const;
  /// Which blocks to freeze, by trials on copies: as `firn advise` finds it. The model stays as it is. Throws
  /// what `fit` throws before it begins, and Error(usage) without a validation part.
  LearnerAdvice advise(const DataParts& data, const AdviceWish& wish);
  /// The text of the network.
  std::string network() const;

  /// The network as an ONNX model in inference (layers/foreign/export.h), with all that a weights file holds:
  /// read by firn it is this learner again. `fold`: batch norms become part of what is before them. Throws
  /// Error(failure) for a file that cannot be written.
  void export_onnx(const std::string& path, bool fold = false) const;
  /// Everything as one weights file, which is replaced as a whole.
  void save(const std::string& path) const;
  /// The bytes of that file, and a learner of such bytes.
  std::vector<std::byte> to_bytes() const;
  static Learner from_bytes(std::span<const std::byte> bytes, bool prepared = true);

 private:
  struct Parts;
  explicit Learner(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace firn
