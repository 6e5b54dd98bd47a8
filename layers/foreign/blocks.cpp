#include "layers/foreign/blocks.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "layers/network/text.h"

namespace firn {

namespace {

/// Layers between two places that one value alone flows through.
struct Piece {
  std::size_t first = 0, last = 0;  ///< [first, last)
  bool weighty = false;
  std::string path = {};  ///< the innermost module that holds its weights
  std::string key = {};   ///< the module that its block is
};

bool is_digits(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

/// "layer1" of "layer1.0.conv1"; all of it where there is no dot from `begin` on.
std::string up_to_dot(const std::string& path, std::size_t begin) {
  return path.substr(0, path.find('.', begin));
}

std::string common_path(const std::string& a, const std::string& b) {
  std::size_t end = 0;
  for (std::size_t i = 0; i <= std::min(a.size(), b.size()); ++i) {
    const bool a_ends = i == a.size() || a[i] == '.', b_ends = i == b.size() || b[i] == '.';
    if (a_ends && b_ends) end = i;
    if (i < std::min(a.size(), b.size()) && a[i] != b[i]) break;
  }
  return a.substr(0, end);
}

bool is_below(const std::string& path, const std::string& scope) {
  return path.size() > scope.size() && path.starts_with(scope) && path[scope.size()] == '.';
}

/// Leaves out what does not lead to the output.
void drop_unused(ForeignLayers& all) {
  std::vector<bool> used(all.layers.size(), false);
  used[static_cast<std::size_t>(all.output)] = true;
  for (std::size_t i = all.layers.size(); i-- > 0;) {
    if (!used[i]) continue;
    for (const int input : all.layers[i].inputs) {
      if (input >= 0) used[static_cast<std::size_t>(input)] = true;
    }
  }
  std::vector<int> place(all.layers.size(), -1);
  std::vector<ForeignLayer> kept;
  for (std::size_t i = 0; i < all.layers.size(); ++i) {
    if (!used[i]) continue;
    place[i] = static_cast<int>(kept.size());
    for (int& input : all.layers[i].inputs)
      input = input < 0 ? input : place[static_cast<std::size_t>(input)];
    kept.push_back(std::move(all.layers[i]));
  }
  all.layers = std::move(kept);
  all.output = static_cast<int>(all.layers.size()) - 1;
}

std::vector<Piece> pieces_of(const std::vector<ForeignLayer>& layers) {
  // An edge from p to j goes around every place behind a layer between them.
  std::vector<int> around(layers.size() + 1, 0);
  for (std::size_t j = 0; j < layers.size(); ++j) {
    for (const int p : layers[j].inputs) {
      ++around[static_cast<std::size_t>(p + 1)];
      --around[j];
    }
  }
  std::vector<Piece> pieces;
  int edges = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    edges += around[i];
    if (edges > 0) continue;
    Piece piece{first, i + 1};
    bool any = false;
    for (std::size_t k = first; k <= i; ++k) {
      const bool counts = layers[k].weighty || (!piece.weighty && !layers[k].scope.empty());
      if (!counts) continue;
      piece.path = any && layers[k].weighty == piece.weighty ? common_path(piece.path, layers[k].scope)
                                                             : layers[k].scope;
      piece.weighty = piece.weighty || layers[k].weighty;
      any = true;
    }
    pieces.push_back(std::move(piece));
    first = i + 1;
  }
  return pieces;
}

/// The modules that are mere lists of others: all their children are numbers, or they hold most of the
/// network.
class Lists {
 public:
  Lists(const std::vector<ForeignLayer>& layers, const std::vector<Piece>& pieces)
      : layers_(layers), pieces_(pieces) {}

  bool holds(const std::string& scope) const {
    std::set<std::string> children;
    bool numbers = true;
    for (const ForeignLayer& layer : layers_) {
      if (!is_below(layer.scope, scope)) continue;
      const std::string child = up_to_dot(layer.scope, scope.size() + 1).substr(scope.size() + 1);
      numbers = numbers && is_digits(child);
      if (layer.weighty) children.insert(child);
    }
    if (numbers && children.size() > 1) return true;
    std::size_t all = 0, below = 0;
    for (const Piece& piece : pieces_) {
      all += piece.weighty ? 1 : 0;
      below += piece.weighty && is_below(piece.path, scope) ? 1 : 0;
    }
    return below > 3 && 2 * below > all;
  }

  std::string key(const std::string& path) const {
    for (std::size_t at = 0; at < path.size();) {
      std::string scope = up_to_dot(path, at);
      if (scope.size() == path.size() || !holds(scope)) return scope;
      at = scope.size() + 1;
    }
    return path;
  }

 private:
  const std::vector<ForeignLayer>& layers_;
  const std::vector<Piece>& pieces_;
};

/// Layers that get the numbers ready for the block behind them.
bool leads_on(const ForeignLayer& layer) {
  constexpr std::string_view kinds[] = {"flatten", "last", "global_pool", "reshape",
                                        "permute", "mean", "max",         "dropout"};
  return std::find(std::begin(kinds), std::end(kinds), layer.spec.kind) != std::end(kinds);
}

struct Block {
  std::string name;
  std::size_t first = 0, last = 0;  ///< of the pieces
};

std::vector<Block> blocks_of(const std::vector<ForeignLayer>& layers, std::vector<Piece>& pieces) {
  const Lists lists(layers, pieces);
  std::set<std::string> weighty;
  for (Piece& piece : pieces) {
    piece.key = lists.key(piece.path);
    if (piece.weighty) weighty.insert(piece.key);
  }
  std::vector<Block> blocks;
  std::string key;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Piece& piece = pieces[i];
    const bool begins = (piece.weighty || (!piece.key.empty() && weighty.contains(piece.key))) &&
                        (blocks.empty() || piece.key != key || piece.key.empty());
    if (!begins) continue;
    std::size_t first = blocks.empty() ? 0 : i;
    while (!blocks.empty() && first > blocks.back().first + 1) {
      const Piece& before = pieces[first - 1];
      if (before.last - before.first != 1 || !leads_on(layers[before.first])) break;
      --first;
    }
    if (!blocks.empty()) blocks.back().last = first;
    key = piece.key;
    blocks.push_back({key, first, pieces.size()});
  }
  if (blocks.empty()) blocks.push_back({"all", 0, pieces.size()});
  std::set<std::string> names;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::string name = blocks[i].name.empty() ? fmt::format("block{}", i) : blocks[i].name;
    blocks[i].name = name;
    for (int n = 2; !names.insert(blocks[i].name).second; ++n) blocks[i].name = fmt::format("{}_{}", name, n);
  }
  return blocks;
}

/// The layer whose width is the number of classes says so.
void mark_classes(ForeignLayers& all) {
  constexpr std::string_view passing[] = {"relu",        "leaky_relu",   "sigmoid",      "tanh", "dropout",
                                          "global_pool", "mean",         "max",          "norm", "last",
                                          "reshape",     "flatten",      "silu",         "gelu", "relu_to",
                                          "hard_swish",  "hard_sigmoid", "average_pool", "pool"};
  for (int i = all.output; i >= 0;) {
    ForeignLayer& layer = all.layers[static_cast<std::size_t>(i)];
    for (LayerSpec::Attribute& a : layer.spec.attributes) {
      if (a.name == "out" && a.value == std::to_string(all.classes)) a.value = "classes";
    }
    if (layer.inputs.size() != 1 ||
        std::find(std::begin(passing), std::end(passing), layer.spec.kind) == std::end(passing))
      return;
    i = layer.inputs[0];
  }
}

}  // namespace

LayerSpec foreign_blocks(ForeignLayers all) {
  drop_unused(all);
  mark_classes(all);
  std::vector<ForeignLayer>& layers = all.layers;
  std::vector<Piece> pieces = pieces_of(layers);
  AutomaticNames automatic;
  std::set<std::string> taken{"in"};
  for (const ForeignLayer& layer : layers) taken.insert(layer.spec.name);
  for (ForeignLayer& layer : layers) {
    const std::string given = automatic.next(layer.spec.kind);
    if (!layer.spec.name.empty()) continue;
    layer.spec.name = given;
    for (int n = 2; !taken.insert(layer.spec.name).second; ++n)
      layer.spec.name = fmt::format("{}_{}", given, n);
  }
  LayerSpec network("network");
  for (const Block& block : blocks_of(layers, pieces)) {
    std::vector<LayerSpec> body;
    for (std::size_t i = block.first; i < block.last; ++i) {
      const Piece& piece = pieces[i];
      const auto before = static_cast<int>(piece.first) - 1;
      if (piece.last - piece.first == 1 && layers[piece.first].inputs.size() == 1) {
        body.push_back(layers[piece.first].spec);
        continue;
      }
      std::vector<LayerSpec> nodes;
      for (std::size_t k = piece.first; k < piece.last; ++k) {
        LayerSpec spec = layers[k].spec;
        if (layers[k].inputs != std::vector<int>{static_cast<int>(k) - 1}) {
          for (const int input : layers[k].inputs)
            spec.from.push_back(input == before ? "in" : layers[static_cast<std::size_t>(input)].spec.name);
        }
        nodes.push_back(std::move(spec));
      }
      body.push_back(LayerSpec("graph").body({}, std::move(nodes)));
    }
    network.body(block.name, std::move(body));
  }
  return network;
}

}  // namespace firn
