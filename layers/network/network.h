// A model from the text of a network.
#pragma once

#include <string>

#include "layers/model.h"
#include "layers/network/text.h"

namespace firn {

/// The network `text` for data of this kind, its sizes filled in: what each layer reads follows from the
/// layers before it, "classes" from the data. An image is flattened before a dense layer, and a dense layer
/// that ends a network over a sequence reads its last step; tokens whose classes are the vocabulary are
/// predicted step by step. Where the text names no blocks, one begins at each layer with weights of its own
/// and at each residual, branch, group or graph. Throws Error(usage) naming `source` (what the text is called
/// in errors), line and column.
ModelPtr make_network(const std::string& name, const NetworkText& text, const std::string& source,
                      const InputSpec& input, Index classes);

/// The same of a text that stands in a program; network and text are called "own".
ModelPtr make_network(const std::string& text, const InputSpec& input, Index classes);

/// The same for a text that firn holds itself.
ModelPtr make_builtin(const std::string& name, const std::string& text, const InputSpec& input,
                      Index classes);

}  // namespace firn
