// What is kept is read back, and whether that pays.
#include <fmt/format.h>

#include <algorithm>

#include "engine/base/communicator.h"
#include "engine/base/error.h"
#include "engine/base/seconds.h"
#include "optim/trainer/feature_cache.h"
#include "optim/trainer/feature_rules.h"

namespace firn {

namespace {

constexpr Index kWorthThreads = Index{1} << 18;  // numbers to gather from which on threads help

}  // namespace

Content FeatureCache::content(Part part, std::uint64_t epoch) const {
  if (part == Part::validation && !validates()) return Content::samples;
  return active_ && (shared_ || store(part, epoch).complete()) ? Content::labels : Content::samples;
}

Tensor& FeatureCache::buffer(Index count) {
  const auto [at, fresh] = buffers_.try_emplace(count);
  if (fresh) {
    std::vector<Index> sizes{count};
    sizes.insert(sizes.end(), cut_.features.sizes().begin(), cut_.features.sizes().end());
    at->second = Tensor(Shape(std::span<const Index>(sizes)));
  }
  return at->second;
}

const Tensor& FeatureCache::features(Part part, const Batch& batch) {
  if (!shared_) keep(part, batch);
  const Index width = cut_.features.count();
  Tensor& x = buffer(batch.count);
  const auto fetch = [&](Index i) {
    read(part, batch.samples[static_cast<std::size_t>(i)], x.data() + i * width);
  };
  if (batch.count * width >= kWorthThreads) {
    parallel_for(batch.count, fetch);
  } else {
    for (Index i = 0; i < batch.count; ++i) fetch(i);
  }
  return x;
}

void FeatureCache::read(Part part, Index sample, real* to) const {
  if (shared_) {
    std::copy_n(places_[static_cast<std::size_t>(part)][static_cast<std::size_t>(sample)],
                cut_.features.count(), to);
  } else {
    store(part, epoch_).get(sample, to);
  }
}

/// Computes those of a batch where some are missing.
void FeatureCache::keep(Part part, const Batch& batch) {
  FeatureStore& kept = store(part, epoch_);
  const Index width = cut_.features.count();
  if (!std::all_of(batch.samples.begin(), batch.samples.end(), [&](Index row) { return kept.has(row); })) {
    Program& program = features_of(batch);
    const double begin = seconds_now();  // compiling is not counted
    program.run();
    const real* result = program.output_data("features");
    compute_seconds_ += seconds_since(begin);
    computed_ += batch.count;
    for (Index i = 0; i < batch.count; ++i)
      kept.put(batch.samples[static_cast<std::size_t>(i)], result + i * width);
  }
}

Program& FeatureCache::training(const Batch& batch) {
  const Tensor& x = features(Part::train, batch);
  Program& program = programs_.head_training(batch.count, train_.data().info().shape, cut_, freeze_);
  program.feed("features", x);
  if (cut_.lengths) program.feed("lengths", batch.lengths);
  return program;
}

Program& FeatureCache::inference(const Batch& batch) {
  const Tensor& x = features(Part::validation, batch);
  Program& program = programs_.head_inference(batch.count, cut_, freeze_);
  program.feed("features", x);
  if (cut_.lengths) program.feed("lengths", batch.lengths);
  return program;
}

/// Seconds a sample, of rows in random order, most of which no cache of the processor holds any more: the
/// median of some batches.
double FeatureCache::measure_reading() {
  constexpr std::size_t kBatches = 33;
  const std::vector<Index> rows = train_.order(epoch_);
  Tensor& x = buffer(std::min(kTogether, train_.data().size()));
  const Index count = x.shape()[0], width = cut_.features.count();
  Random random(settings_.seed, "cache");
  std::vector<double> seconds;
  while (seconds.size() < kBatches) {
    const double begin = seconds_now();
    for (Index i = 0; i < count; ++i) {
      const auto at = random.below(static_cast<std::uint32_t>(rows.size()));
      read(Part::train, rows[at], x.data() + i * width);
    }
    seconds.push_back(seconds_since(begin) / static_cast<double>(count));
  }
  std::nth_element(seconds.begin(), seconds.begin() + kBatches / 2, seconds.end());
  return seconds[kBatches / 2];
}

void FeatureCache::after_steps() {
  if (!active_ || shared_ || decided_ || !store(Part::train, epoch_).complete() || computed_ == 0) return;
  decide();
}

/// Whether features that were computed are kept; why not.
std::string FeatureCache::decide() {
  decided_ = true;
  read_seconds_ = measure_reading();
  const double compute = compute_seconds_ / static_cast<double>(computed_);
  bool worth_it = read_seconds_ < compute;
  // Ranks measure different times, and must do the same.
  if (settings_.ranks != nullptr)
    worth_it = settings_.ranks->greatest(settings_.ranks->rank() == 0 && worth_it ? 1 : 0) == 1;
  std::string measured = fmt::format("a sample's features take {:.2f} us to read and {:.2f} us to compute",
                                     read_seconds_ * 1e6, compute * 1e6);
  if (!worth_it && config_.mode == CacheMode::automatic) {
    not_worth_it_.push_back(cut_.child);
    drop(measured);
    return measured;
  }
  report(CacheEvent::Kind::kept,
         fmt::format("features are kept: {}{}", measured, worth_it ? "" : " (as asked for)"));
  return {};
}

/// The first training that shares features decides for all.
void FeatureCache::decide_shared() {
  if (decided_ || config_.pool->verdict(*shared_)) return;
  computed_ = 1;
  compute_seconds_ = config_.pool->seconds_a_sample(*shared_);
  const FeaturePool::FeaturesPtr features = shared_;  // which dropping lets go
  config_.pool->judge(*features, decide());
}

}  // namespace firn
