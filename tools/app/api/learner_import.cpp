// Learners of other programs' networks.
#include <fmt/core.h>

#include <utility>

#include "layers/foreign/import.h"
#include "layers/network/text.h"
#include "layers/weights.h"
#include "tools/app/api/learner_parts.h"
#include "tools/app/run/imported.h"

namespace firn {

Learner Learner::of_network(const std::string& path, const Shape& sample) {
  return Learner(Parts::imported(import_network(path, sample), path));
}

Learner Learner::of_network(std::span<const std::byte> bytes, const std::string& name, const Shape& sample) {
  return Learner(Parts::imported(import_network(bytes, name, sample), name));
}

std::unique_ptr<Learner::Parts> Learner::Parts::imported(ImportedNetwork network, const std::string& path) {
  cli::WeightsFile weights = cli::imported_weights(std::move(network), path);
  auto parts = std::make_unique<Parts>();
  cli::Session& made = parts->session;
  made.recipe = std::move(*weights.recipe);
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
