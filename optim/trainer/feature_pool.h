// Features of frozen prefixes that several trainings share.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "engine/base/real.h"

namespace firn {

/// Keeps features by a key, which stands for all that their bits depend on but the sample, and within it by
/// the sample's origin: other views of one set, other labels of it, find the same rows. Each is computed
/// once, whoever asks first. Memory is bounded: where there is no room the keys go that nobody uses and that
/// were not asked for longest, as a whole. For any number of threads; the sets must outlive it.
class FeaturePool {
 public:
  /// The features of one key; in use as long as someone else than the pool holds it.
  class Features {
   public:
    explicit Features(Index width) : width_(width) {}

   private:
    friend class FeaturePool;
    struct Row {
      const real* numbers = nullptr;
      bool reserved = false, claimed = false;
    };
    Row& row(const SampleOrigin& origin);

    const Index width_;
    std::map<const Dataset*, std::vector<Row>> rows_;
    std::vector<std::unique_ptr<real[]>> blocks_;
    Index bytes_ = 0, computed_ = 0;
    double seconds_ = 0;       // of processor time, for those computed
    std::uint64_t asked_ = 0;  // when, on a clock of questions
    std::optional<std::string> verdict_;
  };
  using FeaturesPtr = std::shared_ptr<Features>;
  /// Computes the features of the samples at these positions of what is asked for, one behind the other.
  using Compute = std::function<void(std::span<const std::size_t> positions, real* to)>;

  /// Of all features together, in bytes.
  explicit FeaturePool(Index memory);
  ~FeaturePool();
  FeaturePool(const FeaturePool&) = delete;
  FeaturePool& operator=(const FeaturePool&) = delete;

  /// `width` numbers a sample.
  FeaturesPtr open(const std::string& key, Index width);
  /// Sees that there is room for these samples. False: there is not, whatever goes.
  bool reserve(Features& features, std::span<const SampleOrigin> samples);
  /// Where each sample's features are, as long as `features` is held. Samples must be reserved. What is not
  /// there is computed, at most `together` at a time, or waited for where another thread does so. Gives back
  /// the processor seconds that those would have taken which others have computed. Throws what `compute`
  /// throws; others compute those samples then.
  double get(Features& features, std::span<const SampleOrigin> samples, std::size_t together,
             const Compute& compute, std::span<const real*> to);

  /// Processor seconds that a sample of them took; 0: none was computed.
  double seconds_a_sample(const Features& features) const;
  /// Notes whether reading these is a gain over computing them: why not, or nothing.
  void judge(Features& features, const std::string& why_not);
  /// What was noted; none: nothing yet.
  std::optional<std::string> verdict(const Features& features) const;

  /// Samples whose features were computed, over all keys.
  Index computed() const;
  /// Of what is kept, and promised.
  Index bytes() const;
  /// Keys that are kept.
  std::size_t keys() const;

 private:
  Index memory_;
  struct Turn;  // whose it is
  std::unique_ptr<Turn> turn_;
  std::map<std::string, FeaturesPtr> features_;
  Index bytes_ = 0, computed_ = 0;
  std::uint64_t clock_ = 0;
};

}  // namespace firn
