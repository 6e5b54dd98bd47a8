// The stream of statistics that policies decide on, taken from parameters, gradients and activations.
#pragma once

#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/program/program.h"
#include "optim/policy.h"

namespace firn {

/// A block's output for the samples of a probe: (rows, features), row-major.
struct Activations {
  const real* data = nullptr;
  Index rows = 0, features = 0;
};

/// B (rows, rows): A A^T with each row divided by its 2-norm (a row of zeros stays). Tung, Mori:
/// "Similarity-preserving knowledge distillation", ICCV 2019.
std::vector<double> similarity(const Activations& a);
/// P = norm_F(B - B_ref)^2 / rows^2.
double similarity_distance(std::span<const double> b, std::span<const double> reference, Index rows);

/// Collects what is needed and nothing else; of a parameter that trains in part, that part. Sums are cut by
/// the sizes of the parameters and added in a fixed order, so the bits do not depend on threads.
class BlockStatisticsCollector {
 public:
  explicit BlockStatisticsCollector(std::span<const PolicyBlock> blocks);

  /// Behind the backward pass. Gradients of parameters that belong to none of the blocks are passed over.
  void before_update(const Needs& needs, std::span<const GradientView> gradients);
  void after_update(const Needs& needs);
  /// The probe's activations, one entry a block; called where `distances` or `reference` is needed. The first
  /// ones are the reference where there is none.
  void compare(const Needs& needs, std::span<const Activations> outputs);

  std::span<const BlockStatistics> blocks() const { return statistics_; }

  /// What is remembered from step to step. `load` is told the samples of the probe (0: none), and throws
  /// Error(model_file) for values that cannot be this collector's.
  void save(const StateWriter& to) const;
  void load(const StateReader& from, Index rows);

 private:
  struct Watched {
    Parameter* parameter;
    std::size_t block;
    bool trains = false;
    std::optional<TrainableRanges> trainable = {};  // what trains of it, where that is a part
    Tensor sum = {};                                // of gradients
    Tensor kept = {};                               // weights before the update
    bool is_kept = false;

    const TrainableRanges* part() const { return trainable ? &*trainable : nullptr; }
    /// Of its gradients.
    Shape shape() const { return trainable ? trainable->shape_in(parameter->shape()) : parameter->shape(); }
  };

  /// Whether the norms that are wanted are of this one too.
  static bool counts_for(const Needs& needs, const Watched& watched);

  std::vector<Watched> watched_;
  std::unordered_map<const Parameter*, std::size_t> place_;
  std::vector<BlockStatistics> statistics_;
  std::vector<std::vector<double>> reference_;  // B of each block
  std::vector<double> parts_;
  std::vector<double> totals_, counts_;  // by block
};

}  // namespace firn
