// A layer in words: its kind and attributes, as networks are written and read back.
#pragma once

#include <string>
#include <vector>

#include "engine/base/real.h"

namespace firn {

/// What makes a layer besides its input and its numbers. `text` is one line that `parse_network` reads:
/// "conv1: conv 32 3x3 stride 2 no_bias".
struct LayerSpec {
  struct Attribute {
    std::string name;
    std::string value;  ///< empty: a flag that is set
    bool bare = false;  ///< written without its name
  };
  /// Layers within this one, one after the other.
  struct Body {
    std::string name;  ///< "shortcut"; mostly empty
    std::vector<LayerSpec> layers;
  };

  explicit LayerSpec(std::string called) : kind(std::move(called)) {}

  std::string kind;                     ///< "conv"
  std::string name = {};                ///< by which the layer around it calls it; empty: not at all
  std::vector<Attribute> attributes{};  ///< those that differ from what is usual
  std::vector<std::string> from = {};   ///< in a graph: what it reads; empty: the layer before it
  std::vector<Body> bodies = {};
  std::vector<std::string> tied = {};  ///< parameters of layers before it that are its own too: "a.weight"
  int line = 0, column = 0;            ///< where it was read, from 1; 0: it was not

  /// Appends an attribute: by its place alone; by its name where it is not `usual`; by its name where it is
  /// on.
  LayerSpec& bare(std::string name, std::string value);
  LayerSpec& bare(std::string name, Index value);
  LayerSpec& option(std::string name, std::string value, const std::string& usual);
  LayerSpec& option(std::string name, Index value, Index usual);
  LayerSpec& option(std::string name, real value, real usual);
  LayerSpec& flag(std::string name, bool on);
  LayerSpec& body(std::string name, std::vector<LayerSpec> layers);

  /// The value of an attribute; null where it is not listed.
  const std::string* find(const std::string& attribute) const;
  std::string text() const;
};

/// The shortest text that reads back as the same number.
std::string exact_text(real value);

}  // namespace firn
