// Recurrent layers with PyTorch's weights and gates.
#include <fmt/format.h>

#include <algorithm>

#include "layers/foreign/translator.h"

namespace firn {

/// The constants that a layer begins with, (layers*directions,N,size) each: h, and of an LSTM c; null where
/// it begins with zeros, or with what is fed.
struct Translator::Initial {
  const ForeignConstant* given[2] = {nullptr, nullptr};

  bool any() const { return given[0] != nullptr || given[1] != nullptr; }
  /// Keeps row `cell` of h (which 0) or c (1) as a parameter, where there are initial states.
  void keep_row(Translator& translator, const ForeignNode& node, std::size_t which, Index cell,
                const std::string& name, Index size) const {
    if (!any()) return;
    const ForeignConstant* from = given[which];
    ForeignConstant row;
    row.sizes = {size};
    row.trains = from != nullptr && from->trains;
    row.reals.assign(static_cast<std::size_t>(size), 0);
    if (from != nullptr) {
      const Index samples = from->sizes[1];
      if (from->sizes[2] != size || cell >= from->sizes[0])
        translator.fail(node, fmt::format("begins with states of ({})", fmt::join(from->sizes, ",")));
      std::copy_n(from->floats().begin() + cell * samples * size, size, row.reals.begin());
    }
    translator.keep(node, row, name, {size});
  }
};

Translator::Initial Translator::initial_states(const ForeignNode& node) const {
  Initial initial;
  const auto states = static_cast<std::size_t>(node.whole("states", 0));
  for (std::size_t i = 1; i <= std::min<std::size_t>(states, 2); ++i) {
    if (i >= node.inputs.size() || node.inputs[i] < 0 || graph_.states.contains(node.inputs[i])) continue;
    const ForeignConstant& state = wanted_constant(node, i, "initial state");
    if (state.sizes.size() != 3 || state.whole || state.count() < 1)
      fail(node, fmt::format("begins with states of ({})", fmt::join(state.sizes, ",")));
    const std::span<const real> numbers = state.floats();
    const bool zero = std::all_of(numbers.begin(), numbers.end(), [](real x) { return x == 0; });
    if (zero && !state.parameter) continue;
    const Index samples = state.sizes[1], size = state.sizes[2];
    for (Index k = 0; k < state.count(); ++k) {
      const Index first = k / (samples * size) * samples * size + k % size;
      if (state.number(k) != state.number(first))
        fail(node,
             "begins with states that differ between the samples of a batch, firn's are the same for all");
    }
    initial.given[i - 1] = &state;
  }
  return initial;
}

void Translator::recurrent(const ForeignNode& node) {
  Stream s = settled(node, stream(node, 0));
  const auto states = static_cast<std::size_t>(node.whole("states", 0));
  const Initial initial = initial_states(node);
  if (s.rank() != 3) fail(node, fmt::format("reads ({}), wanted is a sequence", fmt::join(s.sizes, ",")));
  s = ordered(node, s,
              node.number("batch_first", 0) != 0 ? std::vector<int>{0, 1, 2} : std::vector<int>{1, 0, 2});
  const Index layers = node.whole("layers", 1), directions = node.number("bidirectional", 0) != 0 ? 2 : 1;
  const bool biases = node.number("biases", 1) != 0, reverse = node.number("reverse", 0) != 0;
  const Index gates = node.op == "lstm" ? 4 : node.op.starts_with("gru") ? 3 : 1;
  std::size_t next = 1 + states;
  const ForeignConstant& first = wanted_constant(node, next, "weight");
  if (first.sizes.size() != 2 || first.sizes[0] % gates != 0 || first.sizes[0] < 1 || layers < 1 ||
      layers > 256)
    fail(node, fmt::format("has a weight of ({}) for {} gates", fmt::join(first.sizes, ","), gates));
  const Index hidden = first.sizes[0] / gates;
  // Where the weights are more than those of its layers, each has one that projects its states.
  const auto cells = static_cast<std::size_t>(layers * directions), each = std::size_t{biases ? 4U : 2U};
  const bool projected = node.op == "lstm" && node.inputs.size() - next == cells * (each + 1);
  const Index state = projected ? wanted_constant(node, next + each, "weight").sizes.at(0) : hidden;
  const Index first_layer = node.whole("first_layer", 0);
  const std::string path = forced_path_.empty() ? path_of(node, first.name, ".weight_ih_l0") : forced_path_;
  for (Index layer = 0; layer < layers; ++layer) {
    for (Index direction = 0; direction < directions; ++direction) {
      const std::string suffix =
          fmt::format("_l{}{}", first_layer + layer, direction == 1 || reverse ? "_reverse" : "");
      const Index in = layer == 0 ? s.size(2) : directions * state;
      keep(node, wanted_constant(node, next, "weight"), path + ".weight_ih" + suffix, {gates * hidden, in});
      keep(node, wanted_constant(node, next + 1, "weight"), path + ".weight_hh" + suffix,
           {gates * hidden, state});
      next += 2;
      for (const char* called : {".bias_ih", ".bias_hh"}) {
        if (biases) {
          keep(node, wanted_constant(node, next++, "bias"), path + called + suffix, {gates * hidden});
        } else {
          keep_equal(path + called + suffix, gates * hidden, 0);
        }
      }
      if (projected)
        keep(node, wanted_constant(node, next++, "projection"), path + ".weight_hr" + suffix,
             {state, hidden});
      const Index cell = layer * directions + direction;
      initial.keep_row(*this, node, 0, cell, path + ".h0" + suffix, state);
      if (gates == 4) initial.keep_row(*this, node, 1, cell, path + ".c0" + suffix, hidden);
    }
  }
  if (next != node.inputs.size())
    fail(node, fmt::format("has {} weights more than its layers want", node.inputs.size() - next));
  LayerSpec spec(node.op);
  spec.name = path;
  spec.bare("hidden", hidden)
      .option("layers", layers, 1)
      .flag("bidirectional", directions == 2)
      .flag("reverse", reverse);
  spec.option("dropout", static_cast<real>(node.number("dropout", 0)), real(0));
  spec.option("first_layer", first_layer, 0)
      .option("projection", projected ? state : 0, 0)
      .flag("initial", initial.any());
  s.sizes[2] = directions * state;
  s = emit(node, std::move(spec), s);
  out_.layers.back().weighty = true;
  const Index steps = s.sizes[static_cast<std::size_t>(s.memory[1])], samples = s.size(s.memory[0]);
  Stream last = s;
  last.states_of = s.layer;
  last.sizes = {layers * directions, samples, state};
  last.memory = {1, 0, 2};
  sequences_[s.layer] = s;
  if (directions == 1 && !reverse) give(node, std::move(last), 1);
  if (node.has("directions_apart")) {  // ONNX: (T,directions,N,H)
    s.sizes = {steps, directions, samples, state};
    s.memory = directions == 1 ? std::vector<int>{2, 0, 3} : std::vector<int>{2, 0, 1, 3};
    if (directions == 2) s = viewed(node, s);
  }
  give(node, std::move(s), 0);
}

}  // namespace firn
