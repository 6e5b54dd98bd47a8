#include "tools/app/run/imported.h"

#include <filesystem>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "layers/foreign/export.h"
#include "optim/trainer/checkpoint.h"

namespace firn::cli {

namespace {

Recipe recipe_of(const ImportedNetwork& network, const std::string& path) {
  Recipe recipe;
  recipe.model = std::filesystem::path(path).stem().string();
  recipe.network = network.text;
  recipe.input = network.input;
  recipe.classes = network.classes;
  recipe.layout = network.layout;
  recipe.images = network.input.sample.rank() == 3;
  recipe.own = true;
  // What the numbers of its tokens stand for is not said.
  for (Index token = 0; token < network.input.vocabulary; ++token)
    recipe.vocabulary.push_back(std::to_string(token));
  return recipe;
}

}  // namespace

WeightsFile read_weights(const std::string& path, const std::string& base, const std::vector<Index>& sample,
                         const NetworkCut& cut) {
  if (!is_foreign_network(path)) {
    if (cut.any())
      throw Error(Fault::usage, "weights",
                  "--from and --to go with a network of another program, " + path + " is none");
    return {load_whole(path, base)};
  }
  if (!base.empty())
    throw Error(Fault::usage, "weights", "--base goes with a checkpoint, " + path + " is none");
  const std::vector<std::byte> bytes = read_file(path, Fault::model_file);
  // What firn itself has written as ONNX is the network that it was.
  if (!cut.any()) {
    if (auto own = read_own_onnx(bytes, path)) return {std::move(*own)};
  }
  return imported_weights(import_network(bytes, path, Shape(std::span<const Index>(sample)), cut), path);
}

WeightsFile imported_weights(ImportedNetwork network, const std::string& path) {
  WeightsFile weights;
  weights.recipe = recipe_of(network, path);
  weights.file = std::move(network.file);
  weights.frozen = std::move(network.frozen);
  weights.notes = std::move(network.notes);
  return weights;
}

}  // namespace firn::cli
