#include "tools/app/study/material.h"
#include "tools/app/run/networks.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "data/source.h"
#include "data/subset.h"
#include "data/tokens.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/seconds.h"
#include "engine/base/sha256.h"
#include "optim/policies/registry.h"
#include "optim/trainer/freezer.h"
#include "optim/trainer/task_of.h"
#include "tools/app/run/adapt.h"
#include "tools/app/run/named_set.h"
#include "tools/app/run/session.h"

namespace firn::cli {

namespace {

std::string name_of(const Arm& arm) {
  return arm.model + "|" + arm.target;
}

std::string name_with_part(const Arm& arm) {
  return name_of(arm) + "|" + arm.part;
}

std::string name_with_source(const Arm& arm) {
  return name_with_part(arm) + "|" + arm.source;
}

/// Classes [first, last) of both parts, counted anew.
DataParts classes_of(const DataParts& parts, Index first, Index last) {
  std::vector<std::int32_t> classes(static_cast<std::size_t>(last - first));
  std::iota(classes.begin(), classes.end(), static_cast<std::int32_t>(first));
  const auto of = [&](const DatasetPtr& part) { return part ? subset_classes(part, classes, true) : part; };
  return {.train = of(parts.train), .validation = of(parts.validation), .test = of(parts.test)};
}

void require_halves(const DataInfo& info) {
  if (has_halves(info)) return;
  throw Error(
      Fault::usage, "study",
      fmt::format("{} has {} classes, at least 4 are wanted to learn from half of them: another --source",
                  info.name, has_classes(info) ? info.classes.size() : 0));
}

std::string parts_sha256(const DataParts& parts) {
  return short_hash(fingerprint(*parts.train) + (parts.validation ? fingerprint(*parts.validation) : "") +
                    fingerprint(*parts.test));
}

bool holds_dropout(const Layer& layer) {
  if (layer.spec().kind == "dropout") return true;
  return std::any_of(layer.children().begin(), layer.children().end(),
                     [](const Layer::Child& child) { return holds_dropout(*child.layer); });
}

bool holds_statistics(const Layer& layer) {
  const std::vector<NamedParameter> all = layer.parameters();
  return std::any_of(all.begin(), all.end(),
                     [](const NamedParameter& p) { return p.parameter->role() == Role::statistic; });
}

/// Numbers for the names of cuts, defaults for what makes no difference.
void resolve(Arm& arm, Model& model) {
  const auto blocks = static_cast<Index>(model.blocks().size());
  arm.blocks = blocks;
  if (!arm.policy.empty()) {
    parse_policy(arm.policy_text());
    arm.freeze = "0";
    arm.freeze_at = 0;
  }
  if (arm.freeze == "none" || arm.freeze_at >= 1) arm.freeze = "0";
  if (arm.freeze == "head") arm.freeze = fmt::format("{}", blocks - 1);
  if (arm.freeze == "half") arm.freeze = fmt::format("{}", blocks / 2);
  if (arm.freeze != "0") {
    model.set_freeze(arm.freeze);
    const std::vector<NamedParameter> all = model.parameters();
    if (std::none_of(all.begin(), all.end(), [](const auto& p) { return p.parameter->trainable(); })) {
      throw Error(Fault::usage, "study",
                  fmt::format("--freeze {} leaves nothing of {} to train", arm.freeze, arm.model));
    }
  }
  if (arm.freeze == "0") arm.freeze_at = 0;
  if (arm.full() || !holds_statistics(model)) arm.bn = "frozen";
  if (arm.full() || !holds_dropout(model)) arm.dropout = "off";
}

/// Whether the arm may freeze its head before that has trained (from zero it would hand no gradient down as
/// long as that lasts), or has rates by the norms of weights.
bool draws_head(const Arm& arm, Model& model) {
  if (arm.control() == Control::steps || arm.control() == Control::random) return false;
  if (arm.policy.empty()) {
    if (arm.freeze.empty() || arm.freeze_at > 0) return false;
    model.set_freeze(arm.freeze);
    const std::vector<NamedParameter> head =
        model.block_parameters(static_cast<int>(model.blocks().size()) - 1);
    const bool frozen = std::any_of(head.begin(), head.end(), [](const NamedParameter& p) {
      return p.parameter->role() == Role::weight && !p.parameter->trainable();
    });
    model.set_freeze("none");
    return frozen;
  }
  PolicyStart start;
  start.blocks = policy_blocks(model);
  start.model_blocks = static_cast<int>(model.blocks().size());
  const PolicyPtr policy = parse_policy(arm.policy_text());
  policy->start(std::move(start));
  return policy->wants_drawn_head();
}

/// Without numbers drawn.
ModelPtr blank(const Arm& arm, const Prepared& prepared) {
  const ModelEntry entry = model_entry(arm.model);
  const auto& maker = entry.make_plain ? entry.make_plain : entry.make;
  return maker(prepared.input, prepared.classes);
}

/// Weights begin as He's rule has them: by PyTorch's, six convolutions hand on so little of an image that no
/// step finds a direction for long. The head, new in every arm, begins from zero; with numbers
/// drawn like the others where the arm is `for_target` and may freeze it.
ModelPtr begin(const Arm& arm, const Prepared& prepared, std::uint64_t seed, bool for_target) {
  ModelPtr model = blank(arm, prepared);
  const Model::Block& head = model->blocks().back();
  if (!for_target || !draws_head(arm, *model)) {
    for (std::size_t i = head.first_child; i < head.last_child; ++i)
      model->children()[i].layer->zero_initialise();
  }
  model->initialise(seed, Scheme::he);
  return model;
}

}  // namespace

bool has_classes(const DataInfo& info) {
  return !info.label_each_step && info.targets == TargetKind::classes;
}

bool has_halves(const DataInfo& info) {
  constexpr std::size_t kFewest = 4;
  return has_classes(info) && info.classes.size() >= kFewest;
}

void copy_body(const Model& from, Model& to) {
  // The head of a language model answers in its vocabulary, which stays.
  const int last = to.each_step() ? -1 : static_cast<int>(to.blocks().size()) - 1;
  const std::vector<NamedParameter> theirs = from.parameters();
  const std::vector<NamedParameter> ours = to.parameters();
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (last >= 0 && to.block_of(ours[i].name) == last) continue;
    std::copy_n(theirs[i].parameter->value().data(), ours[i].parameter->value().count(),
                ours[i].parameter->mutable_value().data());
    ours[i].parameter->touch();
  }
}

LoaderOptions loader_options(const Prepared& prepared, Index batch, bool shuffle, std::uint64_t seed,
                             Index samples) {
  LoaderOptions options;
  options.samples = samples;
  options.batch = batch;
  options.shuffle = shuffle;
  options.seed = seed;
  options.background = false;  // every cell has a thread of its own already
  options.preprocess = prepared.preprocess;
  options.width_multiple = prepared.width_multiple;
  return options;
}

Loader make_loader(const DatasetPtr& data, const Prepared& prepared, Index batch, bool shuffle,
                   std::uint64_t seed, Index samples) {
  return Loader(data, loader_options(prepared, batch, shuffle, seed, samples));
}

DatasetPtr at_most(const DatasetPtr& data, Index count) {
  if (count <= 0 || data->size() <= count) return data;
  if (has_classes(data->info())) {
    const Index each = std::max<Index>(1, count / std::max<Index>(1, data->class_count()));
    return subset_per_class(data, each, 0);
  }
  std::vector<Index> some;
  for (Index i = 0; i < count; ++i) some.push_back(i * data->size() / count);
  return subset(data, std::move(some));
}

Materials::Materials(DataChoice data, Index test_samples, std::string weights)
    : data_(std::move(data)), test_samples_(test_samples), weights_(std::move(weights)) {
  if (!weights_.empty()) weights_sha256_ = sha256_hex(read_file(weights_, Fault::model_file)).substr(0, 16);
}

void Materials::note(const std::vector<std::string>& notes) {
  for (const std::string& text : notes) {
    if (std::find(notes_.begin(), notes_.end(), text) == notes_.end()) notes_.push_back(text);
  }
}

Materials::Opened& Materials::open(const Arm& arm) {
  const auto [at, fresh] = opened_.try_emplace(name_of(arm));
  Opened& opened = at->second;
  if (!fresh) return opened;
  SessionChoice choice;
  choice.purpose = Purpose::train;
  choice.model.name = arm.model;
  choice.model.weights = weights_;
  choice.model.replace_head = !weights_.empty();
  choice.data = data_;
  NamedSet reading = named_set(arm.target, data_.options);
  choice.data.spec = std::move(reading.spec);
  choice.data.options = std::move(reading.options);
  Session session = open_session(choice);
  if (choice.model.replace_head && session.model->each_step()) {
    choice.model.replace_head = false;
    session = open_session(choice);
  }
  note(session.notes);
  Prepared& prepared = opened.prepared;
  prepared.parts.train = session.data.train;
  if (session.data.validation) prepared.parts.validation = at_most(session.data.validation, test_samples_);
  prepared.parts.test = at_most(session.data.test, test_samples_);
  prepared.preprocess = session.recipe.preprocess;
  prepared.input = session.recipe.input;
  prepared.width_multiple = loader_options(session, 1, 0).width_multiple;
  prepared.classes = session.recipe.classes;
  prepared.task = session.task;
  if (!data_.options.outline) opened.sha256 = parts_sha256(prepared.parts);
  if (!weights_.empty()) opened.loaded = session.model;
  return opened;
}

void Materials::open_source(const Arm& arm, const Opened& opened) {
  const std::string name = name_with_source(arm);
  if (sources_.contains(name)) return;
  const Prepared& target = opened.prepared;
  Prepared source = target;
  std::string hash;
  if (arm.source == kHalfSource) {
    require_halves(target.parts.train->info());
    source.parts = classes_of(target.parts, 0, target.classes / 2);
  } else if (arm.source != kSelfSource) {
    const DataInfo& info = target.parts.train->info();
    const DataOptions asked = named_set(arm.target, data_.options).options;
    DataOptions options;
    options.limit = asked.limit;
    options.window = asked.window;
    options.skip_bad = asked.skip_bad;
    options.outline = asked.outline;
    options.split = {.seed = data_.split_seed, .group = data_.group, .validation = false};
    options.vocabulary = info.vocabulary;
    options.tokens = info.tokens.name();
    options.lower_case = info.tokens.lower_case;
    if (info.targets != TargetKind::classes) {
      options.task = target.task->name();
      options.trained_targets = info.classes;
    }
    if (info.kind == DataKind::image) options.size = info.shape[0];
    source.parts = open_data(arm.source, options);
    const DataInfo own = source.parts.train->info();
    if (own.kind != info.kind || own.label_each_step != info.label_each_step || own.targets != info.targets) {
      throw Error(Fault::usage, "study",
                  fmt::format("source {} holds samples of kind {}, target {} of kind {}", own.name,
                              data_kind_name(own.kind), info.name, data_kind_name(info.kind)));
    }
    const auto both = [&](const auto& change) {
      source.parts = {.train = change(source.parts.train), .test = change(source.parts.test)};
    };
    if (info.kind == DataKind::image && own.shape[2] != info.shape[2])
      both([&](const DatasetPtr& part) { return with_channels(part, info.shape[2]); });
    if (info.kind == DataKind::tokens && !info.label_each_step)
      both([&](const DatasetPtr& part) { return with_vocabulary(part, info.vocabulary); });
    if (info.kind != DataKind::tokens && source.parts.train->info().shape != info.shape) {
      throw Error(Fault::usage, "study",
                  fmt::format("samples of source {} are {}, of target {} {}", own.name, own.shape.text(),
                              info.name, info.shape.text()));
    }
    source.parts.test = at_most(source.parts.test, test_samples_);
    if (!options.outline) {
      source.preprocess = standardise(*source.parts.train);
      hash = parts_sha256(source.parts);
    }
  }
  if (source.parts.train->info().targets != TargetKind::classes)
    source.task = task_of(source.parts.train->info());
  source.classes =
      source.parts.train->info().label_each_step ? target.classes : source.parts.train->class_count();
  source_hashes_[name] = hash;
  sources_.emplace(name, std::move(source));
}

void Materials::prepare(Arm& arm) {
  if (arm.source == kHalfSource) arm.part = kSecondHalf;
  const Opened& opened = open(arm);
  arm.target_sha256 = opened.sha256;
  if (!targets_.contains(name_with_part(arm))) {
    Prepared target = opened.prepared;
    if (arm.part == kSecondHalf) {
      require_halves(target.parts.train->info());
      target.parts = classes_of(target.parts, target.classes / 2, target.classes);
      target.classes = target.parts.train->class_count();
      target.task = task_of(target.parts.train->info());
    }
    targets_.emplace(name_with_part(arm), std::move(target));
  }
  arm.source_sha256.clear();
  if (arm.source.starts_with(kWeightsSource)) {
    arm.source_sha256 = weights_sha256_;
  } else if (arm.transfers()) {
    open_source(arm, opened);
    arm.source_sha256 = source_hashes_.at(name_with_source(arm));
  }
  const Prepared& prepared = target(arm);
  const TaskMetric headline = prepared.task->metrics().front();
  arm.score = headline.text;
  arm.score_is_share = headline.share;
  arm.by_class = has_classes(prepared.parts.train->info());
  const ModelPtr model = make_blank(arm);
  resolve(arm, *model);
}

double Materials::unread_seconds() const {
  if (!data_.options.outline) return 0;
  double seconds = 0;
  std::set<const Dataset*> seen;
  const auto count = [&](const DataParts& parts) {
    if (!seen.insert(parts.train->origin(0).set).second) return;
    seconds += parts.train->info().unread_seconds;
    constexpr Index kFew = 64;
    const Index few = std::min(kFew, parts.train->size());
    std::vector<Index> first(static_cast<std::size_t>(few));
    std::iota(first.begin(), first.end(), Index{0});
    const DatasetPtr some = subset(parts.train, std::move(first));
    const double begin = seconds_now();
    fingerprint(*some);
    standardise(*some);
    Index all = 0;
    for (const DatasetPtr& part : {parts.train, parts.validation, parts.test}) all += part ? part->size() : 0;
    seconds += seconds_since(begin) * static_cast<double>(all) / static_cast<double>(few);
  };
  for (const auto& [name, opened] : opened_) count(opened.prepared.parts);
  for (const auto& [name, source] : sources_) count(source.parts);
  return seconds;
}

ModelPtr Materials::make_blank(const Arm& arm) const {
  return blank(arm, target(arm));
}

const Prepared& Materials::target(const Arm& arm) const {
  return targets_.at(name_with_part(arm));
}

const Prepared& Materials::source(const Arm& arm) const {
  return sources_.at(name_with_source(arm));
}

ModelPtr Materials::make(const Arm& arm, std::uint64_t seed) const {
  const Prepared& prepared = target(arm);
  ModelPtr model =
      begin(arm, prepared, draws_seed(arm, seed + 1000), true);  // other weights than the source began with
  if (arm.source.starts_with(kWeightsSource)) copy_body(*opened_.at(name_of(arm)).loaded, *model);
  return model;
}

ModelPtr Materials::make_for_source(const Arm& arm, std::uint64_t seed) const {
  return begin(arm, source(arm), draws_seed(arm, seed), false);
}

}  // namespace firn::cli
