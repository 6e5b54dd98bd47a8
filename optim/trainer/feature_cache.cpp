#include "optim/trainer/feature_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/base/rng.h"
#include "engine/base/seconds.h"
#include "engine/base/sha256.h"
#include "engine/program/differentiate.h"
#include "optim/trainer/feature_rules.h"

namespace firn {

namespace {

constexpr Index kTogether = 64;  // samples that grow or are read at a time

std::string megabytes(Index bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) * 1e-6);
}

bool same_length(const Dataset& data) {
  if (data.info().kind != DataKind::tokens) return true;
  for (Index i = 0; i < data.size(); ++i) {
    if (data.length(i) != data.info().shape[0]) return false;
  }
  return true;
}

/// Whether an epoch holds a part of the samples, and the next one others.
bool in_parts(const Loader& loader) {
  return loader.options().samples > 0 && loader.options().samples < loader.data().size();
}

}  // namespace

std::string_view cache_event_name(CacheEvent::Kind kind) {
  switch (kind) {
    case CacheEvent::Kind::begun:
      return "begun";
    case CacheEvent::Kind::kept:
      return "kept";
    case CacheEvent::Kind::refused:
      return "refused";
    case CacheEvent::Kind::grown:
      return "grown";
    case CacheEvent::Kind::dropped:
      return "dropped";
  }
  return "?";
}

FeatureCache::FeatureCache(const Model& model, ProgramCache& programs, const ProgramSettings& settings,
                           CacheConfig config, const Loader& train, const Loader* validation, Index epochs)
    : model_(model),
      programs_(programs),
      settings_(settings),
      config_(std::move(config)),
      train_(train),
      validation_(validation),
      epochs_(epochs) {
  if (config_.memory < 0) {
    throw Error(Fault::usage, "cache", fmt::format("a limit of {} bytes", config_.memory));
  }
  for (const Layer::Child& child : model.children()) {
    Child one{child.name.empty() ? child.layer->spec().kind : child.name, {}};
    for (const NamedParameter& p : child.layer->parameters()) one.parameters.push_back(p.parameter);
    children_.push_back(std::move(one));
  }
  if (train.options().augment.any())
    views_ = static_cast<std::size_t>(std::max<Index>(1, train.options().views));
  if (config_.mode != CacheMode::off) {
    one_width_ = same_length(train.data()) && (validation == nullptr || same_length(validation->data()));
  }
}

FeatureCache::~FeatureCache() = default;

std::size_t FeatureCache::frozen_children(const FreezeSet& freeze) const {
  const auto trains = [&](const Child& child) {
    return std::any_of(child.parameters.begin(), child.parameters.end(),
                       [&](const ParameterPtr& p) { return freeze.trains(*p); });
  };
  return static_cast<std::size_t>(std::find_if(children_.begin(), children_.end(), trains) -
                                  children_.begin());
}

/// Whether no child before this one has any.
bool FeatureCache::without_parameters(std::size_t child) const {
  return std::all_of(children_.begin(), children_.begin() + static_cast<std::ptrdiff_t>(child),
                     [](const Child& c) { return c.parameters.empty(); });
}

/// Why the features before a child cannot be kept; empty: they can.
std::string FeatureCache::why_not(std::size_t child, const FreezeSet& freeze) const {
  if (without_parameters(child)) return "nothing is frozen before the first layer that trains";
  if (train_.options().augment.any() && train_.options().views == 0) {
    return "augmentation changes the samples in every epoch (a number of views would repeat)";
  }
  const Shape& sample = train_.data().info().shape;
  const CutPoint cut = model_.cut_point_at(child, sample);
  Graph::Options options;
  options.mode = Mode::train;
  options.batch_statistics = settings_.batch_statistics;
  options.dropout_in_frozen = settings_.dropout_in_frozen;
  options.types.all = settings_.types.all;
  options.freeze = freeze;
  Graph before(options);
  model_.add_to(before, 2, ModelPart(sample).up_to(cut));
  if (const std::string random = not_a_function(before); !random.empty()) return random;
  const TrainingGraph head =
      training_graph(model_, programs_.task(), 2, ModelPart(sample).behind(cut), options);
  differentiate(*head.graph, head.loss);
  if (fused_across(*head.graph, head.in))
    return "the first layer that trains is part of the frozen one's kernel";
  if (rounds() && rounded_behind(*head.graph, head.in)) {
    return "the frozen part goes on in bf16 within the first layer that trains";
  }
  if (one_width_) return {};
  const bool follows = model_.cut_point_at(child, sample.with(0, sample[0] + 1)).features != cut.features;
  if (follows) return "samples have different lengths, and so have their features";
  return model_.input().lengths ? "" : "samples have different lengths, which the model is not told";
}

std::optional<FeatureCache::Planned> FeatureCache::planned(const FreezeSet& freeze) const {
  const std::size_t frozen = frozen_children(freeze);
  if (config_.mode == CacheMode::off || frozen == children_.size() || !why_not(frozen, freeze).empty())
    return std::nullopt;
  if (!can_share() && (epochs_ < 2 || in_parts(train_))) return std::nullopt;
  const CutPoint cut = model_.cut_point_at(frozen, train_.data().info().shape);
  return Planned{cut, static_cast<Index>(views_), exact_validation(cut)};
}

void FeatureCache::begin_epoch(Index epoch, const FreezeSet& freeze) {
  epoch_ = static_cast<std::uint64_t>(epoch);
  if (config_.mode == CacheMode::off) return;
  invalidate_if_stale(freeze);
  follow(epoch, freeze);
  if (!active_ || !shared_) return;
  spared_seconds_ += fill(Part::train, train_.order(epoch_));
  decide_shared();
}

void FeatureCache::before_step(StepMoment& now) {
  if (now.opens_visit) {
    begin_epoch(now.time.epoch, *now.freeze);
  } else {
    invalidate_if_stale(*now.freeze);
  }
  now.content = content(Part::train, static_cast<std::uint64_t>(now.time.epoch));
}

/// Begins where nothing is kept, or more has frozen.
void FeatureCache::follow(Index epoch, const FreezeSet& freeze) {
  const std::size_t frozen = frozen_children(freeze);
  if (frozen == children_.size()) return;  // nothing trains: the step says so
  if (active_ && frozen <= cut_.child) return;
  if (std::count(not_worth_it_.begin(), not_worth_it_.end(), frozen) > 0) return;
  const bool nothing_told = refused_.empty() && hash_.empty();
  if (const std::string why = why_not(frozen, freeze); !why.empty()) return decline(why);
  if (can_share() && share(frozen)) return;
  if (std::count(not_worth_it_.begin(), not_worth_it_.end(), frozen) > 0) return;
  if (in_parts(train_)) return decline("an epoch holds a part of the samples, the next one others");
  if (epoch + 1 >= epochs_) {
    if (nothing_told) decline("no epoch is left that would read them");
    return;
  }
  // From whole features other numbers would come than from those that are rounded on their way.
  if (active_ && !shared_ && !rounds() && grow(frozen)) return;
  begin(frozen);
}

bool FeatureCache::exact_validation(const CutPoint& cut) const {
  if (validation_ == nullptr) return false;
  Graph behind({.mode = Mode::infer});
  const Value features = model_.add_to(behind, 2, ModelPart(cut.features).behind(cut)).in;
  return !fused_across(behind, features);
}

Index FeatureCache::planned_bytes(const CutPoint& cut, bool validates) const {
  const Index rows =
      train_.data().size() * static_cast<Index>(views_) + (validates ? validation_->data().size() : 0);
  return FeatureStore::bytes_for({.rows = rows, .width = cut.features.count(), .type = config_.type});
}

std::unique_ptr<FeatureStore> FeatureCache::make_store(Part part) const {
  return std::make_unique<FeatureStore>(FeatureStoreOptions{.rows = loader(part).data().size(),
                                                            .width = cut_.features.count(),
                                                            .type = config_.type,
                                                            .on_disk = on_disk_,
                                                            .folder = config_.folder,
                                                            .resident = config_.resident});
}

bool FeatureCache::begin(std::size_t child) {
  const CutPoint cut = model_.cut_point_at(child, train_.data().info().shape);
  const bool validates = exact_validation(cut);
  const Index bytes = planned_bytes(cut, validates);
  const bool beyond = bytes > config_.memory;
  if (beyond && config_.mode == CacheMode::ram) {
    throw Error(Fault::usage, "cache",
                fmt::format("features before {} of {} samples are {} bytes, the limit is {} (disk, or bf16, "
                            "or fewer views)",
                            children_[child].name,
                            train_.data().size() + (validation_ != nullptr ? validation_->data().size() : 0),
                            bytes, config_.memory));
  }
  forget();
  cut_ = cut;
  on_disk_ = beyond || config_.mode == CacheMode::disk;
  try {
    for (std::size_t view = 0; view < views_; ++view) train_stores_.push_back(make_store(Part::train));
    if (validates) validation_stores_.push_back(make_store(Part::validation));
  } catch (const Error& error) {
    train_stores_.clear();
    if (config_.mode != CacheMode::automatic) throw;
    not_worth_it_.push_back(child);
    decline(error.what());
    return false;
  }
  bytes_ = bytes;
  validates_ = validates;
  active_ = true;
  watch();
  report(CacheEvent::Kind::begun,
         fmt::format(
             "features before {} ({} numbers, {}) of {} training{} and {} validation samples are kept in the "
             "first epoch: {} {}",
             children_[child].name, cut_.features.count(),
             config_.type == DType::number ? "as computed" : "bf16", train_.data().size(),
             views_ > 1 ? fmt::format(" samples in {} views", views_) : "",
             validates ? validation_->data().size() : 0, megabytes(bytes),
             on_disk_ ? "in a file" : "of memory"));
  return true;
}

bool FeatureCache::can_share() const {
  return config_.pool != nullptr && config_.type == DType::number && config_.mode != CacheMode::disk &&
         views_ == 1 && !train_.options().augment.any();
}

/// Begins with features that other trainings may have computed. False: the pool has no room for them, or it
/// is no gain.
bool FeatureCache::share(std::size_t child) {
  const CutPoint cut = model_.cut_point_at(child, train_.data().info().shape);
  forget();
  active_ = false;
  cut_ = cut;
  watch();
  shared_ = config_.pool->open(shared_key(), cut.features.count());
  std::string why;
  if (config_.mode == CacheMode::automatic) why = config_.pool->verdict(*shared_).value_or("");
  if (!why.empty()) {
    not_worth_it_.push_back(child);
    decline(why);
  }
  validates_ = exact_validation(cut);
  std::vector<SampleOrigin> all;
  const auto want = [&](const Dataset& data) {
    for (Index i = 0; i < data.size(); ++i) all.push_back(data.origin(i));
  };
  want(train_.data());
  if (validates_) want(validation_->data());
  if (!why.empty() || !config_.pool->reserve(*shared_, all)) {
    forget();
    return false;
  }
  places_[0].assign(static_cast<std::size_t>(train_.data().size()), nullptr);
  places_[1].assign(validates_ ? static_cast<std::size_t>(validation_->data().size()) : 0, nullptr);
  bytes_ = planned_bytes(cut, validates_);
  on_disk_ = false;
  active_ = true;
  report(
      CacheEvent::Kind::begun,
      fmt::format("features before {} ({} numbers) of {} training and {} validation samples are shared: {}",
                  children_[child].name, cut_.features.count(), places_[0].size(), places_[1].size(),
                  megabytes(bytes_)));
  return true;
}

/// All that the bits of features depend on but the sample.
std::string FeatureCache::shared_key() const {
  const Loader& loader = train_;
  const Preprocess& rule = loader.options().preprocess;
  Sha256 hash;
  const auto add = [&](const std::string& text) { hash.update(std::as_bytes(std::span(text))); };
  add(fmt::format("{} {} {} {} {} {}\n", model_.name(), model_.input().vocabulary, model_.input().lengths,
                  loader.data().info().shape.text(), cut_.features.text(), cut_.child));
  add(fmt::format("{} {} {} {}\n", settings_.exact, static_cast<int>(settings_.types.all),
                  static_cast<int>(settings_.types.frozen), loader.options().width_multiple));
  add(fmt::format("{} {} {} {}\n", rule.scale, fmt::join(rule.mean, ","), fmt::join(rule.deviation, ","),
                  rule.bgr));
  for (std::size_t i = 0; i < cut_.child; ++i) {
    add(fmt::format("{} {}\n", children_[i].name, model_.children()[i].layer->text()));
    for (const ParameterPtr& p : children_[i].parameters) {
      add(fmt::format("{} {}\n", p->name(), p->shape().text()));
      hash.update(std::as_bytes(p->value().values()));
    }
  }
  return hash.hex();
}

/// Sees that the features of these samples are there; the processor seconds that others have spent on them.
double FeatureCache::fill(Part part, std::span<const Index> samples) {
  std::vector<const real*>& places = places_[static_cast<std::size_t>(part)];
  const Dataset& data = loader(part).data();
  std::vector<Index> wanted;
  for (const Index i : samples) {
    if (places[static_cast<std::size_t>(i)] == nullptr) wanted.push_back(i);
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  if (wanted.empty()) return 0;
  std::vector<SampleOrigin> origins;
  for (const Index i : wanted) origins.push_back(data.origin(i));
  LoaderOptions options = loader(part).options();
  options.samples = 0;
  options.shuffle = options.background = false;
  options.keep_last = true;
  Loader reader(DatasetPtr(DatasetPtr(), &data), options);
  const auto compute = [&](std::span<const std::size_t> positions, real* to) {
    std::vector<Index> some;
    for (const std::size_t position : positions) some.push_back(wanted[position]);
    reader.start_with(std::move(some));
    const Batch& batch = *reader.next();
    Program& program = features_of(batch);
    program.run();
    std::copy_n(program.output_data("features"), batch.count * cut_.features.count(), to);
  };
  std::vector<const real*> found(wanted.size());
  const double spared =
      config_.pool->get(*shared_, origins, static_cast<std::size_t>(options.batch), compute, found);
  for (std::size_t n = 0; n < wanted.size(); ++n) places[static_cast<std::size_t>(wanted[n])] = found[n];
  return spared;
}

void FeatureCache::complete_validation() {
  if (!validates() || !shared_) return;
  std::vector<Index> all(places_[1].size());
  std::iota(all.begin(), all.end(), Index{0});
  fill(Part::validation, all);
}

/// Compiled, fed.
Program& FeatureCache::features_of(const Batch& batch) {
  Program& program = programs_.features(batch.count, batch.x.shape().tail(1), cut_, nullptr, freeze_);
  program.feed("x", batch.x);
  if (model_.input().lengths) program.feed("lengths", batch.lengths);
  return program;
}

/// Nothing is kept.
void FeatureCache::forget() {
  train_stores_.clear();
  validation_stores_.clear();
  buffers_.clear();
  shared_.reset();
  for (std::vector<const real*>& places : places_) places.clear();
  decided_ = validates_ = false;
  compute_seconds_ = read_seconds_ = 0;
  computed_ = 0;
}

/// Takes what is kept through the children that have frozen since. False: rather begin anew.
bool FeatureCache::grow(std::size_t child) {
  const CutPoint wider = model_.cut_point_at(child, train_.data().info().shape);
  const bool validates = exact_validation(wider);
  if (validates && !validates_) return false;
  if (!validates) validation_stores_.clear();
  validates_ = validates;
  const Index bytes = planned_bytes(wider, validates);
  // Both lie in memory for a while.
  if (on_disk_ || bytes > config_.memory - bytes_) return false;
  const double begin = seconds_now();
  const CutPoint old_cut = std::exchange(cut_, wider);
  buffers_.clear();
  for (const Part part : {Part::train, Part::validation}) {
    for (std::unique_ptr<FeatureStore>& kept : stores(part)) {
      auto grown = make_store(part);
      propagate(part, *kept, *grown, old_cut);
      kept = std::move(grown);
    }
  }
  bytes_ = bytes;
  watch();
  report(CacheEvent::Kind::grown, fmt::format("features kept before {} were taken on to {} in {:.2f} s: {}",
                                              children_[old_cut.child].name, children_[child].name,
                                              seconds_since(begin), megabytes(bytes)));
  return true;
}

void FeatureCache::propagate(Part part, const FeatureStore& from, FeatureStore& to, const CutPoint& old_cut) {
  std::vector<Index> rows;
  const Index width = cut_.features.count();
  const auto flush = [&] {
    const auto count = static_cast<Index>(rows.size());
    if (count == 0) return;
    std::vector<Index> sizes{count};
    sizes.insert(sizes.end(), old_cut.features.sizes().begin(), old_cut.features.sizes().end());
    Tensor x{Shape(std::span<const Index>(sizes))};
    Tensor lengths(Shape{count}, DType::int32);
    for (Index i = 0; i < count; ++i) {
      const Index row = rows[static_cast<std::size_t>(i)];
      from.get(row, x.data() + i * old_cut.features.count());
      lengths.indices()[i] = static_cast<std::int32_t>(loader(part).data().length(row));
    }
    Program& program = programs_.features(count, {}, cut_, &old_cut, freeze_);
    program.feed("features", x);
    if (old_cut.lengths) program.feed("lengths", lengths);
    program.run();
    const real* result = program.output_data("features");
    for (Index i = 0; i < count; ++i) to.put(rows[static_cast<std::size_t>(i)], result + i * width);
    rows.clear();
  };
  for (Index row = 0; row < from.rows(); ++row) {
    if (from.has(row)) rows.push_back(row);
    if (static_cast<Index>(rows.size()) == kTogether) flush();
  }
  flush();
}

void FeatureCache::watch() {
  versions_.clear();
  for (std::size_t i = 0; i < cut_.child; ++i) {
    for (const ParameterPtr& p : children_[i].parameters) versions_.emplace_back(p, p->version());
  }
  hash_ = prefix_hash();
}

std::string FeatureCache::prefix_hash() const {
  Sha256 hash;
  for (const auto& [parameter, version] : versions_) hash.update(std::as_bytes(parameter->value().values()));
  return hash.hex();
}

void FeatureCache::invalidate_if_stale(const FreezeSet& freeze) {
  freeze_ = freeze;
  if (!active_) return;
  bool changed = false;
  for (auto& [parameter, version] : versions_) {
    if (freeze.trains(*parameter)) return drop(fmt::format("{} trains again", parameter->name()));
    changed = changed || parameter->version() != version;
    version = parameter->version();
  }
  if (changed && prefix_hash() != hash_) drop("the numbers of the frozen part have changed");
}

void FeatureCache::drop(const std::string& why) {
  report(CacheEvent::Kind::dropped,
         fmt::format("features before {} are dropped: {}", children_[cut_.child].name, why));
  active_ = false;
  forget();
}

void FeatureCache::decline(const std::string& why) {
  if (std::exchange(refused_, why) == why) return;
  report(CacheEvent::Kind::refused, "features are not kept: " + why);
}

void FeatureCache::report(CacheEvent::Kind kind, std::string text) {
  if (!report_) return;
  CacheEvent event;
  event.kind = kind;
  event.text = std::move(text);
  event.epoch = static_cast<Index>(epoch_) + 1;
  event.child = active_ ? cut_.child : 0;
  event.bytes = active_ ? bytes_ : 0;
  event.on_disk = active_ && on_disk_;
  event.nothing_frozen = without_parameters(frozen_children(freeze_));
  event.compute_seconds = computed_ > 0 ? compute_seconds_ / static_cast<double>(computed_) : 0;
  event.read_seconds = read_seconds_;
  report_(event);
}

}  // namespace firn
