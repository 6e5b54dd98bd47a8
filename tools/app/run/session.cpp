#include "tools/app/run/session.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "engine/base/error.h"
#include "layers/network/text.h"
#include "layers/weights.h"
#include "tools/app/run/adapt.h"
#include "tools/app/run/fit.h"
#include "tools/app/run/imported.h"
#include "tools/app/run/networks.h"
#include "tools/app/run/reading.h"
#include "tools/app/run/validation.h"
#include "tools/app/run/weights_path.h"

namespace firn::cli {

namespace {

DataOptions data_options(const SessionChoice& session) {
  DataOptions options = session.data.options;
  complete_reading(options, session.data.usual);
  options.split = split_options(session.data);
  options.split.labels = session.labels;
  options.split.label_seed = session.seed;
  return options;
}

/// Opens data for a model that starts anew, and says how it is prepared.
void open_fresh(const SessionChoice& choice, const ModelEntry& entry, Session& session) {
  const ImageRule rule = entry.network.empty()
                             ? entry.make(entry.default_input, entry.usual_classes)->image_rule()
                             : ImageRule{};
  const bool has_rule = rule.size > 0 || !rule.mean.empty();
  DataOptions options = data_options(choice);
  const bool resize = options.size == 0 && rule.size > 0;
  if (resize) options.size = rule.size;
  session.data = open_with_validation(choice.data, options);
  require_train(session.data);
  const DataInfo* info = &session.data.info();
  const bool ruled = has_rule && info->kind == DataKind::image &&
                     (rule.mean.empty() || static_cast<Index>(rule.mean.size()) == info->shape[2]);
  if (resize && !ruled && info->kind == DataKind::image) {
    session.data = open_with_validation(choice.data, data_options(choice));
    info = &session.data.info();
  }
  session.recipe.model = entry.name;
  session.recipe.network = entry.network;
  if (ruled) session.recipe.preprocess = preprocess_of(rule);
  take_preparation(session, !ruled, options.outline);
}

/// The data is read for the task of the weights; a new head may be for another.
void take_task(const SessionChoice& choice, const Recipe& recipe, DataOptions& options) {
  const bool new_head = choice.model.replace_head;
  if (!options.task.empty() && options.task != recipe.task && !new_head) {
    throw Error(
        Fault::usage, "weights",
        fmt::format("{} is for {}, --task {} does not go with it{}", choice.model.weights, recipe.task,
                    options.task,
                    choice.purpose == Purpose::train ? ": a new head does (--replace-head, finetune)" : ""));
  }
  const bool usual = recipe.task == "classification" || recipe.task == "next-token";
  if (options.task.empty() && !usual) options.task = recipe.task;
  if (!usual && options.task == recipe.task) options.trained_targets = recipe.class_names;
  if (!new_head) options.target_scale = recipe.targets;
}

/// Opens data for weights, by their recipe.
void open_for_weights(const SessionChoice& choice, Session& session) {
  Recipe& recipe = session.recipe;
  DataOptions options = data_options(choice);
  const Shape& sample = recipe.input.sample;
  if (recipe.images && sample[0] == sample[1]) {
    if (options.size == 0) options.size = sample[0];
    options.shorter = recipe.shorter * options.size / sample[0];
  }
  options.vocabulary = recipe.vocabulary;
  if (!options.tokens.empty() && recipe.input.vocabulary > 0 && options.tokens != recipe.tokens.name()) {
    throw Error(Fault::usage, "weights",
                fmt::format("{} was trained on {}, --tokens {} does not go with it", choice.model.weights,
                            recipe.tokens.name(), options.tokens));
  }
  if (options.vocabulary_limit > 0 && recipe.input.vocabulary > 0) {
    throw Error(Fault::usage, "weights",
                fmt::format("--vocabulary is for new weights, {} has one of {} tokens", choice.model.weights,
                            recipe.input.vocabulary));
  }
  if (options.lower_case && recipe.input.vocabulary > 0 && !recipe.tokens.lower_case) {
    throw Error(
        Fault::usage, "weights",
        fmt::format("{} was trained with capitals, --lowercase does not go with it", choice.model.weights));
  }
  options.tokens = recipe.tokens.name();
  options.lower_case = recipe.tokens.lower_case;
  if (!recipe.images && recipe.input.vocabulary == 0 && sample.rank() == 1 && !choice.model.replace_head) {
    options.features = recipe.features;
    options.feature_count = sample[0];
    options.trained_label = recipe.label;
  }
  options.trained_layout = recipe.layout;
  options.unlabelled = choice.purpose == Purpose::predict;
  take_task(choice, recipe, options);
  session.data = open_with_validation(choice.data, options);
  fit_to_weights(choice, session, options.outline);
}

void without_data(const SessionChoice& choice, Session& session) {
  check_no_reading(choice.data.options);
  Recipe& recipe = session.recipe;
  const bool fresh = recipe.model.empty();
  if (fresh) {
    const ModelEntry entry = model_entry(choice.model.name);
    if (!entry.network.empty() && (choice.input.sample.empty() || choice.input.classes < 1)) {
      throw Error(
          Fault::usage, "model",
          "a network of your own gets its sizes from the data: give --data, or --input and --classes");
    }
    recipe.model = entry.name;
    recipe.network = entry.network;
    recipe.input = entry.default_input;
    recipe.classes = entry.usual_classes;
  }
  if (!choice.input.sample.empty()) {
    recipe.input.sample = Shape(std::span<const Index>(choice.input.sample));
  }
  if (choice.input.classes > 0) recipe.classes = choice.input.classes;
  if (choice.data.options.vocabulary_limit > 0)
    recipe.input.vocabulary = choice.data.options.vocabulary_limit;
  if (!fresh) return;
  // An answer for each step is a token.
  recipe.input.each_step = recipe.input.each_step && recipe.classes == recipe.input.vocabulary;
  recipe.task = recipe.input.each_step ? "next-token" : "classification";
}

void load(const SessionChoice& choice, SafeTensors file, Session& session) {
  LoadOptions options;
  if (choice.model.replace_head && !session.model->each_step()) {
    const int last = static_cast<int>(session.model->blocks().size()) - 1;
    const bool zero = choice.model.head_init == "zero";
    for (const NamedParameter& p : session.model->block_parameters(last)) {
      options.skip.push_back(p.name);
      if (!zero) continue;
      // Few samples say little about most directions of the features: there random weights would stay and
      // answer for them.
      p.parameter->mutable_value().fill(0);
      p.parameter->touch();
    }
    session.notes.push_back(fmt::format("block {} starts anew, {}: {}", last,
                                        zero ? "from zero" : "with random numbers",
                                        session.model->blocks().back().name));
  }
  const LoadReport report = load_weights(*session.model, std::move(file), choice.model.weights, options);
  session.loaded.insert(report.loaded.begin(), report.loaded.end());
}

/// What the file of another program says of itself: its recipe, and what does not train.
void take_import(const SessionChoice& choice, WeightsFile& weights, Session& session) {
  const std::string& model = choice.model.name;
  session.recipe = std::move(*weights.recipe);
  if (!model.empty() && model != session.recipe.model && model != session.recipe.network)
    throw Error(Fault::usage, "weights", choice.model.weights + " holds its own network: leave --model away");
  session.notes = std::move(weights.notes);
}

void take_frozen(const SessionChoice& choice, const std::vector<std::string>& frozen, Session& session) {
  if (frozen.empty()) return;
  std::vector<std::string> names;
  for (const std::string& name : frozen) {
    if (session.loaded.contains(name)) names.push_back(name);
  }
  session.notes.push_back(fmt::format(
      "{} says of {} of its {} tensors that they do not train: so it is until --freeze says otherwise",
      choice.model.weights, frozen.size(), session.model->parameters().size()));
  session.model->set_own_frozen(std::move(names));
}

}  // namespace

Scheme scheme_of(const std::string& name) {
  return name == "he"           ? Scheme::he
         : name == "xavier"     ? Scheme::xavier
         : name == "orthogonal" ? Scheme::orthogonal
                                : Scheme::pytorch;
}

Session open_session(const SessionChoice& asked) {
  SessionChoice choice = asked;
  Session session;
  const bool weights = !choice.model.weights.empty();
  if (weights) choice.model.weights = weights_file(choice.model.weights, "weights");
  if (choice.model.replace_head && !weights) {
    throw Error(Fault::usage, "weights", "--replace-head goes with --weights");
  }
  if (!weights && !choice.model.base.empty()) {
    throw Error(Fault::usage, "weights", "--base goes with --weights and a checkpoint");
  }
  WeightsFile read;
  if (!weights && !(choice.model.from + choice.model.to).empty())
    throw Error(Fault::usage, "weights",
                "--from and --to go with --weights and a network of another program");
  if (weights)
    read = read_weights(choice.model.weights, choice.model.base, choice.input.sample,
                        {choice.model.from, choice.model.to});
  SafeTensors& file = read.file;
  std::optional<ModelEntry> entry;
  if (!choice.model.name.empty() && !read.recipe) entry = model_entry(choice.model.name);
  // A network of one's own says how it is made, a file of others' gives its numbers and nothing else.
  const bool told = weights && (!entry || entry->network.empty() || file.metadata.contains("firn.model"));
  if (read.recipe) {
    take_import(choice, read, session);
  } else if (told) {
    session.recipe = read_recipe(file, choice.model.weights, choice.model.name);
    if (!session.recipe.doubt.empty()) session.notes.push_back(session.recipe.doubt);
  } else {
    require(choice.model.name, "--model", "model");
  }
  if (choice.data.spec.empty()) {
    without_data(choice, session);
  } else if (told) {
    open_for_weights(choice, session);
  } else {
    open_fresh(choice, *entry, session);
    if (weights) {
      session.notes.push_back(fmt::format(
          "{} does not say how its samples were prepared: numbers are standardised by the training part",
          choice.model.weights));
    }
  }
  const Recipe& recipe = session.recipe;
  if (told) {
    Index numbers = 0;
    for (const NamedTensor& t : file.tensors) numbers += t.tensor.count();
    session.model = make_model(recipe, numbers, choice.model.weights, choice.model.replace_head);
  } else {
    session.model = make_model(recipe);
  }
  if (!choice.data.spec.empty() && session.model->each_step() != session.data.info().label_each_step) {
    const std::string& name = session.data.info().name;
    throw Error(Fault::usage, "data",
                session.model->each_step()
                    ? fmt::format("{} predicts the next character: it wants plain text (text:FILE), not {}",
                                  recipe.model, name)
                    : fmt::format("{} is plain text without classes, which {} cannot learn: see charrnn",
                                  name, recipe.model));
  }
  session.recipe.network = network_text(session.model->spec());
  session.task = make_task(recipe);
  session.model->initialise(choice.seed, scheme_of(choice.model.init));
  if (weights) load(choice, std::move(file), session);
  take_frozen(choice, read.frozen, session);
  if (!choice.data.spec.empty()) {
    const std::vector<std::string>& notes = session.data.info().notes;
    session.notes.insert(session.notes.end(), notes.begin(), notes.end());
    session.notes.insert(session.notes.end(), session.data.notes.begin(), session.data.notes.end());
  }
  return session;
}

DatasetPtr part_of(const DataParts& parts, const std::string& split) {
  const DatasetPtr& part = split == "train"        ? parts.train
                           : split == "validation" ? parts.validation
                           : split == "test"       ? parts.test
                                                   : parts.all;
  if (!part) throw Error(Fault::data, "data", fmt::format("{} has no {} part", parts.info().name, split));
  return part;
}

LoaderOptions loader_options(const Session& session, Index batch, std::uint64_t seed) {
  LoaderOptions options;
  options.batch = batch;
  options.seed = seed;
  options.preprocess = session.recipe.preprocess;
  // Programs are made for each width: at most 64 of them.
  if (session.recipe.input.lengths) options.width_multiple = (session.recipe.input.sample[0] + 63) / 64;
  return options;
}

void require(const std::string& value, const std::string& option, const std::string& verb) {
  if (value.empty()) throw Error(Fault::usage, verb, fmt::format("{} is needed", option));
}

}  // namespace firn::cli
