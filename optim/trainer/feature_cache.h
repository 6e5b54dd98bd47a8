// The output of the frozen prefix, kept across epochs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/loader.h"
#include "optim/trainer/extension.h"
#include "optim/trainer/feature_pool.h"
#include "optim/trainer/feature_store.h"
#include "optim/trainer/program_cache.h"

namespace firn {

enum class CacheMode {
  off,
  automatic,  ///< kept when reading a sample's features back takes less time than computing them
  on,         ///< kept, in memory or beyond the limit in a mapped file
  ram,        ///< kept in memory; more than the limit is an error
  disk,       ///< kept in a mapped file
};

struct CacheConfig {
  CacheMode mode = CacheMode::off;
  Index memory = Index{1} << 31;  ///< bytes, of training and validation features together
  DType type = DType::number;     ///< that features are kept in, bf16 or as they are
  std::string folder = {};        ///< of the file; empty: the system's for temporary files
  Index resident = 0;             ///< of the file about so many bytes are resident; 0: no limit
  /// Where other trainings find the features too; null: they are this one's alone. Samples under
  /// augmentation, bf16 and a file are not shared, nor what the pool has no room for: that is kept as without
  /// one.
  FeaturePool* pool = nullptr;
};

/// What became of the cache, and why.
struct CacheEvent {
  enum class Kind { begun, kept, refused, grown, dropped };
  Kind kind = Kind::begun;
  std::string text;
  Index epoch = 0;        ///< counted from 1
  std::size_t child = 0;  ///< the first layer that is still computed
  Index bytes = 0;        ///< of all features
  bool on_disk = false;
  bool nothing_frozen = false;                   ///< no layer before the first one that trains
  double compute_seconds = 0, read_seconds = 0;  ///< a sample, as measured; 0: not
};

std::string_view cache_event_name(CacheEvent::Kind kind);

/// Keeps what flows into the first child of a model that trains, for each sample of a training and a test
/// part. In the first epoch features are computed as the whole step would and kept on the way; later epochs
/// gather them. With the numbers kept as they are a run has the same bits as without. Follows what is frozen:
/// drops features whose prefix trains again or whose bytes have changed, and between epochs takes kept
/// features through children that have frozen since.
///
/// With a pool the features of an epoch's samples are there before its first step, most of them where another
/// training has computed them; those of the validation part before its first evaluation.
///
/// Under augmentation a sample has as many features as the loader's `views`. Not kept, and said why: random
/// augmentation without views, dropout or batch statistics in the prefix, sequences of different lengths
/// whose features have them too, a prefix without parameters; without a pool epochs that hold a part of the
/// samples each.
class FeatureCache final : public TrainerExtension {
 public:
  enum class Part { train, validation };

  /// `report` is told what happens; it may be empty.
  FeatureCache(const Model& model, ProgramCache& programs, const ProgramSettings& settings,
               CacheConfig config, const Loader& train, const Loader* validation, Index epochs);
  ~FeatureCache() override;

  void set_report(std::function<void(const CacheEvent&)> report) { report_ = std::move(report); }

  struct Planned {
    CutPoint cut;
    Index epochs;    ///< that compute them: as many as there are views
    bool validates;  ///< those of the validation part are kept too
  };
  /// Where features would be kept; none where they would not.
  std::optional<Planned> planned(const FreezeSet& freeze) const;

  /// With the set of the epoch's (counted from 0) first step: begins, follows or drops.
  /// Throws Error(usage) where the mode is `ram` and the features are more than the limit, and Error(failure)
  /// when memory or file cannot be had and the mode is not `automatic`.
  void begin_epoch(Index epoch, const FreezeSet& freeze);
  /// After its last step: decides whether the features are kept.
  void after_steps() override;
  /// Before a step: drops the features if they are not those of the model as it stands.
  void invalidate_if_stale(const FreezeSet& freeze);

  std::vector<StepField> reads() const override { return {StepField::freeze}; }
  std::vector<StepField> sets() const override { return {StepField::content, StepField::program}; }
  void before_step(StepMoment& now) override;
  void before_forward(StepMoment& now) override {
    if (active_) now.program = &training(*now.batch);
  }
  void before_evaluation(const FreezeSet& freeze) override { invalidate_if_stale(freeze); }

  /// Whether steps go from features, and whether the forward pass over the validation part does. It does not
  /// where the layer behind the cut becomes part of the kernel before it: the last bit could differ.
  bool active() const { return active_; }
  bool validates() const { return active_ && validates_; }
  const CutPoint& cut() const { return cut_; }
  /// What the loader of a part must give in an epoch: samples as long as features are missing.
  Content content(Part part, std::uint64_t epoch = 0) const;
  /// Computes what is missing of the validation part where it is shared; else it is computed on the way.
  void complete_validation();
  /// Processor seconds that the training part's features would have taken which other trainings have
  /// computed.
  double spared_seconds() const { return spared_seconds_; }
  /// The features of a batch, (count, features), until the next call; computed and kept where they are
  /// missing, for which the batch must have its samples.
  const Tensor& features(Part part, const Batch& batch);
  /// The programs that take them, fed with all but the labels.
  Program& training(const Batch& batch);
  Program& inference(const Batch& batch);

  Index bytes() const { return active_ ? bytes_ : 0; }

 private:
  struct Child {
    std::string name;
    std::vector<ParameterPtr> parameters;
  };
  using Stores = std::vector<std::unique_ptr<FeatureStore>>;  // by view

  std::size_t frozen_children(const FreezeSet& freeze) const;
  bool without_parameters(std::size_t child) const;
  std::string why_not(std::size_t child, const FreezeSet& freeze) const;
  void follow(Index epoch, const FreezeSet& freeze);
  bool begin(std::size_t child);
  bool share(std::size_t child);
  double fill(Part part, std::span<const Index> samples);
  std::string decide();
  void decide_shared();
  void forget();
  Program& features_of(const Batch& batch);
  void keep(Part part, const Batch& batch);
  void read(Part part, Index sample, real* to) const;
  bool grow(std::size_t child);
  void watch();
  std::string prefix_hash() const;
  std::string shared_key() const;
  void drop(const std::string& why);
  void decline(const std::string& why);
  std::unique_ptr<FeatureStore> make_store(Part part) const;
  void propagate(Part part, const FeatureStore& from, FeatureStore& to, const CutPoint& old_cut);
  double measure_reading();
  void report(CacheEvent::Kind kind, std::string text);

  Stores& stores(Part part) { return part == Part::train ? train_stores_ : validation_stores_; }
  const Loader& loader(Part part) const { return part == Part::train ? train_ : *validation_; }
  /// Of the part, for the epoch; the validation part has one view.
  FeatureStore& store(Part part, std::uint64_t epoch) const {
    return *(part == Part::train ? train_stores_[epoch % views_] : validation_stores_[0]);
  }
  bool can_share() const;
  Tensor& buffer(Index count);
  Index planned_bytes(const CutPoint& cut, bool validates) const;
  /// Whether steps of the frozen part hand on rounded numbers.
  bool rounds() const { return settings_.types.frozen_narrow(); }
  bool exact_validation(const CutPoint& cut) const;

  const Model& model_;
  ProgramCache& programs_;
  const ProgramSettings settings_;
  const CacheConfig config_;
  const Loader& train_;
  const Loader* validation_;  // null: none
  const Index epochs_;
  std::function<void(const CacheEvent&)> report_;

  std::vector<Child> children_;
  std::size_t views_ = 1;
  bool one_width_ = true;  // all samples have the same number of steps

  bool active_ = false, decided_ = false, on_disk_ = false, validates_ = false;
  std::uint64_t epoch_ = 0;
  FreezeSet freeze_;  // of the step
  CutPoint cut_;
  Index bytes_ = 0;
  Stores train_stores_, validation_stores_;
  FeaturePool::FeaturesPtr shared_;     // null: they are in the stores
  std::vector<const real*> places_[2];  // of shared ones, by part and sample; null: not asked for yet
  double spared_seconds_ = 0;
  std::vector<std::pair<ParameterPtr, std::uint64_t>> versions_;  // of the prefix
  std::string hash_;
  std::map<Index, Tensor> buffers_;  // by rows
  double compute_seconds_ = 0, read_seconds_ = 0;
  Index computed_ = 0;
  std::vector<std::size_t> not_worth_it_;  // children, by measurement
  std::string refused_;                    // the reason told last
};

}  // namespace firn
