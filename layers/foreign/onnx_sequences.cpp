// What layers over sequences, and those that only lay numbers out anew, are in ONNX.
#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "engine/base/error.h"
#include "layers/foreign/onnx_exporter.h"

namespace firn {

namespace {

constexpr std::int64_t kInt32Element = 6;  // TensorProto.DataType

}  // namespace

OnnxFlow OnnxExporter::flatten(const OnnxSite& at) {
  OnnxFlow v = at.in[0];
  if (v.rank() == 1) return v;
  if (v.rank() == 3 && v.channels_first) {
    v.image = v.sample();
    v.channels_first = false;
  } else {
    v = plain(std::move(v), at.path);
  }
  v.value = node(at.path, "Flatten", {v.value}, {{"axis", std::int64_t{1}}});
  return v;
}

OnnxFlow OnnxExporter::reshape(const OnnxSite& at) {
  const Shape to = at.arguments.shape("sample");
  OnnxFlow v = at.in[0];
  if (v.image.rank() == 3 && v.image == to) {
    v.value = reshaped(v.value, at.path, {to[2], to[0], to[1]});
    v.image = {};
    v.channels_first = true;
    return v;
  }
  v = plain(std::move(v), at.path);
  v.value = reshaped(v.value, at.path, {to.sizes().begin(), to.sizes().end()});
  return v;
}

OnnxFlow OnnxExporter::permute(const OnnxSite& at) {
  OnnxFlow v = at.in[0];
  std::vector<std::int64_t> order{0};
  for (const Index axis : at.arguments.counts("order")) order.push_back(axis_of(v, axis));
  v.channels_first = false;
  return transposed(std::move(v), at.path, std::move(order));
}

OnnxFlow OnnxExporter::slice(const OnnxSite& at) {
  const LayerArguments& a = at.arguments;
  OnnxFlow v = at.in[0].image.rank() > 0 ? plain(at.in[0], at.path) : at.in[0];
  const auto one = [&](const char* what, Index number) { return writer_.wholes(at.path, what, {number}); };
  v.value = node(at.path, "Slice",
                 {v.value, one("starts", a.count("begin")), one("ends", a.count("end")),
                  one("axes", axis_of(v, a.count("axis"))), one("steps", a.count("step"))});
  return v;
}

OnnxFlow OnnxExporter::zero_pad(const OnnxSite& at) {
  const LayerArguments& a = at.arguments;
  OnnxFlow v = at.in[0].image.rank() > 0 ? plain(at.in[0], at.path) : at.in[0];
  const auto axis = static_cast<std::size_t>(axis_of(v, a.count("axis")));
  const auto axes = static_cast<std::size_t>(v.rank()) + 1;
  std::vector<std::int64_t> pads(2 * axes, 0);
  pads[axis] = a.count("before");
  pads[axes + axis] = a.count("behind");
  v.value = node(at.path, "Pad", {v.value, writer_.wholes(at.path, "pads", std::move(pads))});
  return v;
}

OnnxFlow OnnxExporter::upsample(const OnnxSite& at) {
  OnnxFlow v = channels_first(at.in[0], at.path);
  const Extent factor = at.arguments.extent("factor");
  const std::string scales =
      writer_.numbers(at.path, "scales", {1, 1, static_cast<float>(factor.h), static_cast<float>(factor.w)});
  v.value = node(at.path, "Resize", {v.value, "", scales},
                 {{"mode", std::string("nearest")},
                  {"coordinate_transformation_mode", std::string("asymmetric")},
                  {"nearest_mode", std::string("floor")}});
  return v;
}

OnnxFlow OnnxExporter::rows(const OnnxSite& at) {
  OnnxFlow v = plain(at.in[0], at.path);
  const Shape image = v.sample();
  v.value = reshaped(v.value, at.path, {image[0], image[1] * image[2]});
  return v;
}

OnnxFlow OnnxExporter::strided_pad(const OnnxSite& at) {
  OnnxFlow v = channels_first(at.in[0], at.path);
  const Index stride = at.arguments.count("stride"), before = at.arguments.count("before"),
              behind = at.arguments.count("behind");
  if (stride > 1) {
    const Shape image = v.sample();
    v.value =
        node(at.path, "Slice",
             {v.value, writer_.wholes(at.path, "starts", {0, 0}),
              writer_.wholes(at.path, "ends", {image[0], image[1]}), writer_.wholes(at.path, "axes", {2, 3}),
              writer_.wholes(at.path, "steps", {stride, stride})});
  }
  if (before + behind > 0) {
    v.value =
        node(at.path, "Pad", {v.value, writer_.wholes(at.path, "pads", {0, before, 0, 0, 0, behind, 0, 0})});
  }
  return v;
}

OnnxFlow OnnxExporter::embedding(const OnnxSite& at) {
  OnnxFlow v = at.in[0];
  v.value = node(at.path, "Gather", {parameter(at.layer, "weight"), v.value});
  return v;
}

/// One tensor (1,...) of several whose first axis runs over gates: the gates of each in this order, the
/// tensors one behind the other. Weights keep their names and numbers so.
std::string OnnxExporter::gates(const std::string& path, const std::vector<std::string>& tensors,
                                const std::vector<int>& order, Index hidden) {
  std::vector<std::string> pieces;
  for (const std::string& tensor : tensors) {
    if (order.size() == 1) {
      pieces.push_back(tensor);
      continue;
    }
    const std::vector<std::string> split =
        writer_.add(path, "Split",
                    {tensor, writer_.wholes(path, "gates", std::vector<std::int64_t>(order.size(), hidden))},
                    {{"axis", std::int64_t{0}}}, static_cast<int>(order.size()));
    for (const int gate : order) pieces.push_back(split[static_cast<std::size_t>(gate)]);
  }
  const std::string whole =
      pieces.size() == 1 ? pieces[0] : node(path, "Concat", pieces, {{"axis", std::int64_t{0}}});
  return node(path, "Unsqueeze", {whole, writer_.wholes(path, "direction_axis", {0})});
}

/// (directions,N,H) of states (H), one for each direction; N is that of `x`.
std::string OnnxExporter::of_every_sample(const std::string& path, const std::vector<std::string>& states,
                                          const std::string& x, Index hidden) {
  const auto directions = static_cast<std::int64_t>(states.size());
  const std::string all =
      states.size() == 1 ? states[0] : node(path, "Concat", states, {{"axis", std::int64_t{0}}});
  const std::string rows =
      node(path, "Reshape", {all, writer_.wholes(path, "state_shape", {directions, 1, hidden})});
  const std::string batch = node(path, "Shape", {x}, {{"start", std::int64_t{0}}, {"end", std::int64_t{1}}});
  const std::string sizes =
      node(path, "Concat",
           {writer_.wholes(path, "directions", {directions}), batch, writer_.wholes(path, "units", {hidden})},
           {{"axis", std::int64_t{0}}});
  return node(path, "Expand", {rows, sizes});
}

OnnxFlow OnnxExporter::recurrent(const OnnxSite& at) {
  const LayerArguments& a = at.arguments;
  if (a.count("projection") > 0)
    fail(at.path, "projects its states, for which ONNX's LSTM has no word (.safetensors has)");
  const std::string& kind = a.spec().kind;
  const bool gru = kind.starts_with("gru");
  // firn's gates are PyTorch's, i f g o and r z n; ONNX's are i o f c and z r h.
  const std::vector<int> order = kind == "lstm" ? std::vector<int>{0, 3, 1, 2}
                                 : gru          ? std::vector<int>{1, 0, 2}
                                                : std::vector<int>{0};
  const Index hidden = a.count("hidden"), first = a.count("first_layer");
  const bool both = a.flag("bidirectional"), reverse = a.flag("reverse");
  OnnxFlow v = plain(at.in[0], at.path);
  const Index steps = v.sample()[0];
  std::string lengths;
  if (!v.lengths.empty()) lengths = node(at.path, "Cast", {v.lengths}, {{"to", kInt32Element}});
  for (Index number = first; number < first + a.count("layers"); ++number) {
    std::vector<std::string> w, r, b, h0, c0;
    for (int direction = 0; direction < (both ? 2 : 1); ++direction) {
      const std::string suffix = fmt::format("_l{}{}", number, reverse || direction == 1 ? "_reverse" : "");
      const auto named = [&](const char* what) { return parameter(at.layer, what + suffix); };
      w.push_back(gates(at.path, {named("weight_ih")}, order, hidden));
      r.push_back(gates(at.path, {named("weight_hh")}, order, hidden));
      b.push_back(gates(at.path, {named("bias_ih"), named("bias_hh")}, order, hidden));
      if (a.flag("initial")) h0.push_back(named("h0"));
      if (a.flag("initial") && kind == "lstm") c0.push_back(named("c0"));
    }
    const auto directions = [&](const std::vector<std::string>& of) {
      return of.size() == 1 ? of[0] : node(at.path, "Concat", of, {{"axis", std::int64_t{0}}});
    };
    std::vector<OnnxAttribute> attributes{{"hidden_size", hidden}};
    if (both || reverse) attributes.push_back({"direction", std::string(both ? "bidirectional" : "reverse")});
    if (kind == "rnn_relu")
      attributes.push_back({"activations", std::vector<std::string>(both ? 2 : 1, "Relu")});
    if (gru) attributes.push_back({"linear_before_reset", std::int64_t{kind == "gru" ? 1 : 0}});
    const std::string time_first =
        node(at.path, "Transpose", {v.value}, {{"perm", std::vector<std::int64_t>{1, 0, 2}}});
    std::vector<std::string> inputs{time_first, directions(w), directions(r), directions(b)};
    if (!lengths.empty() || !h0.empty()) inputs.push_back(lengths);
    if (!h0.empty()) inputs.push_back(of_every_sample(at.path, h0, v.value, hidden));
    if (!c0.empty()) inputs.push_back(of_every_sample(at.path, c0, v.value, hidden));
    const std::string y = node(at.path, kind == "lstm" ? "LSTM" : gru ? "GRU" : "RNN", inputs, attributes);
    // (T,directions,N,H) to (N,T,directions*H)
    v.value = node(at.path, "Transpose", {y}, {{"perm", std::vector<std::int64_t>{2, 0, 1, 3}}});
    v.value = reshaped(v.value, at.path, {steps, (both ? 2 : 1) * hidden});
  }
  return v;
}

OnnxFlow OnnxExporter::last(const OnnxSite& at) {
  OnnxFlow v = plain(at.in[0], at.path);
  if (v.lengths.empty()) {
    v.value =
        node(at.path, "Gather", {v.value, writer_.wholes(at.path, "last_step", {v.sample()[0] - 1}, true)},
             {{"axis", std::int64_t{1}}});
    return v;
  }
  const std::string place = node(at.path, "Sub", {v.lengths, writer_.wholes(at.path, "one", {1})});
  v.value = node(at.path, "GatherND",
                 {v.value, node(at.path, "Unsqueeze", {place, writer_.wholes(at.path, "place_axis", {1})})},
                 {{"batch_dims", std::int64_t{1}}});
  return v;
}

/// (N,steps,1), true for the windows of so many steps that begin in what is valid, at least one.
std::string OnnxExporter::valid_steps(const std::string& path, const std::string& lengths, Index steps,
                                      Index window) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(steps));
  std::iota(numbers.begin(), numbers.end(), 0);
  std::string count = lengths;
  if (window > 1) count = node(path, "Sub", {count, writer_.wholes(path, "window", {window - 1})});
  count = node(path, "Max", {count, writer_.wholes(path, "one", {1})});
  count = node(path, "Unsqueeze", {count, writer_.wholes(path, "count_axis", {1})});
  const std::string valid = node(path, "Less", {writer_.wholes(path, "steps", numbers), count});
  return node(path, "Unsqueeze", {valid, writer_.wholes(path, "feature_axis", {2})});
}

OnnxFlow OnnxExporter::text_conv(const OnnxSite& at) {
  const LayerArguments& a = at.arguments;
  OnnxFlow v = plain(at.in[0], at.path);
  const std::vector<Index> widths = a.counts("widths");
  const Index widest = *std::max_element(widths.begin(), widths.end());
  const Index length = v.sample()[0], steps = std::max(length, widest);
  const bool masked = !v.lengths.empty();
  if (masked) {
    const std::string valid = valid_steps(at.path, v.lengths, length, 1);
    v.value = node(at.path, "Where", {valid, v.value, writer_.number(at.path, "zero", 0)});
  }
  if (steps > length)
    v.value =
        node(at.path, "Pad", {v.value, writer_.wholes(at.path, "pads", {0, 0, 0, 0, steps - length, 0})});
  v = channels_first(std::move(v), at.path);
  const std::string row = node(at.path, "Unsqueeze", {v.value, writer_.wholes(at.path, "height_axis", {2})});
  std::vector<std::string> features;
  for (const Index width : widths) {
    const std::string child = fmt::format("conv{}", width), path = at.path + "/" + child;
    std::string y = node(path, "Conv",
                         {row, parameter(at.layer, child + ".weight"), parameter(at.layer, child + ".bias")});
    y = node(path, "Relu", {y});
    y = node(path, "Squeeze", {y, writer_.wholes(path, "height_axis", {2})});
    if (masked) {
      // (N,1,windows) beside (N,C,windows)
      const std::string valid =
          node(path, "Transpose", {valid_steps(path, v.lengths, steps - width + 1, width)},
               {{"perm", std::vector<std::int64_t>{0, 2, 1}}});
      y = node(path, "Where", {valid, y, writer_.number(path, "zero", 0)});
    }
    features.push_back(reduced("ReduceMax", y, path, {2}));
  }
  v.value = node(at.path, "Concat", features, {{"axis", std::int64_t{1}}});
  v.channels_first = false;
  return v;
}

}  // namespace firn
