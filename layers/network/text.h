// The text of a network: the same language on one line and in a file.
//
//   [conv1] conv 32 3x3, relu, pool 2        a block: its name, its layers with commas or line ends between
//   [fc1]                                    blocks are what freezing counts in; without any they are made
//     hidden: dense 128                      a layer's name stands before a colon
//     relu
//   [fc2] dense                              no size: the number of classes
//
//   residual { conv 16 3x3 no_bias, norm } shortcut { conv 16 1x1 }
//   branch { conv 64 1x1 } { conv 64 3x3 }
//   graph { a: conv 8 3x3, b: conv 8 3x3 from in, add from a b }
//
// A '#' begins a comment. The kinds of layers and their options: `layer_kinds`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "layers/layer_spec.h"

namespace firn {

/// The blocks of a network as they stand in its text.
struct NetworkText {
  std::vector<LayerSpec::Body> blocks;
  bool named = false;  ///< the text says which blocks there are; else there is one without a name
};

/// Reads a network. Throws Error(usage) naming `source`, line and column: for a character that does not
/// belong, a brace that is not closed, a kind or option that is not known (with the nearest name), and a text
/// of more than 1 MB, 100,000 words or 32 braces within each other.
NetworkText parse_network(std::string_view text, const std::string& source);

/// The text of a network's spec (`Model::spec`), a line for each block; reads back as the same network.
/// Names that the parser would give are left out.
std::string network_text(const LayerSpec& network);

/// What a layer without a name is called, counting from 1 in a whole network: "conv1"; empty for those that
/// only hold others. One object for all layers in the order of the text.
class AutomaticNames {
 public:
  std::string next(const std::string& kind);

 private:
  std::vector<std::pair<std::string, int>> counts_;
};

}  // namespace firn
