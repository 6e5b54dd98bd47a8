#include "tools/app/run/recipe.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "data/files.h"
#include "data/text.h"
#include "engine/base/atomic_file.h"
#include "engine/base/json_read.h"
#include "engine/base/printable.h"
#include "engine/base/split.h"
#include "engine/tensor/safetensors.h"
#include "layers/models/recognised.h"
#include "layers/network/text.h"
#include "layers/parameter_budget.h"
#include "layers/tasks/classification.h"
#include "layers/tasks/registry.h"
#include "layers/weights.h"
#include "tools/app/cli/json.h"
#include "tools/app/run/networks.h"
#include "tools/app/run/options.h"

namespace firn::cli {

namespace {

constexpr Index kMostNumbers = Index{1} << 30;  // of a sample, and classes
constexpr double kWhite = 255;                  // of the bytes that an ImageRule speaks of

/// Reads the entries of a file's metadata; every fault is the file's.
class Entries {
 public:
  Entries(const std::map<std::string, std::string>& metadata, const std::string& path)
      : metadata_(metadata), path_(path) {}

  std::optional<std::string> find(const std::string& key) const {
    const auto found = metadata_.find(key);
    return found == metadata_.end() ? std::nullopt : std::optional(found->second);
  }
  std::string text(const std::string& key) const {
    if (const auto value = find(key)) return *value;
    fail(key, "is missing");
  }
  std::vector<std::string> strings(const std::string& key) const {
    const auto value = find(key);
    return value ? parse_strings(*value, Fault::model_file, path_ + ": " + key) : std::vector<std::string>();
  }
  std::vector<double> numbers(const std::string& key) const {
    std::vector<double> values;
    const std::string all = find(key).value_or("");
    if (all.empty()) return values;
    for (const std::string& part : split(all, ',')) {
      double value = 0;
      const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
      if (error != std::errc{} || end != part.data() + part.size()) fail(key, "'" + part + "' is no number");
      values.push_back(value);
    }
    return values;
  }
  Index count(const std::string& key, const std::string& value) const {
    Index number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size() || number < 1 || number > kMostNumbers) {
      fail(key, "'" + value + "' is no size");
    }
    return number;
  }
  Shape shape(const std::string& key) const {
    std::vector<Index> sizes;
    for (const std::string& part : split(text(key), ',')) sizes.push_back(count(key, part));
    if (sizes.size() > static_cast<std::size_t>(Shape::kMaxRank)) fail(key, "has too many sizes");
    Index numbers = 1;
    for (const Index size : sizes) {
      if (size > kMostNumbers / numbers) fail(key, fmt::format("is of more than {} numbers", kMostNumbers));
      numbers *= size;
    }
    return Shape(std::span<const Index>(sizes));
  }
  [[noreturn]] void fail(const std::string& key, const std::string& what) const {
    throw Error(Fault::model_file, "weights", fmt::format("{}: {} {}", path_, key, what));
  }

 private:
  const std::map<std::string, std::string>& metadata_;
  const std::string& path_;
};

TargetScale target_scale_in(const Entries& entries, Index classes) {
  TargetScale scale{entries.numbers("firn.target_mean"), entries.numbers("firn.target_deviation")};
  const auto width = static_cast<std::size_t>(classes);
  if (scale.mean.size() != width || scale.deviation.size() != width) {
    entries.fail("firn.target_mean",
                 fmt::format("and firn.target_deviation have {} and {} numbers for {} targets",
                             scale.mean.size(), scale.deviation.size(), width));
  }
  for (std::size_t c = 0; c < width; ++c) {
    if (!std::isfinite(scale.mean[c]))
      entries.fail("firn.target_mean", fmt::format("holds {}", scale.mean[c]));
    if (!(scale.deviation[c] > 0 && std::isfinite(scale.deviation[c])))
      entries.fail("firn.target_deviation", fmt::format("holds {}", scale.deviation[c]));
  }
  return scale;
}

/// What a file without a task is of.
std::string usual_task_of(const Recipe& recipe) {
  const std::vector<ModelEntry>& all = model_registry();
  const bool steps = std::any_of(all.begin(), all.end(), [&](const ModelEntry& entry) {
    return entry.name == recipe.model && entry.default_input.each_step;
  });
  return steps && recipe.classes == recipe.input.vocabulary ? "next-token" : "classification";
}

Recipe own_recipe(const Entries& entries) {
  Recipe recipe;
  recipe.own = true;
  recipe.model = entries.text("firn.model");
  recipe.network = entries.find("firn.network").value_or("");
  if (!recipe.network.empty()) {
    try {
      parse_network(recipe.network, "firn.network");
    } catch (const Error& error) {
      entries.fail("firn.network", fmt::format("is no network: {}", error.what()));
    }
  }
  recipe.input.sample = entries.shape("firn.sample");
  recipe.input.lengths = entries.text("firn.lengths") == "1";
  recipe.images = entries.text("firn.kind") == "image";
  recipe.classes = entries.count("firn.classes", entries.text("firn.classes"));
  recipe.class_names = entries.strings("firn.class_names");
  recipe.vocabulary = entries.strings("firn.vocabulary");
  recipe.input.vocabulary = static_cast<Index>(recipe.vocabulary.size());
  if (recipe.vocabulary.empty() && entries.text("firn.kind") == "tokens") {
    entries.fail("firn.vocabulary", "is missing");
  }
  const std::string tokens = entries.find("firn.tokens").value_or("characters");
  recipe.tokens = {.words = tokens == "words", .lower_case = entries.find("firn.lower_case") == "1"};
  if (tokens != recipe.tokens.name()) entries.fail("firn.tokens", "'" + tokens + "' is not known");
  recipe.plain_head = entries.find("firn.head") == "plain";
  recipe.mirrored = entries.find("firn.mirrored") == "1";
  if (const auto shorter = entries.find("firn.shorter_side"))
    recipe.shorter = entries.count("firn.shorter_side", *shorter);
  const std::vector<double> scale = entries.numbers("firn.scale");
  if (scale.size() != 1) entries.fail("firn.scale", "is no number");
  recipe.preprocess = {scale[0], entries.numbers("firn.mean"), entries.numbers("firn.deviation"),
                       entries.text("firn.bgr") == "1"};
  recipe.features = entries.strings("firn.features");
  recipe.label = entries.find("firn.label").value_or("");
  if (!recipe.features.empty() &&
      static_cast<Index>(recipe.features.size()) != recipe.input.sample.sizes().back()) {
    entries.fail("firn.features", fmt::format("has {} names for samples of {}", recipe.features.size(),
                                              recipe.input.sample.text()));
  }
  recipe.layout = entries.find("firn.layout").value_or("");
  const std::vector<double> extent = entries.numbers("firn.extent");
  if (extent.size() == 2) {
    recipe.extent = ValueRange{extent[0], extent[1]};
  } else if (!extent.empty()) {
    entries.fail("firn.extent", "is not two numbers");
  }
  recipe.task = entries.find("firn.task").value_or(usual_task_of(recipe));
  recipe.input.each_step = recipe.task == "next-token";
  if (find_task(recipe.task, 1) == nullptr) entries.fail("firn.task", "'" + recipe.task + "' is not known");
  if (answers_with_numbers(recipe.task)) recipe.targets = target_scale_in(entries, recipe.classes);
  if (!recipe.class_names.empty() && recipe.class_names.size() != static_cast<std::size_t>(recipe.classes)) {
    entries.fail("firn.class_names",
                 fmt::format("has {} names for {} classes", recipe.class_names.size(), recipe.classes));
  }
  return recipe;
}

std::vector<std::string> names_beside(const std::string& weights, Index classes) {
  const std::size_t slash = weights.rfind('/');
  const std::string path =
      (slash == std::string::npos ? "" : weights.substr(0, slash + 1)) + "class_names.txt";
  if (!is_file(path)) return {};
  const auto bytes = read_file(path, Fault::model_file);
  ByteReader reader(bytes, Fault::model_file, "weights", path);
  std::vector<std::string> names;
  while (!reader.at_end()) names.emplace_back(reader.line());
  return static_cast<Index>(names.size()) == classes ? names : std::vector<std::string>();
}

std::vector<std::string> vocabulary_beside(const std::string& weights) {
  const std::string stem = weights.substr(0, weights.rfind(".safetensors"));
  const std::string path = stem + ".vocab.json";
  if (!is_file(path)) {
    throw Error(Fault::model_file, "weights",
                fmt::format("{}: the vocabulary is neither in it nor in {}", weights, path));
  }
  return parse_strings(as_text(read_file(path, Fault::model_file)), Fault::model_file, path);
}

/// A file that says nothing of itself: what `name` usually is, its size read from the shapes in the file.
Recipe foreign_recipe(const SafeTensors& file, const std::string& weights, const std::string& name) {
  const ModelEntry& entry = find_model(name);
  const ModelPtr usual = entry.make(entry.default_input, entry.usual_classes);
  Recipe recipe;
  recipe.model = name;
  recipe.input = entry.default_input;
  const std::string head = usual->parameters().back().name;
  const auto found = std::find_if(file.tensors.begin(), file.tensors.end(), [&](const NamedTensor& t) {
    return t.name == head || unwrapped(t.name) == head || t.name == "model." + head ||
           t.name == "state_dict." + head;
  });
  if (found == file.tensors.end() || found->tensor.shape().rank() < 1) {
    throw Error(Fault::model_file, "weights",
                fmt::format("{}: no tensor '{}', which {} ends with", weights, head, name));
  }
  recipe.classes = found->tensor.shape()[0];
  recipe.images = recipe.input.vocabulary == 0 && recipe.input.sample.rank() == 3;
  if (recipe.images) {
    recipe.preprocess = preprocess_of(usual->image_rule());
    recipe.mirrored = usual->image_rule().mirrored;
    recipe.extent = ValueRange{0, 1};
  }
  if (recipe.input.vocabulary > 0) {
    recipe.vocabulary = vocabulary_beside(weights);
    recipe.input.vocabulary = static_cast<Index>(recipe.vocabulary.size());
  }
  recipe.task = usual_task_of(recipe);
  recipe.input.each_step = recipe.task == "next-token";
  recipe.class_names = recipe.input.each_step ? recipe.vocabulary : names_beside(weights, recipe.classes);
  return recipe;
}

/// What timm calls the network of a file: the "architecture" of the config.json beside it, else the file's
/// name.
std::string architecture_beside(const std::string& weights) {
  const std::size_t name = weights.rfind('/') + 1;  // npos + 1 is 0
  const std::string path = weights.substr(0, name) + "config.json";
  if (!is_file(path)) return weights.substr(name);
  const nlohmann::json config = try_json(as_text(read_file(path, Fault::model_file)));
  if (!config.is_object() || !config.contains("architecture")) return weights.substr(name);
  return config.at("architecture").is_string() ? config.at("architecture").get<std::string>() : "";
}

/// Throws where the file is of a network that pads otherwise; else says that it might be.
std::string doubt_of_twin(const RecognisedNetwork& known, const std::string& weights) {
  if (!known.has_tf_twin) return "";
  const std::string called = architecture_beside(weights);
  if (called.starts_with("tf_")) {
    throw Error(Fault::model_file, "weights",
                fmt::format("{} is {:.40}, which has the names of {} but pads as TensorFlow does, with other "
                            "batch norms: bring it as .pt2 (torch.export.save)",
                            weights, printable(called), known.name));
  }
  return fmt::format(
      "{} is read as {} by its names; timm's tf_{} has the same ones and pads otherwise: bring that as .pt2",
      weights, known.name, known.name);
}

/// A network that is known by the names of its weights.
Recipe recognised_recipe(const RecognisedNetwork& known, const std::string& weights) {
  Recipe recipe;
  recipe.model = known.name;
  recipe.network = known.text;
  recipe.input.sample = Shape{known.rule.size, known.rule.size, static_cast<Index>(known.rule.mean.size())};
  recipe.classes = known.classes;
  recipe.images = true;
  recipe.preprocess = preprocess_of(known.rule);
  recipe.mirrored = known.rule.mirrored;
  recipe.shorter = known.rule.shorter;
  recipe.doubt = doubt_of_twin(known, weights);
  recipe.extent = ValueRange{0, 1};
  recipe.class_names = names_beside(weights, known.classes);
  return recipe;
}

}  // namespace

Preprocess preprocess_of(const ImageRule& rule) {
  Preprocess preprocess;
  preprocess.scale = static_cast<double>(rule.scale) * kWhite;
  // 1/255 as a float is not quite the inverse of 255.
  if (std::abs(preprocess.scale - 1) < 1e-6) preprocess.scale = 1;
  preprocess.mean.assign(rule.mean.begin(), rule.mean.end());
  preprocess.deviation.assign(rule.deviation.begin(), rule.deviation.end());
  preprocess.bgr = rule.bgr;
  return preprocess;
}

Index usual_batch(const Recipe& recipe) {
  return is_known_model(recipe.model) ? find_model(recipe.model).usual_batch : ModelEntry{}.usual_batch;
}

TaskPtr make_task(const Recipe& recipe) {
  const TaskPtr task = find_task(recipe.task, recipe.classes, recipe.targets.mean, recipe.targets.deviation);
  return task != nullptr ? task : std::make_shared<Classification>(recipe.classes);
}

ModelPtr make_model(const Recipe& recipe) {
  if (recipe.plain_head && is_known_model(recipe.model)) {
    const ModelEntry& known = find_model(recipe.model);
    if (known.make_plain) return known.make_plain(recipe.input, recipe.classes);
  }
  if (!recipe.network.empty())
    return network_entry(recipe.model, recipe.network, recipe.model).make(recipe.input, recipe.classes);
  return find_model(recipe.model).make(recipe.input, recipe.classes);
}

ModelPtr make_model(const Recipe& recipe, Index numbers, const std::string& weights, bool new_head) {
  constexpr Index kSpare = 1 << 24;     // numbers
  constexpr Index kFeatures = 1 << 12;  // of a sample, which a new head may see
  const ParameterBudget budget(4 * numbers + kSpare + (new_head ? kFeatures * recipe.classes : 0));
  try {
    return make_model(recipe);
  } catch (const Error& error) {
    if (error.fault() != Fault::model_file) throw;
    throw Error(Fault::model_file, "weights", fmt::format("{}: {}", weights, error.what()));
  }
}

std::map<std::string, std::string> to_metadata(const Recipe& recipe) {
  std::map<std::string, std::string> metadata = {
      {"firn.model", recipe.model},
      {"firn.network", recipe.network},
      {"firn.sample", fmt::format("{}", fmt::join(recipe.input.sample.sizes(), ","))},
      {"firn.kind", recipe.images                 ? "image"
                    : recipe.input.vocabulary > 0 ? "tokens"
                                                  : "numbers"},
      {"firn.lengths", recipe.input.lengths ? "1" : "0"},
      {"firn.classes", fmt::format("{}", recipe.classes)},
      {"firn.scale", fmt::format("{}", recipe.preprocess.scale)},
      {"firn.mean", fmt::format("{}", fmt::join(recipe.preprocess.mean, ","))},
      {"firn.deviation", fmt::format("{}", fmt::join(recipe.preprocess.deviation, ","))},
      {"firn.bgr", recipe.preprocess.bgr ? "1" : "0"},
  };
  if (recipe.task != usual_task_of(recipe)) metadata["firn.task"] = recipe.task;
  if (answers_with_numbers(recipe.task)) {
    metadata["firn.target_mean"] = fmt::format("{}", fmt::join(recipe.targets.mean, ","));
    metadata["firn.target_deviation"] = fmt::format("{}", fmt::join(recipe.targets.deviation, ","));
  }
  if (recipe.plain_head) metadata["firn.head"] = "plain";
  if (recipe.mirrored) metadata["firn.mirrored"] = "1";
  if (recipe.shorter > 0) metadata["firn.shorter_side"] = std::to_string(recipe.shorter);
  if (!recipe.class_names.empty()) metadata["firn.class_names"] = format_strings(recipe.class_names);
  if (recipe.tokens.words) metadata["firn.tokens"] = recipe.tokens.name();
  if (recipe.tokens.lower_case) metadata["firn.lower_case"] = "1";
  if (!recipe.features.empty()) metadata["firn.features"] = format_strings(recipe.features);
  if (!recipe.label.empty()) metadata["firn.label"] = recipe.label;
  if (!recipe.layout.empty()) metadata["firn.layout"] = recipe.layout;
  if (recipe.extent) {
    metadata["firn.extent"] = fmt::format("{},{}", recipe.extent->least, recipe.extent->greatest);
  }
  if (!recipe.vocabulary.empty()) metadata["firn.vocabulary"] = format_strings(recipe.vocabulary);
  return metadata;
}

Recipe read_recipe(const SafeTensors& file, const std::string& weights, const std::string& model) {
  if (!file.metadata.contains("firn.model")) {
    if (model.empty()) {
      if (const auto known = recognise_network(file.tensors)) return recognised_recipe(*known, weights);
      throw Error(
          Fault::usage, "weights",
          fmt::format("{} does not say of which model it is, and its names are none that firn knows ({}): "
                      "give --model",
                      weights, recognised_families()));
    }
    return foreign_recipe(file, weights, model);
  }
  const Recipe recipe = own_recipe(Entries(file.metadata, weights));
  if (!model.empty() && model != recipe.model && model != recipe.network) {
    throw Error(Fault::usage, "weights", fmt::format("{} is of {}, not of {}", weights, recipe.model, model));
  }
  return recipe;
}

}  // namespace firn::cli
