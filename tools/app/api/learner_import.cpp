// Learners of other programs' networks, and for them.
#include <fmt/core.h>

#include <utility>

#include "engine/base/atomic_file.h"
#include "layers/foreign/export.h"
#include "layers/foreign/import.h"
#include "layers/network/text.h"
#include "layers/weights.h"
#include "tools/app/api/learner_parts.h"
#include "tools/app/run/imported.h"

namespace firn {

namespace {

/// Bytes that firn has written are the network that it was; others are another program's.
cli::WeightsFile weights_in(std::span<const std::byte> bytes, const std::string& path, const Shape& sample) {
  if (auto own = read_own_onnx(bytes, path)) return {std::move(*own)};
  return cli::imported_weights(import_network(bytes, path, sample), path);
}

}  // namespace

Learner Learner::of_network(const std::string& path, const Shape& sample) {
  return of_network(read_file(path, Fault::model_file), path, sample);
}

Learner Learner::of_network(std::span<const std::byte> bytes, const std::string& name, const Shape& sample) {
  return Learner(Parts::imported(weights_in(bytes, name, sample), name));
}

Learner Learner::of_program(std::span<const std::byte> bytes, const std::string& name,
                            const std::vector<LyingTensor>& weights) {
  ForeignTensors lying;
  for (const LyingTensor& weight : weights) {
    ForeignConstant& tensor = lying[weight.name];
    tensor.sizes = weight.sizes;
    tensor.lying = weight.numbers;
  }
  return Learner(
      Parts::imported(cli::imported_weights(import_network(bytes, name, {}, {}, lying), name), name));
}

void Learner::export_onnx(const std::string& path, bool fold) const {
  const ModelPtr written = fold ? with_norms_folded(model()) : parts_->session.model;
  cli::Recipe recipe = parts_->session.recipe;
  recipe.network = network_text(written->spec());
  recipe.plain_head = recipe.plain_head && !fold;
  for (auto token = static_cast<Index>(recipe.vocabulary.size()); token < recipe.input.vocabulary; ++token)
    recipe.vocabulary.push_back(std::to_string(token));
  firn::export_onnx(*written, path, {.metadata = cli::to_metadata(recipe)});
}

std::unique_ptr<Learner::Parts> Learner::Parts::imported(cli::WeightsFile weights, const std::string& path) {
  auto parts = std::make_unique<Parts>();
  cli::Session& made = parts->session;
  made.recipe = weights.recipe ? std::move(*weights.recipe) : cli::read_recipe(weights.file, path, "");
  Index numbers = 0;
  for (const NamedTensor& t : weights.file.tensors) numbers += t.tensor.count();
  made.model = cli::make_model(made.recipe, numbers, path, false);
  made.task = cli::make_task(made.recipe);
  made.recipe.network = network_text(made.model->spec());
  load_weights(*made.model, std::move(weights.file), path);
  parts->notes = std::move(weights.notes);
  if (!weights.frozen.empty()) {
    parts->notes.push_back(fmt::format("{} of the {} tensors of {} do not train there: they are frozen",
                                       weights.frozen.size(), made.model->parameters().size(), path));
  }
  made.model->set_own_frozen(std::move(weights.frozen));
  made.model->freeze_own();
  parts->called = path;
  parts->prepared = true;
  return parts;
}

}  // namespace firn
