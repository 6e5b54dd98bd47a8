// How samples, classes and targets are made those that a session's model wants.
#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "data/lone_giant.h"
#include "data/targets.h"
#include "data/tokens.h"
#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "layers/tasks/registry.h"
#include "optim/trainer/task_of.h"
#include "tools/app/run/adapt.h"
#include "tools/app/run/fit.h"
#include "tools/app/run/networks.h"
#include "tools/app/run/session.h"

namespace firn::cli {

namespace {

DataParts map_parts(DataParts parts, const auto& change) {
  for (DatasetPtr* part : {&parts.train, &parts.validation, &parts.test, &parts.all}) {
    if (*part) *part = change(*part);
  }
  return parts;
}

/// Notes the sample of a set whose answer means nothing beside numbers that reach to `known`.
bool note_giant(Session& session, const Dataset& data, std::span<const real> known) {
  const std::string giant = giant_beside(data, known);
  if (!giant.empty()) session.notes.push_back(giant);
  return !giant.empty();
}

/// Looks at the parts that will be judged before hours have gone into training: the first sample that is no
/// number when prepared is an error here, not when its part is asked for. True: there are giants.
bool check_judged(Session& session, std::span<const real> known) {
  bool found = false;
  for (const DatasetPtr& part : {session.data.validation, session.data.test}) {
    if (!part || !note_giant(session, *part, known)) continue;
    found = true;
    Loader all(part, {.shuffle = false, .background = false, .preprocess = session.recipe.preprocess});
    all.start(0);
    while (all.next() != nullptr) {
    }
  }
  return found;
}

/// Makes the samples what the weights were trained on.
void fit_samples(Session& session) {
  const Recipe& recipe = session.recipe;
  const DataInfo info = session.data.info();
  const bool tokens = info.kind == DataKind::tokens;
  const bool images = info.kind == DataKind::image;
  if (tokens != (recipe.input.vocabulary > 0) || images != recipe.images) {
    throw Error(Fault::usage, "data",
                fmt::format("{} holds samples of kind {}, the weights of {} want {}", info.name,
                            data_kind_name(info.kind), recipe.model,
                            recipe.images                 ? "images"
                            : recipe.input.vocabulary > 0 ? "text"
                                                          : "numbers " + recipe.input.sample.text()));
  }
  if (images && info.shape[2] != recipe.input.sample[2]) {
    session.data = map_parts(
        session.data, [&](const DatasetPtr& part) { return with_channels(part, recipe.input.sample[2]); });
    session.notes.push_back(info.shape[2] == 1
                                ? "grey is repeated for the three colours that the weights want"
                                : "colours are made grey, which the weights want");
  }
  if (tokens && !info.label_each_step) {
    const UnknownTokens unknown = unknown_tokens(*part_of(session.data, "all"), recipe.vocabulary);
    if (unknown.count > 0)
      session.notes.push_back(fmt::format("{}: {}", info.name, unknown.text(info, recipe.vocabulary)));
    session.data = map_parts(
        session.data, [&](const DatasetPtr& part) { return with_vocabulary(part, recipe.vocabulary); });
  }
}

/// Numbers have no names that must agree, but as many of them are wanted.
void fit_numbers(const SessionChoice& choice, const Recipe& recipe, const DataInfo& info) {
  if (static_cast<Index>(info.classes.size()) == recipe.classes) return;
  throw Error(Fault::usage, "weights",
              fmt::format("{} predicts {} numbers a sample, {} has {}: --label names the columns",
                          choice.model.weights, recipe.classes, info.name, info.classes.size()));
}

/// Gives the data's labels the places of the weights'.
void fit_labels(const SessionChoice& choice, Session& session) {
  const DataInfo info = session.data.info();
  const std::vector<std::string>& known = session.recipe.class_names;
  if (info.classes == known) return;
  std::vector<Index> place;
  for (const std::string& name : info.classes) {
    const auto found = std::find(known.begin(), known.end(), name);
    if (found == known.end() && choice.purpose != Purpose::predict) {
      throw Error(Fault::usage, "weights",
                  fmt::format("label '{}' of {} is none of the {} of {}{}", name, info.name, known.size(),
                              choice.model.weights, did_you_mean(name, known)));
    }
    place.push_back(found == known.end() ? -1 : found - known.begin());
  }
  session.data =
      map_parts(session.data, [&](const DatasetPtr& part) { return with_target_places(part, known, place); });
}

/// Gives the data's labels the places of the weights' classes.
void fit_classes(const SessionChoice& choice, Session& session) {
  Recipe& recipe = session.recipe;
  const DataInfo info = session.data.info();
  if (info.label_each_step) return;
  const auto own = static_cast<Index>(info.classes.size());
  const std::vector<std::string>& known = recipe.class_names;
  const bool training = choice.purpose == Purpose::train;
  if (training && choice.model.replace_head) {
    recipe.classes = own;
    recipe.class_names = info.classes;
    if (!recipe.network.empty()) recipe.network = with_free_head(recipe.network);
    recipe.task = task_of(info)->name();
    recipe.targets = info.target_scale;
    recipe.plain_head = true;
    return;
  }
  if (!info.labelled && recipe.task != "classification") return;
  if (answers_with_numbers(recipe.task)) return fit_numbers(choice, recipe, info);
  if (target_kind_of(recipe.task) == TargetKind::labels) return fit_labels(choice, session);
  if (training && own != recipe.classes) {
    throw Error(Fault::usage, "weights",
                fmt::format("{} answers in {} classes, {} has {}: {} takes all but the last block from it",
                            choice.model.weights, recipe.classes, info.name, own,
                            choice.model.keep_head ? "without --keep-head finetune" : "--replace-head"));
  }
  std::vector<std::int32_t> place;
  std::string missing;
  for (std::size_t i = 0; i < info.classes.size(); ++i) {
    const auto found = std::find(known.begin(), known.end(), info.classes[i]);
    if (found == known.end()) missing = info.classes[i];
    place.push_back(found == known.end() ? -1 : static_cast<std::int32_t>(found - known.begin()));
  }
  if (known.empty() ? own == recipe.classes : training && !missing.empty()) {
    // The places are the data's own: the weights name no classes, or their head learns new ones.
    if (!known.empty()) {
      session.notes.push_back(
          fmt::format("the {} answers of the weights now stand for the classes of {}", own, info.name));
    }
    recipe.class_names = info.classes;
    return;
  }
  if (!missing.empty() && choice.purpose == Purpose::judge) {
    throw Error(Fault::usage, "weights",
                known.empty() ? fmt::format("{} answers in {} classes, {} has {}", choice.model.weights,
                                            recipe.classes, info.name, own)
                              : fmt::format("class '{}' of {} is none of the {} of {}", missing, info.name,
                                            recipe.classes, choice.model.weights));
  }
  if (info.classes == known) return;
  session.data =
      map_parts(session.data, [&](const DatasetPtr& part) { return with_labels(part, known, place); });
}

/// Only predictions are made without labels.
void check_labelled(const SessionChoice& choice, const DataParts& parts) {
  if (choice.purpose == Purpose::predict) return;
  for (const DatasetPtr& part : {parts.train, parts.validation, parts.test}) {
    if (!part || part->info().labelled) continue;
    throw Error(
        Fault::data, "data",
        fmt::format("{} has no labels, which are needed here; firn predict does without", part->info().name));
  }
}

/// Notes where the numbers are not scaled as those that the weights were trained on.
void check_extent(const SessionChoice& choice, Session& session) {
  constexpr Index kSome = 1000;
  if (session.data.info().kind == DataKind::tokens) return;
  if (!session.recipe.extent) {
    if (session.data.train) check_judged(session, column_reach(*session.data.train));
    return;
  }
  const ValueRange& extent = *session.recipe.extent;
  const real known[] = {static_cast<real>(std::max({-extent.least, extent.greatest, extent.width()}))};
  const bool train = choice.purpose == Purpose::train;
  const bool judged = train && check_judged(session, known);
  if (note_giant(session, train ? *session.data.train : *session.data.all, known) || judged) return;
  const std::string what = misfit(*session.recipe.extent, value_range_of(*session.data.all, kSome));
  if (!what.empty()) session.notes.push_back(what);
}

}  // namespace

void require_train(const DataParts& parts) {
  if (parts.train) return;
  throw Error(Fault::data, "data", parts.info().name + " holds no training part");
}

void take_preparation(Session& session, bool standardised, bool outline) {
  const DataInfo* info = &session.data.info();
  Recipe& recipe = session.recipe;
  recipe.input = input_of(*info);
  recipe.classes = static_cast<Index>(info->classes.size());
  recipe.task = task_of(*info)->name();
  recipe.targets = info->target_scale;
  recipe.class_names = info->classes;
  recipe.vocabulary = info->vocabulary;
  recipe.tokens = info->tokens;
  recipe.features = info->features;
  recipe.label = info->label_name;
  recipe.layout = info->layout;
  recipe.images = info->kind == DataKind::image;
  if (!outline) {
    if (info->kind != DataKind::tokens) recipe.extent = value_range_of(*session.data.train);
    if (standardised) recipe.preprocess = standardise(*session.data.train);
  }
  constexpr double kLarge = 1e6;
  if (recipe.extent && std::max(-recipe.extent->least, recipe.extent->greatest) > kLarge) {
    const std::string giant = lone_giant(*session.data.train);
    if (!giant.empty()) session.notes.push_back(giant);
  }
  if (!outline) check_judged(session, column_reach(*session.data.train));
  session.labelled = session.data;
}

void fit_to_weights(const SessionChoice& choice, Session& session, bool outline) {
  Recipe& recipe = session.recipe;
  if (choice.purpose == Purpose::train) require_train(session.data);
  check_labelled(choice, session.data);
  fit_samples(session);
  if (!outline) check_extent(choice, session);
  session.labelled = session.data;
  fit_classes(choice, session);
  if (choice.purpose == Purpose::train && session.data.info().kind == DataKind::vector) {
    recipe.features = session.data.info().features;
    recipe.label = session.data.info().label_name;
  }
  const bool lengths = recipe.input.lengths;
  recipe.input = input_of(session.data.info());
  if (recipe.own && !choice.model.replace_head) recipe.input.lengths = lengths;
}

}  // namespace firn::cli
