// Batches of a dataset, the next one prepared while this one trains.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "data/augment.h"
#include "data/dataset.h"
#include "data/transform.h"
#include "engine/tensor/tensor.h"

namespace firn {

struct LoaderOptions {
  Index batch = 64;
  bool shuffle = true;
  /// Of an epoch; 0: each of the dataset once. Fewer than the dataset has: each epoch goes on where the one
  /// before it ended, in an order that is drawn anew whenever all have been given. More: all of them in turn,
  /// in an order that is drawn once, as often as it takes.
  Index samples = 0;
  bool keep_last = true;  ///< give the last, smaller batch too
  /// Of each batch the rows of one of `shards` equal runs, as even as they can be; the batches are those of
  /// one loader without it. A batch of fewer samples than shards leaves some with none, which throws
  /// Error(usage).
  Index shard = 0, shards = 1;
  Index width_multiple =
      1;                   ///< token batches are cut at the longest sample, rounded up to a multiple of this
  std::uint64_t seed = 0;  ///< of the order and of `augment`
  bool background = true;  ///< prepare on a thread of its own; the batches are the same bits either way
  Preprocess preprocess = {};
  Augment augment = {};
  /// An image is changed by `augment` in so many ways, in turn by epoch; 0: in as many as there are.
  Index views = 0;
};

/// What the batches of an epoch hold.
enum class Content {
  samples,    ///< all of it
  unchanged,  ///< all of it, the samples without `augment`
  labels,     ///< all but `x`, which is left undefined: no sample is read
};

/// `count` samples. Nothing is padded to the batch size: the first dimension of every tensor is `count`.
struct Batch {
  Tensor x;        ///< numbers (count, sample shape...), or token indices (count, T) with T the widest's
  Tensor lengths;  ///< indices (count): steps of each sample; defined for token and float sequences
  Tensor targets;  ///< classes: indices (count), or (count, T) where every step has a label; numbers,
                   ///< prepared by `DataInfo::target_scale`, and labels: (count, class_count())
  Index count = 0;
  std::span<const Index> samples;  ///< positions in the dataset
  Index rows_before = 0;           ///< of the whole batch, where this is a shard of it
};

/// Walks a dataset batch by batch. The order is a function of (seed, epoch) alone. After the first batch of a
/// shape no memory is allocated for later ones of that shape.
class Loader {
 public:
  /// Throws Error(usage) on an empty dataset, a batch below 1, or a `preprocess` or `augment` that does not
  /// fit.
  Loader(DatasetPtr data, LoaderOptions options);
  ~Loader();
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  const Dataset& data() const;
  const LoaderOptions& options() const;
  /// Batches of an epoch.
  Index batches() const;

  /// Begins an epoch, at batch `first` of it (to resume). Whatever was prepared is dropped.
  void start(std::uint64_t epoch, Index first = 0, Content content = Content::samples);
  /// Begins with these samples alone, in this order, without `augment`. All must lie in the dataset.
  void start_with(std::vector<Index> samples);
  /// The samples of an epoch in its order, as its batches hold them.
  std::vector<Index> order(std::uint64_t epoch) const;
  /// The next batch, or null after the last; it stays as it is until the next call of `next` or `start`.
  /// Throws what preparing that batch threw; after that only `start` goes on.
  const Batch* next();

 private:
  class Work;
  std::unique_ptr<Work> work_;
};

}  // namespace firn
