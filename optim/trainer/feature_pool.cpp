#include "optim/trainer/feature_pool.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "engine/base/seconds.h"

namespace firn {

struct FeaturePool::Turn {
  std::mutex guard;
  std::condition_variable changed;
};

FeaturePool::FeaturePool(Index memory) : memory_(memory), turn_(std::make_unique<Turn>()) {}
FeaturePool::~FeaturePool() = default;

FeaturePool::Features::Row& FeaturePool::Features::row(const SampleOrigin& origin) {
  std::vector<Row>& all = rows_[origin.set];
  if (all.empty()) all.resize(static_cast<std::size_t>(origin.set->size()));
  return all[static_cast<std::size_t>(origin.index)];
}

FeaturePool::FeaturesPtr FeaturePool::open(const std::string& key, Index width) {
  const std::lock_guard lock(turn_->guard);
  FeaturesPtr& features = features_[key];
  if (!features) features = std::make_shared<Features>(width);
  features->asked_ = ++clock_;
  return features;
}

bool FeaturePool::reserve(Features& features, std::span<const SampleOrigin> samples) {
  const std::lock_guard lock(turn_->guard);
  std::vector<Features::Row*> fresh;
  for (const SampleOrigin& sample : samples) {
    Features::Row& row = features.row(sample);
    if (std::exchange(row.reserved, true)) continue;
    fresh.push_back(&row);
  }
  const Index bytes = static_cast<Index>(fresh.size()) * features.width_ * Index{sizeof(real)};
  std::vector<std::map<std::string, FeaturesPtr>::iterator> unused;
  Index most = memory_ - bytes_;  // that can be had
  for (auto at = features_.begin(); at != features_.end(); ++at) {
    if (at->second.use_count() > 1) continue;
    unused.push_back(at);
    most += at->second->bytes_;
  }
  if (bytes > most) {
    for (Features::Row* row : fresh) row->reserved = false;
    return false;
  }
  std::sort(unused.begin(), unused.end(),
            [](const auto& a, const auto& b) { return a->second->asked_ < b->second->asked_; });
  for (auto oldest = unused.begin(); bytes > memory_ - bytes_; ++oldest) {
    bytes_ -= (*oldest)->second->bytes_;
    features_.erase(*oldest);
  }
  bytes_ += bytes;
  features.bytes_ += bytes;
  return true;
}

double FeaturePool::get(Features& features, std::span<const SampleOrigin> samples, std::size_t together,
                        const Compute& compute, std::span<const real*> to) {
  const auto width = static_cast<std::size_t>(features.width_);
  std::unique_lock lock(turn_->guard);
  std::size_t own = 0;
  const auto there = [&](std::size_t i) { return features.row(samples[i]).numbers != nullptr; };
  std::size_t from = 0;  // all before it are there
  for (;;) {
    while (from < samples.size() && there(from)) ++from;
    if (from == samples.size()) break;
    std::vector<std::size_t> mine;
    for (std::size_t i = from; i < samples.size() && mine.size() < together; ++i) {
      if (!there(i) && !std::exchange(features.row(samples[i]).claimed, true)) mine.push_back(i);
    }
    if (mine.empty()) {
      turn_->changed.wait(lock);
      continue;
    }
    lock.unlock();
    std::unique_ptr<real[]> block;
    const double begin = thread_seconds();
    try {
      block = std::make_unique_for_overwrite<real[]>(mine.size() * width);
      compute(mine, block.get());
    } catch (...) {
      lock.lock();
      for (const std::size_t i : mine) features.row(samples[i]).claimed = false;
      turn_->changed.notify_all();
      throw;
    }
    const double seconds = thread_seconds() - begin;
    lock.lock();
    for (std::size_t n = 0; n < mine.size(); ++n)
      features.row(samples[mine[n]]).numbers = block.get() + n * width;
    features.blocks_.push_back(std::move(block));
    features.seconds_ += seconds;
    features.computed_ += static_cast<Index>(mine.size());
    computed_ += static_cast<Index>(mine.size());
    own += mine.size();
    turn_->changed.notify_all();
  }
  std::transform(samples.begin(), samples.end(), to.begin(),
                 [&](const SampleOrigin& sample) { return features.row(sample).numbers; });
  const double each =
      features.computed_ > 0 ? features.seconds_ / static_cast<double>(features.computed_) : 0;
  return static_cast<double>(samples.size() - own) * each;
}

double FeaturePool::seconds_a_sample(const Features& features) const {
  const std::lock_guard lock(turn_->guard);
  return features.computed_ > 0 ? features.seconds_ / static_cast<double>(features.computed_) : 0;
}

void FeaturePool::judge(Features& features, const std::string& why_not) {
  const std::lock_guard lock(turn_->guard);
  features.verdict_ = why_not;
}

std::optional<std::string> FeaturePool::verdict(const Features& features) const {
  const std::lock_guard lock(turn_->guard);
  return features.verdict_;
}

Index FeaturePool::computed() const {
  const std::lock_guard lock(turn_->guard);
  return computed_;
}

Index FeaturePool::bytes() const {
  const std::lock_guard lock(turn_->guard);
  return bytes_;
}

std::size_t FeaturePool::keys() const {
  const std::lock_guard lock(turn_->guard);
  return features_.size();
}

}  // namespace firn
