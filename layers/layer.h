// A layer: named parameters and children in a fixed order, and how they build a graph. No arithmetic.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.h"
#include "layers/init.h"
#include "layers/layer_spec.h"
#include "layers/selection.h"

namespace firn {

/// What flows from layer to layer: a value, and for sequences (N,T,F) of different lengths how many of their
/// steps are valid (N indices); none: all of them.
struct Flow {
  Value x;
  Value lengths = {};
};

class Layer {
 public:
  virtual ~Layer() = default;
  Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  /// Its kind and attributes, so that it can be written and made again; no parameters.
  virtual LayerSpec spec() const = 0;
  /// The same in a line: "conv 32 3x3 stride 2".
  std::string text() const { return spec().text(); }
  /// Adds this layer to the graph. Throws Error(usage) naming the layer when the shapes do not fit.
  virtual Flow build(Graph& graph, Flow in) const = 0;
  /// The same for a layer that reads several values, in this order; others throw Error(usage) unless it is
  /// one.
  virtual Flow join(Graph& graph, std::span<const Flow> in) const;

  /// All parameters below, own ones first, then those of the children in their order; a shared one under each
  /// of its names.
  std::vector<NamedParameter> parameters() const;
  struct Child {
    std::string name;  ///< empty: its parameters are named as if they were this layer's own
    std::shared_ptr<Layer> layer;
    /// The layer's `build`, with the nodes labelled by its name.
    Flow build(Graph& graph, Flow in) const;
    /// The layer's `spec`, under its name.
    LayerSpec spec() const;
  };
  const std::vector<Child>& children() const { return children_; }
  /// Names in a network's text of the parameters that are those of layers before it; its child's spec says
  /// them.
  void set_tied(std::vector<std::string> names) { tied_ = std::move(names); }

  /// Fills every parameter anew; each from its own random stream, named by seed and dotted name, so that
  /// adding a layer changes no other one. Statistics get their start values. By the scheme that was given
  /// last, at first `Scheme::pytorch`.
  void initialise(std::uint64_t seed);
  void initialise(std::uint64_t seed, Scheme scheme);
  /// From the next `initialise` on weights and biases below begin from zero.
  void zero_initialise();

  /// Freezes or thaws the parameters that `pattern` names: a glob on dotted names ("conv1.*"; a layer's name
  /// alone means all below it), or "role:weight", "role:bias", "role:norm" (statistics with it); or parts of
  /// them, "conv1.weight[0:16]" (`select_units`). Throws
  /// Error(usage) with the nearest name when nothing matches. A parameter that layers share freezes in all of
  /// them, under whichever name it is matched.
  void freeze(const std::string& pattern) { set_trainable(pattern, false); }
  void thaw(const std::string& pattern) { set_trainable(pattern, true); }
  /// What does not train by the marks of the parameters below.
  FreezeSet freeze_set() const;

 protected:
  /// Makes a parameter of this layer, zero until initialised; or shares the one that `TiedParameters` has for
  /// it, which must be like it: else throws Error(usage). One that is a matrix may lie in memory the other
  /// way where `transposed` is given, which then says whether it does.
  ParameterPtr own(std::string name, Shape shape, Role role, Fill fill, FileLayout layout = {},
                   bool* transposed = nullptr);
  /// Shares a parameter of another layer.
  void share(std::string name, ParameterPtr parameter);
  /// Takes a layer as a child. The parameters below get their dotted names from the outermost layer.
  void adopt(std::string name, std::shared_ptr<Layer> layer);

 private:
  struct Owned {
    std::string name;
    ParameterPtr parameter;
    Fill fill;
    bool shared = false;
  };
  void collect(const std::string& prefix, std::vector<NamedParameter>& out) const;
  void rename();
  void set_trainable(const std::string& pattern, bool trainable);

  std::vector<Owned> owned_;
  std::vector<std::string> tied_;
  Scheme scheme_ = Scheme::pytorch;
  std::vector<Child> children_;
};

using LayerPtr = std::shared_ptr<Layer>;

/// What a body of a spec lists: the children of a `Sequential`, else the layer itself.
std::vector<LayerSpec> layers_of(const Layer& layer);

/// A layer by its named options: `make<Conv2d>({.in = 16, .out = 32, .kernel = 3})`.
template <class L>
std::shared_ptr<L> make(typename L::Options options) {
  return std::make_shared<L>(std::move(options));
}

}  // namespace firn
