// What the blocks of a model give for a few samples that stay the same.
#pragma once

#include <memory>
#include <vector>

#include "data/loader.h"
#include "layers/model.h"
#include "optim/block_statistics.h"
#include "optim/trainer/program_cache.h"

namespace firn {

/// A fixed batch and an inference program whose outputs are those of the blocks.
class Probe {
 public:
  /// Copies at most `kRows` samples of the batch.
  Probe(const Model& model, const ProgramSettings& settings, const Batch& batch);

  /// The output of each block of the model with the weights as they are; valid until the next call.
  const std::vector<Activations>& run();

  Index rows() const { return x_.shape()[0]; }

  static constexpr Index kRows = 32;

 private:
  Tensor x_, lengths_;
  std::unique_ptr<Program> program_;
  std::vector<Activations> outputs_;
};

}  // namespace firn
