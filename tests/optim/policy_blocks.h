// Blocks without a model, to tell a policy of.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "optim/policy.h"

namespace firn::test {

/// `count` blocks "b0", "b1", ... with a weight and a bias each, of two elements.
struct Blocks {
  std::vector<std::unique_ptr<Parameter>> parameters;
  std::vector<PolicyBlock> blocks;

  explicit Blocks(int count) {
    for (int i = 0; i < count; ++i) {
      blocks.push_back({i, "b" + std::to_string(i), {}});
      add(i, "weight", Role::weight);
      add(i, "bias", Role::bias);
    }
  }
  Parameter& add(int block, const std::string& name, Role role) {
    PolicyBlock& owner = blocks[static_cast<std::size_t>(block)];
    parameters.push_back(std::make_unique<Parameter>(owner.name + "." + name, Tensor(Shape{2}), role));
    owner.parameters.push_back(parameters.back().get());
    return *parameters.back();
  }
  PolicyStart start(Index epochs = 1, Index steps_per_epoch = 1) const {
    PolicyStart start;
    start.blocks = blocks;
    start.model_blocks = static_cast<int>(blocks.size());
    start.epochs = epochs;
    start.steps_per_epoch = steps_per_epoch;
    return start;
  }
};

}  // namespace firn::test
