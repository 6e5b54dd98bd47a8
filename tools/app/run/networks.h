// What --model can be.
#pragma once

#include <string>
#include <vector>

#include "layers/model.h"

namespace firn::cli {

/// The model that `asked` stands for: the name of one that firn knows, a file that holds the text of a
/// network, or such a text ("conv 32 3x3, relu, pool 2, dense"). Throws Error(usage) for what is none of
/// them, with the nearest name, for a text that is not right, with its place, and Error(failure) for a file
/// that cannot be read.
ModelEntry model_entry(const std::string& asked);

/// The models that a list with commas between them names; or one, where it is a network's text.
std::vector<std::string> model_names(const std::string& list);

/// Whether the registry has a model of this name.
bool is_known_model(const std::string& name);

/// An entry for the text of a network of the user's own, called `name`; errors name `source`. Its usual input
/// has no sizes: these are the data's.
ModelEntry network_entry(const std::string& name, const std::string& text, const std::string& source);

/// Whether Adam is what `model` is usually trained with: it has a recurrent layer or an embedding.
bool wants_adam(const Model& model);

/// The same network with a last layer that shares no weights: one of other classes cannot.
std::string with_free_head(const std::string& network);

}  // namespace firn::cli
