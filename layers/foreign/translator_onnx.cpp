// Recurrent operators of ONNX: other gates, one layer each, both directions in one tensor.
#include <fmt/format.h>

#include <algorithm>

#include "layers/foreign/translator.h"

namespace firn {

namespace {

/// Rows of one direction of a weight (directions, gates*hidden, ...), the gates in PyTorch's order.
ForeignConstant gated_rows(const ForeignConstant& all, Index direction, Index offset,
                           const std::vector<Index>& order, Index hidden, Index row) {
  ForeignConstant made;
  const Index gates = static_cast<Index>(order.size());
  made.sizes = row > 0 ? std::vector<Index>{gates * hidden, row} : std::vector<Index>{gates * hidden};
  const Index wide = std::max<Index>(1, row), per_direction = all.sizes[1] * wide;
  for (const Index gate : order) {
    const auto begin = all.floats().begin() + direction * per_direction + (offset + gate * hidden) * wide;
    made.reals.insert(made.reals.end(), begin, begin + hidden * wide);
  }
  made.trains = all.trains;
  if (!all.name.empty()) made.same = fmt::format("{} {} {}", all.name, direction, offset);
  return made;
}

}  // namespace

void Translator::onnx_recurrent(const ForeignNode& node) {
  for (const auto& [key, numbers] : node.numbers) {
    if (key.starts_with("unknown_"))
      fail(node, fmt::format("has {}, which firn's recurrent layers do not know", key.substr(8)));
  }
  stream(node, 0);
  const bool gru = node.op == "onnx_gru";
  const auto given = [&](std::size_t input) { return input < node.inputs.size() && node.inputs[input] >= 0; };
  if (given(4)) fail(node, "has lengths of its own (sequence_lens), which firn takes from the data");
  if (given(7)) fail(node, "has peepholes");
  const bool simple = node.op == "onnx_rnn";
  const std::vector<Index> order = gru      ? std::vector<Index>{1, 0, 2}
                                   : simple ? std::vector<Index>{0}
                                            : std::vector<Index>{0, 2, 3, 1};
  const Index gates = static_cast<Index>(order.size());
  const ForeignConstant& w = wanted_constant(node, 1, "weight");
  const ForeignConstant& r = wanted_constant(node, 2, "weight");
  const Index directions = node.number("bidirectional", 0) != 0 ? 2 : 1;
  const Index hidden = r.sizes.size() == 3 ? r.sizes[2] : 0;
  const bool fits = w.sizes.size() == 3 && r.sizes.size() == 3 && hidden > 0 && !w.whole && !r.whole &&
                    w.sizes[0] == directions && r.sizes[0] == directions && w.sizes[1] == gates * hidden &&
                    r.sizes[1] == gates * hidden;
  if (!fits)
    fail(node, fmt::format("has weights of ({}) and ({})", fmt::join(w.sizes, ","), fmt::join(r.sizes, ",")));
  ForeignNode torch;
  torch.op = gru                ? node.number("linear_before_reset", 0) == 0 ? "gru_reset_first" : "gru"
             : !simple          ? "lstm"
             : node.has("relu") ? "rnn_relu"
                                : "rnn";
  torch.said = node.said;
  torch.name = node.name;
  torch.scope = node.scope;
  torch.outputs = node.outputs;
  torch.outputs.resize(std::min<std::size_t>(torch.outputs.size(), 2));
  torch.inputs = {node.inputs[0], given(5) ? node.inputs[5] : -1, given(6) ? node.inputs[6] : -1};
  torch.numbers = {{"states", {2}},
                   {"layers", {1}},
                   {"bidirectional", {static_cast<double>(directions - 1)}},
                   {"reverse", {node.number("reverse", 0)}},
                   {"biases", {given(3) ? 1.0 : 0.0}},
                   {"directions_apart", {1}}};
  // Layers of one module are operators of their own here; their names say which, or they come in this order.
  const std::string_view weight = ".weight_ih_l";
  const std::size_t at = w.name.rfind(weight);
  const std::string digits = at == std::string::npos ? "" : w.name.substr(at + weight.size());
  const bool named =
      !digits.empty() && digits.size() < 4 && digits.find_first_not_of("0123456789") == std::string::npos;
  forced_path_ = named ? w.name.substr(0, at) : node.scope.empty() ? torch.op : node.scope;
  Index layer = named ? std::stol(digits) : recurrent_layers_[forced_path_];
  if (named && layer < recurrent_layers_[forced_path_]) {  // the same weights once more
    forced_path_ = path_of(node, w.name, w.name.substr(at));
    layer = 0;
  }
  recurrent_layers_[forced_path_] = layer + 1;
  torch.numbers["first_layer"] = {static_cast<double>(layer)};
  const auto add = [&](ForeignConstant constant) {
    folded_[--made_value_] = std::move(constant);
    torch.inputs.push_back(made_value_);
  };
  for (Index d = 0; d < directions; ++d) {
    add(gated_rows(w, d, 0, order, hidden, w.sizes[2]));
    add(gated_rows(r, d, 0, order, hidden, hidden));
    if (!given(3)) continue;
    const ForeignConstant& b = wanted_constant(node, 3, "bias");
    if (b.sizes.size() != 2 || b.sizes[0] != directions || b.sizes[1] != 2 * gates * hidden || b.whole)
      fail(node, fmt::format("has a bias of ({})", fmt::join(b.sizes, ",")));
    add(gated_rows(b, d, 0, order, hidden, 0));
    add(gated_rows(b, d, gates * hidden, order, hidden, 0));
  }
  recurrent(torch);
  forced_path_.clear();
}

}  // namespace firn
