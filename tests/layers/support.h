// What the tests of the layers share.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "engine/base/rng.h"
#include "engine/program/program.h"
#include "layers/tasks/usual.h"
#include "layers/training_graph.h"

namespace firn::test {

/// Where shared data lies, if it does.
inline std::string shared_folder() {
  const char* given = std::getenv("FIRN_DATA_DIR");
  const char* source = std::getenv("FIRN_SOURCE_DIR");
  if (given != nullptr) return given;
  return (std::filesystem::path(source != nullptr ? source : ".") / "../shared/data").string();
}

/// A file of the shared data; none, after a message, where it is missing.
inline std::optional<std::string> shared_file(const std::string& name) {
  const std::filesystem::path folder = shared_folder();
  if (std::filesystem::exists(folder / name)) return (folder / name).string();
  MESSAGE("skipped: there is no " << (folder / name).string());
  return {};
}

/// Standard normal numbers.
inline Tensor normal(Shape shape, std::uint64_t seed) {
  Tensor t(shape);
  Random random(seed, "test");
  for (real& x : t.values()) x = static_cast<real>(random.normal());
  return t;
}

/// Indices below `below`.
inline Tensor indices(Shape shape, Index below, std::uint64_t seed, std::int32_t first = 0) {
  Tensor t(shape, DType::int32);
  Random random(seed, "test");
  for (Index i = 0; i < t.count(); ++i) {
    t.indices()[i] = first + static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(below)));
  }
  return t;
}

inline Shape batched(Index batch, const Shape& sample) {
  std::vector<Index> sizes{batch};
  sizes.insert(sizes.end(), sample.sizes().begin(), sample.sizes().end());
  return Shape(std::span<const Index>(sizes));
}

/// A batch that a model of this input can be fed.
struct Feeds {
  Tensor x, lengths, labels;
};

inline Feeds make_feeds(const Model& model, Index batch, std::uint64_t seed = 1) {
  const InputSpec& input = model.input();
  const Shape shape = batched(batch, input.sample);
  Feeds feeds;
  feeds.x = input.vocabulary > 0 ? indices(shape, input.vocabulary, seed) : normal(shape, seed);
  if (input.lengths) feeds.lengths = indices(Shape{batch}, input.sample[0], seed + 1, 1);
  const Shape labels = model.each_step() ? Shape{batch, input.sample[0]} : Shape{batch};
  feeds.labels = indices(labels, model.width(), seed + 2);
  return feeds;
}

inline void feed_all(Program& program, const Feeds& feeds) {
  program.feed("x", feeds.x);
  if (feeds.lengths.defined()) program.feed("lengths", feeds.lengths);
  if (program.is_training()) program.feed("targets", feeds.labels);
}

inline std::unique_ptr<Program> training(const Model& model, Index batch, Graph::Options options = {}) {
  TrainingGraph built = training_graph(model, *usual_task(model), batch, model.input().sample, options);
  return Program::training(std::move(built.graph), built.loss);
}

inline Tensor logits(const Model& model, const Feeds& feeds) {
  auto program = Program::inference(model.inference_graph(feeds.x.shape()[0], feeds.x.shape().tail(1)));
  program->feed("x", feeds.x);
  if (feeds.lengths.defined()) program->feed("lengths", feeds.lengths);
  program->run();
  return program->output("logits");
}

/// One step of gradient descent; the loss before it.
inline real descend(Program& program, real rate, std::uint64_t step = 0) {
  program.run(step);
  const real loss = *program.output_data("loss");
  for (const GradientView& g : program.gradients()) {
    real* value = g.parameter->mutable_value().data();
    for (Index i = 0; i < g.count; ++i) value[i] -= rate * g.data[i];
    g.parameter->touch();
  }
  return loss;
}

}  // namespace firn::test
