#include "data/loader.h"

#include <fmt/core.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "data/finite.h"
#include "engine/base/error.h"
#include "engine/base/float_mode.h"
#include "engine/base/rng.h"

namespace firn {

namespace {

/// One of the two batches, with a tensor kept for each shape it has had.
struct Slot {
  struct Tensors {
    Tensor x;
    Tensor lengths;
    Tensor targets;
  };
  std::map<std::pair<Index, Index>, Tensors> made;  ///< by count and width
  Batch batch;
  std::vector<Index> samples;  ///< of the batch
  std::exception_ptr error;
};

/// Positions in a dataset: of a long text there are many, so they are small.
using Order = std::vector<std::uint32_t>;

Order in_turn(Index count) {
  Order order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0U);
  return order;
}

void check_options(const Dataset& data, const LoaderOptions& options) {
  const DataInfo& info = data.info();
  if (data.size() < 1) throw Error(Fault::usage, "loader", info.name + " has no samples");
  if (options.batch < 1) throw Error(Fault::usage, "loader", fmt::format("a batch of {}", options.batch));
  if (options.samples < 0)
    throw Error(Fault::usage, "loader", fmt::format("{} samples of an epoch", options.samples));
  if (options.width_multiple < 1) {
    throw Error(Fault::usage, "loader", fmt::format("widths in multiples of {}", options.width_multiple));
  }
  if (data.size() > Index{0xffffffff}) throw Error(Fault::usage, "loader", "more than 2^32 samples");
  check_preprocess(options.preprocess, info);
  if (options.views < 0) throw Error(Fault::usage, "loader", fmt::format("{} views", options.views));
  if (options.shards < 1 || options.shard < 0 || options.shard >= options.shards) {
    throw Error(Fault::usage, "loader",
                fmt::format("shard {} of {}: want 0 to shards - 1", options.shard, options.shards));
  }
  const Augment& augment = options.augment;
  if (!augment.any()) return;
  if (info.kind != DataKind::image) {
    throw Error(Fault::usage, "augment", fmt::format("{} holds no images", info.name));
  }
  check_augment(augment, info.shape);
}

}  // namespace

class Loader::Work {
 public:
  Work(DatasetPtr data, LoaderOptions options) : data_(std::move(data)), options_(std::move(options)) {
    check_options(*data_, options_);
    if (options_.views == 0) options_.views = options_.augment.views();
    if (options_.samples > data_->size()) repeat();
    if (options_.augment.any()) image_.resize(static_cast<std::size_t>(data_->info().shape.count()));
  }

  ~Work() { stop(); }

  const Dataset& data() const { return *data_; }
  const LoaderOptions& options() const { return options_; }

  Index batches() const { return batches_of(options_.samples > 0 ? options_.samples : data_->size()); }

  std::vector<Index> order(std::uint64_t epoch) const {
    const Order order = order_of(epoch);
    const std::size_t held = std::min(order.size(), static_cast<std::size_t>(batches() * options_.batch));
    return {order.begin(), order.begin() + static_cast<std::ptrdiff_t>(held)};
  }

  void start(std::uint64_t epoch, Index first, Content content) {
    if (first < 0 || first > batches()) {
      throw Error(Fault::usage, "loader", fmt::format("batch {} of {}", first, batches()));
    }
    std::unique_lock lock(mutex_);
    idle(lock);
    epoch_ = epoch;
    Order().swap(order_);  // before the next one is made
    begin(order_of(epoch), first, content);
  }

  void start_with(std::vector<Index> samples) {
    std::unique_lock lock(mutex_);
    idle(lock);
    begin({samples.begin(), samples.end()}, 0, Content::unchanged);
  }

  const Batch* next() {
    std::unique_lock lock(mutex_);
    idle(lock);
    Slot* slot = std::exchange(ready_, nullptr);
    if (slot == nullptr) return nullptr;
    if (slot->error != nullptr) std::rethrow_exception(std::exchange(slot->error, nullptr));
    ++next_;
    current_ = 1 - current_;
    request();
    return &slot->batch;
  }

 private:
  Index batches_of(Index samples) const {
    return options_.keep_last ? (samples + options_.batch - 1) / options_.batch : samples / options_.batch;
  }

  /// Called while idle, under the lock.
  void begin(Order order, Index first, Content content) {
    order_ = std::move(order);
    content_ = content;
    next_ = first;
    ready_ = nullptr;
    request();
  }

  void repeat() {
    Random random(options_.seed, "epoch");
    Order turn = in_turn(data_->size());
    shuffle(turn.data(), data_->size(), random);
    repeated_.resize(static_cast<std::size_t>(options_.samples));
    for (std::size_t i = 0; i < repeated_.size(); ++i) repeated_[i] = turn[i % turn.size()];
  }

  /// The epoch's part of all passes over the data, one behind the other.
  Order going_on(std::uint64_t epoch) const {
    const auto all = static_cast<std::uint64_t>(data_->size()),
               some = static_cast<std::uint64_t>(options_.samples);
    Order order(some), pass;
    for (std::uint64_t i = 0; i < some; ++i) {
      const std::uint64_t at = epoch * some + i;
      if (pass.empty() || at % all == 0) {
        pass = in_turn(data_->size());
        Random random(options_.seed, "pass", at / all);
        if (options_.shuffle) shuffle(pass.data(), data_->size(), random);
      }
      order[i] = pass[at % all];
    }
    return order;
  }

  Order order_of(std::uint64_t epoch) const {
    if (options_.samples > 0 && options_.samples < data_->size()) return going_on(epoch);
    Order order = repeated_.empty() ? in_turn(data_->size()) : repeated_;
    if (options_.shuffle) {
      Random random(options_.seed, "order", epoch);
      shuffle(order.data(), static_cast<Index>(order.size()), random);
    }
    return order;
  }

  /// Waits until nothing is being prepared.
  void idle(std::unique_lock<std::mutex>& lock) {
    changed_.wait(lock, [this] { return wanted_ == nullptr; });
  }

  /// Has batch `next_` prepared in the free slot; called while idle, under the lock.
  void request() {
    if (next_ >= batches_of(static_cast<Index>(order_.size()))) return;
    Slot& slot = slots_[current_];
    // Labels alone are sooner copied than another thread is woken.
    if (!options_.background || content_ == Content::labels) {
      prepare(slot);
      ready_ = &slot;
      return;
    }
    if (!thread_.joinable()) thread_ = std::thread([this] { serve(); });
    wanted_ = &slot;
    changed_.notify_all();
  }

  void serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return wanted_ != nullptr || stopping_; });
      if (stopping_) return;
      Slot* slot = wanted_;
      lock.unlock();
      prepare(*slot);
      lock.lock();
      ready_ = slot;
      wanted_ = nullptr;
      changed_.notify_all();
    }
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  void prepare(Slot& slot) noexcept {
    const FlushSubnormals flush;
    slot.error = nullptr;
    try {
      fill(slot);
    } catch (...) {
      slot.error = std::current_exception();
    }
  }

  void fill(Slot& slot) {
    const DataInfo& info = data_->info();
    const Index first = next_ * options_.batch;
    const Index all = std::min(options_.batch, static_cast<Index>(order_.size()) - first);
    const std::span<const std::uint32_t> whole(order_.data() + first, static_cast<std::size_t>(all));
    // Cut by places alone, so that the shards of a batch are the batch.
    const Index before = all * options_.shard / options_.shards;
    const Index count = all * (options_.shard + 1) / options_.shards - before;
    if (count == 0) {
      throw Error(Fault::usage, "loader",
                  fmt::format("a batch of {} samples has none for shard {} of {}", all, options_.shard,
                              options_.shards));
    }
    const auto own = whole.subspan(static_cast<std::size_t>(before), static_cast<std::size_t>(count));
    slot.samples.assign(own.begin(), own.end());
    const std::vector<Index>& samples = slot.samples;
    const bool tokens = info.kind == DataKind::tokens;
    Index width = 0;
    if (tokens) {
      for (const Index i : whole) width = std::max(width, data_->length(i));
      width = (width + options_.width_multiple - 1) / options_.width_multiple * options_.width_multiple;
    }

    const bool with_samples = content_ != Content::labels;
    Slot::Tensors& tensors = made(slot, count, width);
    const auto size = static_cast<std::size_t>(tokens ? width : info.shape.count());
    const auto labels = static_cast<std::size_t>(info.label_each_step ? width : 1);
    for (std::size_t n = 0; n < samples.size(); ++n) {
      const Index i = samples[n];
      if (!with_samples) {
        // left as it is
      } else if (tokens) {
        data_->fill_tokens(i, {tensors.x.indices() + n * size, size});
      } else {
        fill_numbers(i, {tensors.x.data() + n * size, size});
      }
      if (info.targets == TargetKind::classes) {
        data_->fill_labels(i, {tensors.targets.indices() + n * labels, labels});
      } else {
        fill_targets(i, tensors.targets.data() + n * info.classes.size());
      }
      if (tensors.lengths.defined())
        tensors.lengths.indices()[n] = static_cast<std::int32_t>(data_->length(i));
    }
    slot.batch = {
        with_samples ? tensors.x : Tensor(), tensors.lengths, tensors.targets, count, samples, before};
  }

  void fill_targets(Index i, real* to) {
    const TargetScale& scale = data_->info().target_scale;
    target_.resize(data_->info().classes.size());
    data_->fill_targets(i, target_);
    for (std::size_t c = 0; c < target_.size(); ++c) {
      const double value =
          scale.mean.empty() ? target_[c] : (target_[c] - scale.mean[c]) / scale.deviation[c];
      to[c] = static_cast<real>(value);
    }
  }

  void fill_numbers(Index i, std::span<real> to) {
    const DataInfo& info = data_->info();
    if (options_.augment.any() && content_ != Content::unchanged) {
      data_->fill_numbers(i, image_);
      const auto views = static_cast<std::uint64_t>(options_.views);
      apply(options_.augment, info.shape, options_.seed, views > 0 ? epoch_ % views : epoch_, i, image_, to);
    } else {
      data_->fill_numbers(i, to);
    }
    // The padding after a sequence stays zero.
    const Index steps =
        info.kind == DataKind::sequence ? data_->length(i) * info.shape[1] : info.shape.count();
    apply(options_.preprocess, info.shape[-1], to.first(static_cast<std::size_t>(steps)));
    require_finite_prepared(*data_, i, to.first(static_cast<std::size_t>(steps)), image_);
  }

  Slot::Tensors& made(Slot& slot, Index count, Index width) {
    const auto [at, fresh] = slot.made.try_emplace({count, width});
    Slot::Tensors& tensors = at->second;
    const DataInfo& info = data_->info();
    const bool tokens = info.kind == DataKind::tokens;
    if (content_ != Content::labels && !tensors.x.defined()) {
      std::vector<Index> sizes = {count};
      if (tokens) {
        sizes.push_back(width);
      } else {
        sizes.insert(sizes.end(), info.shape.sizes().begin(), info.shape.sizes().end());
      }
      tensors.x = Tensor(Shape(sizes), tokens ? DType::int32 : DType::number);
    }
    if (!fresh) return tensors;
    if (tokens || info.kind == DataKind::sequence) tensors.lengths = Tensor({count}, DType::int32);
    tensors.targets =
        info.targets != TargetKind::classes
            ? Tensor({count, data_->class_count()})
            : Tensor(info.label_each_step ? Shape({count, width}) : Shape({count}), DType::int32);
    return tensors;
  }

  const DatasetPtr data_;
  LoaderOptions options_;
  Order repeated_;              // the samples of every epoch, where these are more than there are
  Order order_;                 // of this one
  std::vector<real> image_;     ///< a sample before its augmentation
  std::vector<double> target_;  ///< of a sample, as the data has it
  std::uint64_t epoch_ = 0;
  Content content_ = Content::samples;
  Index next_ = 0;   ///< batch that is prepared next
  int current_ = 0;  ///< slot that is filled next; the caller may read the other
  Slot slots_[2];
  Slot* ready_ = nullptr;

  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Slot* wanted_ = nullptr;  ///< being prepared by the thread
  bool stopping_ = false;
};

Loader::Loader(DatasetPtr data, LoaderOptions options)
    : work_(std::make_unique<Work>(std::move(data), std::move(options))) {}

Loader::~Loader() = default;

const Dataset& Loader::data() const {
  return work_->data();
}
const LoaderOptions& Loader::options() const {
  return work_->options();
}
Index Loader::batches() const {
  return work_->batches();
}
void Loader::start(std::uint64_t epoch, Index first, Content content) {
  work_->start(epoch, first, content);
}
void Loader::start_with(std::vector<Index> samples) {
  work_->start_with(std::move(samples));
}
std::vector<Index> Loader::order(std::uint64_t epoch) const {
  return work_->order(epoch);
}
const Batch* Loader::next() {
  return work_->next();
}

}  // namespace firn
