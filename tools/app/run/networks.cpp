#include "tools/app/run/networks.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "data/files.h"
#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/base/split.h"
#include "layers/network/kinds.h"
#include "layers/network/network.h"

namespace firn::cli {

namespace {

constexpr std::string_view kOwn = "network";  // what is told of a text that is in no file

bool looks_like_text(const std::string& asked) {
  return asked.find_first_of(" ,{[\n") != std::string::npos || find_layer_kind(asked) != nullptr;
}

bool has_kind(const LayerSpec& spec, std::initializer_list<std::string_view> kinds) {
  if (std::find(kinds.begin(), kinds.end(), spec.kind) != kinds.end()) return true;
  for (const LayerSpec::Body& body : spec.bodies) {
    for (const LayerSpec& layer : body.layers) {
      if (has_kind(layer, kinds)) return true;
    }
  }
  return false;
}

}  // namespace

std::vector<std::string> model_names(const std::string& list) {
  if (list.empty()) return {};
  std::vector<std::string> names = split(list, ',');
  const auto named = [](const std::string& name) { return is_known_model(name) || is_file(name); };
  if (std::none_of(names.begin(), names.end(), named) && looks_like_text(list)) return {list};
  return names;
}

ModelEntry network_entry(const std::string& name, const std::string& text, const std::string& source) {
  const auto parsed = std::make_shared<const NetworkText>(parse_network(text, source));
  ModelEntry entry;
  entry.name = name;
  entry.text = "a network of one's own";
  entry.network = text;
  entry.make = [name, parsed, source](const InputSpec& input, Index classes) {
    return make_network(name, *parsed, source, input, classes);
  };
  return entry;
}

bool is_known_model(const std::string& name) {
  const auto& known = model_registry();
  return std::any_of(known.begin(), known.end(), [&](const ModelEntry& e) { return e.name == name; });
}

ModelEntry model_entry(const std::string& asked) {
  if (is_known_model(asked)) return find_model(asked);
  if (is_file(asked)) {
    std::string stem = std::filesystem::path(asked).stem().string();
    return network_entry(stem.empty() ? std::string(kOwn) : stem,
                         std::string(as_text(read_file(asked, Fault::usage))), asked);
  }
  if (looks_like_text(asked)) return network_entry(std::string(kOwn), asked, "--model");
  std::vector<std::string> names;
  for (const ModelEntry& entry : model_registry()) names.push_back(entry.name);
  throw Error(
      Fault::usage, "model",
      fmt::format("no model is called {}{}, and there is no such file; a network of your own is a text "
                  "such as 'conv 16 3x3, relu, pool 2, dense'",
                  asked, did_you_mean(asked, names)));
}

bool wants_adam(const Model& model) {
  return has_kind(model.spec(), {"lstm", "gru", "gru_reset_first", "rnn", "rnn_relu", "embedding"});
}

std::string with_free_head(const std::string& network) {
  NetworkText parsed = parse_network(network, "network");
  std::string text;
  for (LayerSpec::Body& block : parsed.blocks) {
    if (parsed.named) text += "[" + block.name + "]\n";
    for (LayerSpec& layer : block.layers) {
      const std::string* out = layer.find("out");
      if (&block == &parsed.blocks.back() && out != nullptr && *out == "classes") layer.tied.clear();
      text += layer.text() + "\n";
    }
  }
  return text;
}

}  // namespace firn::cli
