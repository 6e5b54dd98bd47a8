// Steps of small networks on numbers that are the same everywhere (step_values_expected.py).
#pragma once

#include <cmath>
#include <string>

#include "layers/network/network.h"
#include "layers/tasks/usual.h"
#include "layers/training_graph.h"
#include "tools/app/explain/step_values.h"

namespace firn::test {

inline constexpr const char* kSmallCnn = "conv 3 3x3 pad 1, relu, pool 2, dense 4, relu, dense";
inline constexpr const char* kSmallLstm = "lstm 5, last, dense";
inline constexpr const char* kSmallResidual =
    "conv 4 3x3 pad 1 no_bias, norm, relu, residual { conv 4 3x3 pad 1 no_bias, norm }, global_pool, dense";

/// middle + size * sin(step * i + phase).
inline void fill(Tensor& tensor, double step, double phase, double size = 0.4, double middle = 0) {
  for (Index i = 0; i < tensor.count(); ++i)
    tensor.data()[i] = static_cast<real>(middle + size * std::sin(step * static_cast<double>(i) + phase));
}

/// A network of three classes.
inline ModelPtr small_model(const char* text, const Shape& sample, const char* freeze) {
  InputSpec input;
  input.sample = sample;
  ModelPtr model = make_network("small", parse_network(text, "test"), "test", input, 3);
  model->initialise(0);
  int j = 0;
  for (const NamedParameter& p : model->parameters()) {
    if (p.parameter->role() == Role::statistic) continue;
    const bool scale = p.parameter->role() == Role::norm && p.name.ends_with("weight");
    Tensor tensor(p.parameter->file_shape());
    fill(tensor, 1.3, 0.2 + 0.7 * j++, scale ? 0.2 : 0.4, scale ? 1 : 0);
    p.parameter->from_file(tensor);
  }
  model->set_freeze(freeze);
  return model;
}

/// Four samples.
inline Batch small_batch(const Shape& sample) {
  Batch batch;
  batch.count = 4;
  std::vector<Index> sizes = {4};
  sizes.insert(sizes.end(), sample.sizes().begin(), sample.sizes().end());
  batch.x = Tensor(Shape(std::span<const Index>(sizes)));
  fill(batch.x, 0.9, 0.1, 1);
  batch.targets = Tensor(Shape{4}, DType::int32);
  for (Index i = 0; i < 4; ++i) batch.targets.indices()[i] = static_cast<std::int32_t>(i % 3);
  return batch;
}

inline ProgramSettings settings_of(const Model& model) {
  ProgramSettings settings;
  settings.task = usual_task(model);
  settings.seed = 1;
  return settings;
}

}  // namespace firn::test
