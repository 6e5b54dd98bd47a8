// Weights as the program takes them: firn's own and other safetensors, or networks of other programs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/tensor/safetensors.h"
#include "layers/foreign/cut.h"
#include "layers/foreign/import.h"
#include "tools/app/run/recipe.h"

namespace firn::cli {

struct WeightsFile {
  SafeTensors file;
  std::optional<Recipe> recipe = {};     ///< of a network of another program, which holds its own
  std::vector<std::string> frozen = {};  ///< parameters that such a file says do not train
  std::vector<std::string> notes = {};
};

/// Reads weights; a checkpoint is made whole with its `base`, sizes that a network leaves open are taken from
/// `sample`; `cut` is for networks of other programs alone. Throws what `load_whole` and `import_network`
/// throw.
WeightsFile read_weights(const std::string& path, const std::string& base,
                         const std::vector<Index>& sample = {}, const NetworkCut& cut = {});

/// What a network of another program, called `path`, comes to.
WeightsFile imported_weights(ImportedNetwork network, const std::string& path);

}  // namespace firn::cli
