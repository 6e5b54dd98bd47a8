#include "tools/app/run/validation.h"

#include <fmt/core.h>

#include <algorithm>

#include "data/source.h"
#include "data/targets.h"
#include "data/tokens.h"
#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "tools/app/run/adapt.h"
#include "tools/app/run/reading.h"

namespace firn::cli {

namespace {

/// The place of a class or label among those of `like`.
Index place_of(const std::string& name, const std::string& spec, const DataInfo& like) {
  const auto at = std::find(like.classes.begin(), like.classes.end(), name);
  if (at != like.classes.end()) return at - like.classes.begin();
  throw Error(Fault::usage, "validation",
              fmt::format("class '{}' of {} is none of {}'s{}", name, spec, like.name,
                          did_you_mean(name, like.classes)));
}

}  // namespace

SplitOptions split_options(const DataChoice& choice) {
  SplitOptions options;
  options.seed = choice.split_seed;
  options.group = choice.group;
  options.validation = choice.validation.empty();
  return options;
}

DataParts open_with_validation(const DataChoice& choice, const DataOptions& options) {
  check_source(choice.options, choice.spec);
  DataParts parts = open_data(choice.spec, options);
  check_reading(choice.options, parts);
  if (choice.validation.empty()) return parts;
  if (choice.validation == kNoValidation) {
    parts.notes.emplace_back("validation: none (--validation none): the last epoch's weights are kept");
    return parts;
  }
  parts.validation = open_validation(choice.validation, parts.info(), options);
  parts.notes.push_back(
      fmt::format("validation: {} samples of {}", parts.validation->size(), choice.validation));
  return parts;
}

DatasetPtr open_validation(const std::string& spec, const DataInfo& like, DataOptions options) {
  options.split = {.validation = false};
  options.features = like.features;
  options.trained_label = like.label_name;
  options.target_scale = like.target_scale;
  if (like.targets != TargetKind::classes) options.trained_targets = like.classes;
  options.trained_layout = like.layout;
  if (like.kind == DataKind::vector) options.feature_count = like.shape[0];
  if (like.kind == DataKind::image && like.shape[0] == like.shape[1]) options.size = like.shape[0];
  options.vocabulary = like.vocabulary;
  if (!like.label_each_step && like.kind == DataKind::tokens) {
    options.tokens = like.tokens.name();
    options.lower_case = like.tokens.lower_case;
  }
  DatasetPtr data = open_data(spec, options).all;
  if (data->info().kind != like.kind || data->info().label_each_step != like.label_each_step) {
    throw Error(Fault::usage, "validation",
                fmt::format("{} holds samples of kind {}, {} of kind {}", spec,
                            data_kind_name(data->info().kind), like.name, data_kind_name(like.kind)));
  }
  if (like.kind == DataKind::image) data = with_channels(data, like.shape[2]);
  if (like.label_each_step) return data;
  if (like.kind == DataKind::tokens) {
    data = with_vocabulary(data, like.vocabulary);
  } else if (data->info().shape != like.shape) {
    throw Error(Fault::usage, "validation",
                fmt::format("samples of {} are {}, of {} {}", spec, data->info().shape.text(), like.name,
                            like.shape.text()));
  }
  const std::vector<std::string>& own = data->info().classes;
  if (own == like.classes) return data;
  if (like.targets == TargetKind::numbers) {
    if (own.size() == like.classes.size()) return data;
    throw Error(
        Fault::usage, "validation",
        fmt::format("{} has {} targets, {} has {}", spec, own.size(), like.name, like.classes.size()));
  }
  if (like.targets == TargetKind::labels) {
    std::vector<Index> where;
    for (const std::string& name : own) where.push_back(place_of(name, spec, like));
    return with_target_places(data, like.classes, where);
  }
  std::vector<std::int32_t> places;
  for (const std::string& name : own) places.push_back(static_cast<std::int32_t>(place_of(name, spec, like)));
  return with_labels(data, like.classes, std::move(places));
}

}  // namespace firn::cli
