// Blocks for a network that was read from a file, the unit that freezing counts in.
#pragma once

#include "layers/foreign/translator.h"

namespace firn {

/// The network's spec, its blocks as named bodies. A block ends where one value alone flows on. Where modules
/// are known it is the outermost one that is no mere list of others, with what comes behind its layers and
/// has no weights; else it begins at each layer with weights. What several paths go around is one `graph`.
/// Layers without a name get one.
LayerSpec foreign_blocks(ForeignLayers layers);

}  // namespace firn
