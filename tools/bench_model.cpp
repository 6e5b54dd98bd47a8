#include "tools/bench_model.h"

#include "engine/base/rng.h"

namespace firn::cli {

namespace {

Shape batched(Index batch, const Shape& sample) {
  std::vector<Index> sizes{batch};
  sizes.insert(sizes.end(), sample.sizes().begin(), sample.sizes().end());
  return Shape(std::span<const Index>(sizes));
}

}  // namespace

BenchModel::BenchModel(const std::string& name, const std::string& freeze, Index batch, bool exact,
                       Precision frozen) {
  const ModelEntry& entry = find_model(name);
  batch_ = batch > 0 ? batch : entry.usual_batch;
  model_ = entry.make(entry.usual_input, entry.usual_classes);
  model_->initialise(0);
  model_->set_freeze(freeze == "0" ? "none" : freeze);
  feeds_ = random_feeds();
  ProgramSettings settings;
  settings.exact = exact;
  settings.frozen_precision = frozen;
  programs_ = std::make_unique<ProgramCache>(*model_, settings);
  forward_ = &programs_->inference(batch_, model_->input().sample);
  feed(*forward_, false);
  if (freeze == "all") return;
  training_ = &programs_->training(batch_, model_->input().sample);
  feed(*training_, true);
  optimizer_ = make_sgd({.rate = 0.01, .momentum = 0.9});
}

BenchModel::Feeds BenchModel::random_feeds() const {
  Feeds feeds;
  Random random(0, "bench step");
  const InputSpec& input = model_->input();
  const auto below = [&](Index limit) {
    return static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(limit)));
  };
  const Shape shape = batched(batch_, input.sample);
  feeds.x = Tensor(shape, input.vocabulary > 0 ? Type::index : Type::number);
  for (Index i = 0; i < shape.count(); ++i) {
    if (input.vocabulary > 0) {
      feeds.x.indices()[i] = below(input.vocabulary);
    } else {
      feeds.x.data()[i] = static_cast<real>(random.normal());
    }
  }
  feeds.lengths = Tensor(Shape{batch_}, Type::index);
  for (Index i = 0; i < batch_; ++i) feeds.lengths.indices()[i] = static_cast<std::int32_t>(input.sample[0]);
  feeds.labels = Tensor(model_->language_model() ? shape : Shape{batch_}, Type::index);
  for (Index i = 0; i < feeds.labels.count(); ++i) feeds.labels.indices()[i] = below(model_->classes());
  return feeds;
}

void BenchModel::feed(Program& program, bool labels) const {
  program.feed("x", feeds_.x);
  if (model_->input().lengths) program.feed("lengths", feeds_.lengths);
  if (labels) program.feed("labels", feeds_.labels);
}

void BenchModel::step() {
  if (training_ == nullptr) return forward();
  training_->run(number_++);
  optimizer_->step(training_->gradients());
}

}  // namespace firn::cli
