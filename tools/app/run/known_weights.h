// Published weights that firn's models take: where they are had, under which licence, how a file is known.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace firn::cli {

struct KnownWeights {
  std::string_view name;    ///< "squeezenet"
  std::string_view model;   ///< as --model
  std::string_view text;    ///< what it knows, how well
  std::string_view source;  ///< where the originals are had
  std::string_view made;    ///< how a safetensors file is made of them
  std::string_view licence;
  std::string_view preparation;  ///< of the samples: the model's own rule
  std::uint64_t bytes;           ///< of the safetensors file
  std::string_view sha256;       ///< its
};

const std::vector<KnownWeights>& known_weights();

/// "squeezenet (1,000 kinds of photographs), ...": all of them in a sentence, each model once.
std::string_view known_weights_line();

}  // namespace firn::cli
