#include "layers/foreign/onnx_exporter.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/ops/activation.h"
#include "layers/weights.h"

namespace firn {

namespace {

std::vector<std::int64_t> open_batch(const Shape& sample, bool image_channels_first) {
  std::vector<std::int64_t> sizes{OnnxWriter::kOpenBatch};
  sizes.insert(sizes.end(), sample.sizes().begin(), sample.sizes().end());
  if (image_channels_first) std::rotate(sizes.begin() + 1, sizes.end() - 1, sizes.end());
  return sizes;
}

}  // namespace

const OnnxExporter::Row OnnxExporter::kRows[] = {
    {"conv", &OnnxExporter::conv},
    {"transposed_conv", &OnnxExporter::conv},
    {"dense", &OnnxExporter::dense},
    {"norm", &OnnxExporter::norm},
    {"layer_norm", &OnnxExporter::layer_norm},
    {"local_response_norm", &OnnxExporter::local_response_norm},
    {"relu", &OnnxExporter::activation},
    {"leaky_relu", &OnnxExporter::activation},
    {"gelu", &OnnxExporter::activation},
    {"gelu_tanh", &OnnxExporter::activation},
    {"silu", &OnnxExporter::activation},
    {"sigmoid", &OnnxExporter::activation},
    {"tanh", &OnnxExporter::activation},
    {"relu_to", &OnnxExporter::activation},
    {"hard_sigmoid", &OnnxExporter::activation},
    {"hard_swish", &OnnxExporter::activation},
    {"identity", &OnnxExporter::nothing},
    {"dropout", &OnnxExporter::nothing},
    {"prelu", &OnnxExporter::prelu},
    {"softmax", &OnnxExporter::softmax},
    {"log_softmax", &OnnxExporter::softmax},
    {"pool", &OnnxExporter::pool},
    {"average_pool", &OnnxExporter::pool},
    {"global_pool", &OnnxExporter::global_pool},
    {"adaptive_pool", &OnnxExporter::adaptive_pool},
    {"mean", &OnnxExporter::over_axes},
    {"max", &OnnxExporter::over_axes},
    {"scale", &OnnxExporter::channel_numbers},
    {"shift", &OnnxExporter::channel_numbers},
    {"times", &OnnxExporter::affine},
    {"plus", &OnnxExporter::affine},
    {"flatten", &OnnxExporter::flatten},
    {"reshape", &OnnxExporter::reshape},
    {"permute", &OnnxExporter::permute},
    {"slice", &OnnxExporter::slice},
    {"zero_pad", &OnnxExporter::zero_pad},
    {"upsample", &OnnxExporter::upsample},
    {"rows", &OnnxExporter::rows},
    {"strided_pad", &OnnxExporter::strided_pad},
    {"embedding", &OnnxExporter::embedding},
    {"lstm", &OnnxExporter::recurrent},
    {"gru", &OnnxExporter::recurrent},
    {"gru_reset_first", &OnnxExporter::recurrent},
    {"rnn", &OnnxExporter::recurrent},
    {"rnn_relu", &OnnxExporter::recurrent},
    {"last", &OnnxExporter::last},
    {"text_conv", &OnnxExporter::text_conv},
    {"add", &OnnxExporter::join},
    {"multiply", &OnnxExporter::join},
    {"concat", &OnnxExporter::join},
};

OnnxExporter::OnnxExporter(const Model& model, OnnxWriter& writer)
    : model_(model), writer_(writer), graph_({.mode = Mode::infer}) {}

void OnnxExporter::fail(const std::string& path, const std::string& what) const {
  throw Error(Fault::usage, "export", fmt::format("layer {}: {}", path, what));
}

void OnnxExporter::run() {
  for (const NamedParameter& p : model_.parameters()) {
    if (names_.emplace(p.parameter.get(), p.name).second) writer_.initializer(p.name, p.parameter->to_file());
  }
  const InputSpec& input = model_.input();
  const Shape& sample = input.sample;
  const bool tokens = input.vocabulary > 0;
  std::vector<Index> sizes{1};
  sizes.insert(sizes.end(), sample.sizes().begin(), sample.sizes().end());
  OnnxFlow v;
  v.flow.x = graph_.feed("x", Shape(std::span<const Index>(sizes)), tokens ? DType::int32 : DType::number);
  v.channels_first = sample.rank() == 3;
  v.value = writer_.input("x", tokens ? OnnxWriter::Element::int64 : OnnxWriter::Element::float32,
                          open_batch(sample, v.channels_first));
  if (input.lengths) {
    v.flow.lengths = graph_.feed("lengths", Shape{1}, DType::int32);
    v.lengths = writer_.input("lengths", OnnxWriter::Element::int64, {OnnxWriter::kOpenBatch});
  }
  for (const Model::Block& block : model_.blocks()) {
    block_ = block.name;
    for (std::size_t i = block.first_child; i < block.last_child; ++i) {
      const Layer::Child& child = model_.children()[i];
      v = layer(*child.layer, child.name, {std::move(v)});
    }
  }
  block_.clear();
  v = plain(std::move(v), "");
  writer_.output("logits", v.value, open_batch(v.sample(), false));
}

OnnxFlow OnnxExporter::layer(const Layer& layer, const std::string& path, std::vector<OnnxFlow> in) {
  const LayerSpec spec = layer.spec();
  if (spec.kind == "group") return children(layer, path, std::move(in[0]));
  if (spec.kind == "residual") return residual(layer, spec, path, in[0]);
  if (spec.kind == "branch") return branch(layer, path, in[0]);
  if (spec.kind == "graph") return graph(layer, spec, path, in[0]);
  const auto row =
      std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return spec.kind == r.kind; });
  // "block" or "block/layer", as PyTorch's exporter writes the modules around a node.
  const std::string place = path.empty() || path == block_ ? block_
                            : block_.empty()               ? path
                                                           : block_ + "/" + path;
  if (row == std::end(kRows) || find_layer_kind(spec.kind) == nullptr)
    fail(place, fmt::format("there is no ONNX for a layer of kind '{}'", spec.kind));
  const std::string source = "export";
  const bool tokens = in[0].flow.x.spec().type == DType::int32;
  const LayerSite site{in[0].sample(), {}, tokens ? model_.input().vocabulary : 0, model_.width()};
  const LayerArguments arguments(spec, site, source);
  OnnxFlow out = (this->*row->rule)({layer, arguments, place, in});
  std::vector<Flow> flows;
  for (const OnnxFlow& one : in) flows.push_back(one.flow);
  out.flow = layer.join(graph_, flows);
  out.lengths = out.flow.lengths ? in[0].lengths : "";
  return out;
}

OnnxFlow OnnxExporter::children(const Layer& of, const std::string& path, OnnxFlow in) {
  for (const Layer::Child& child : of.children())
    in = layer(*child.layer, dotted(path, child.name), {std::move(in)});
  return in;
}

OnnxFlow OnnxExporter::residual(const Layer& of, const LayerSpec& spec, const std::string& path,
                                const OnnxFlow& in) {
  const auto child = [&](std::size_t i) {
    const Layer::Child& one = of.children()[i];
    return layer(*one.layer, dotted(path, one.name), {in});
  };
  const OnnxFlow body = child(0);
  const OnnxFlow shortcut = of.children().size() > 1 ? child(1) : in;
  const std::string place = path.empty() || path == block_ ? block_ : block_ + "/" + path;
  OnnxFlow out = joined("add", place, {body, shortcut}, 0);
  const std::string* activation = spec.find("activation");
  for (const Activation one :
       {Activation::relu, Activation::leaky_relu, Activation::gelu, Activation::silu, Activation::sigmoid,
        Activation::tanh, Activation::hard_swish, Activation::gelu_tanh}) {
    if (activation_name(one) == (activation != nullptr ? *activation : "relu"))
      out.value = activated(one, out.value, place, real(0.01));
  }
  return out;
}

OnnxFlow OnnxExporter::branch(const Layer& of, const std::string& path, const OnnxFlow& in) {
  std::vector<OnnxFlow> arms;
  for (const Layer::Child& arm : of.children()) arms.push_back(layer(*arm.layer, path, {in}));
  OnnxFlow out = joined("concat", path.empty() || path == block_ ? block_ : block_ + "/" + path, arms, 0);
  out.flow = of.build(graph_, in.flow);
  return out;
}

OnnxFlow OnnxExporter::graph(const Layer& of, const LayerSpec& spec, const std::string& path,
                             const OnnxFlow& in) {
  std::map<std::string, OnnxFlow> values{{"in", in}};
  OnnxFlow before = in;
  const std::vector<LayerSpec>& specs = spec.bodies[0].layers;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    std::vector<OnnxFlow> read;
    for (const std::string& name : specs[i].from) read.push_back(values.at(name));
    if (read.empty()) read.push_back(before);
    const Layer::Child& child = of.children()[i];
    before = layer(*child.layer, dotted(path, child.name), std::move(read));
    values[child.name] = before;
  }
  return before;
}

OnnxFlow OnnxExporter::joined(const std::string& kind, const std::string& path, std::vector<OnnxFlow> in,
                              Index axis) {
  const bool scales = kind == "multiply" && in.size() == 2 && in[0].sample() != in[1].sample();
  if (scales) {
    // (H,W,C) or (T,C) by one number for each channel.
    if (in[0].rank() < 2 || in[1].sample().count() != in[0].sample()[-1])
      fail(path, fmt::format("a product of {} and {}", in[0].sample().text(), in[1].sample().text()));
    std::vector<std::int64_t> sizes(static_cast<std::size_t>(in[0].rank()), 1);
    sizes[static_cast<std::size_t>(channel_axis(in[0]) - 1)] = in[0].sample()[-1];
    in[0].value = node(path, "Mul", {in[0].value, reshaped(in[1].value, path, sizes)});
    return in[0];
  }
  const bool alike = std::all_of(in.begin(), in.end(), [&](const OnnxFlow& v) {
    return v.channels_first == in[0].channels_first && v.image == in[0].image &&
           (kind != "concat" || v.image.rank() == 0);
  });
  if (!alike) {
    for (OnnxFlow& v : in) v = plain(std::move(v), path);
  }
  OnnxFlow out = in[0];
  if (kind == "concat") {
    std::vector<std::string> values;
    for (const OnnxFlow& v : in) values.push_back(v.value);
    const Index last = std::min<Index>(axis > 0 ? axis : out.rank(), out.rank());
    out.value = node(path, "Concat", values, {{"axis", axis_of(out, last)}});
    return out;
  }
  for (std::size_t i = 1; i < in.size(); ++i) {
    if (in[i].sample() != out.sample())
      fail(path, fmt::format("a sum or product of {} and {}", out.sample().text(), in[i].sample().text()));
    out.value = node(path, kind == "add" ? "Add" : "Mul", {out.value, in[i].value});
  }
  return out;
}

std::int64_t OnnxExporter::axis_of(const OnnxFlow& v, Index axis) {
  if (!v.channels_first) return axis;
  return axis == v.rank() ? 1 : axis + 1;
}

std::int64_t OnnxExporter::channel_axis(const OnnxFlow& v) {
  return axis_of(v, v.rank());
}

OnnxFlow OnnxExporter::transposed(OnnxFlow v, const std::string& path, std::vector<std::int64_t> order) {
  std::vector<std::int64_t> same(order.size());
  std::iota(same.begin(), same.end(), 0);
  if (order != same) v.value = node(path, "Transpose", {v.value}, {{"perm", std::move(order)}});
  return v;
}

std::string OnnxExporter::reshaped(const std::string& value, const std::string& path,
                                   std::vector<std::int64_t> sample) {
  sample.insert(sample.begin(), 0);  // the batch, as it is
  return node(path, "Reshape", {value, writer_.wholes(path, "Reshape_shape", std::move(sample))});
}

OnnxFlow OnnxExporter::plain(OnnxFlow v, const std::string& path) {
  if (v.image.rank() == 3) {
    const Shape image = v.image;
    v.value = reshaped(v.value, path, {image[2], image[0], image[1]});
    v = transposed(std::move(v), path, {0, 2, 3, 1});
    v.value = reshaped(v.value, path, {image.count()});
    v.image = {};
  } else if (v.channels_first) {
    v = transposed(
        std::move(v), path,
        v.rank() == 3 ? std::vector<std::int64_t>{0, 2, 3, 1} : std::vector<std::int64_t>{0, 2, 1});
    v.channels_first = false;
  }
  return v;
}

OnnxFlow OnnxExporter::channels_first(OnnxFlow v, const std::string& path) {
  if (v.channels_first || v.rank() < 2) return v;
  v = transposed(std::move(v), path,
                 v.rank() == 3 ? std::vector<std::int64_t>{0, 3, 1, 2} : std::vector<std::int64_t>{0, 2, 1});
  v.channels_first = true;
  return v;
}

OnnxFlow OnnxExporter::row_of_image(OnnxFlow v, const std::string& path, const Shape& image) {
  if (v.image == image) return v;
  v = plain(std::move(v), path);
  v.value = reshaped(v.value, path, {image[0], image[1], image[2]});
  v = transposed(std::move(v), path, {0, 3, 1, 2});
  v.value = reshaped(v.value, path, {image.count()});
  v.image = image;
  return v;
}

const Parameter& OnnxExporter::parameter_of(const Layer& of, const std::string& name) const {
  for (const NamedParameter& p : of.parameters()) {
    if (p.name == name) return *p.parameter;
  }
  throw Error(Fault::usage, "export", fmt::format("a layer of kind {} has no {}", of.spec().kind, name));
}

std::string OnnxExporter::parameter(const Layer& of, const std::string& name) const {
  return names_.at(&parameter_of(of, name));
}

}  // namespace firn
