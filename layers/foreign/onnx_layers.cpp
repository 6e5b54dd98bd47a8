// What the kinds of layers are in ONNX, but for those over sequences and those that only lay out anew.
#include <fmt/core.h>

#include "engine/base/error.h"
#include "layers/conv2d.h"
#include "layers/foreign/onnx_exporter.h"

namespace firn {

namespace {

/// The attribute of a window: two numbers over images, one along steps.
std::vector<std::int64_t> window_sizes(const Extent& e, bool steps) {
  return steps ? std::vector<std::int64_t>{e.w} : std::vector<std::int64_t>{e.h, e.w};
}

}  // namespace

std::vector<OnnxAttribute> OnnxExporter::window(const LayerArguments& a, bool steps,
                                                const Extent& usual_stride) const {
  const Extent kernel = a.extent("kernel");
  const bool conv = a.spec().kind == "conv";
  const Extent dilation = conv ? a.extent("dilation") : Extent(1);
  const Extent pad = conv && !a.given("pad") ? Conv2d::same_pad(kernel, dilation) : a.extent("pad");
  const Extent end = a.given("pad_end") ? a.extent("pad_end") : pad;
  const Extent stride = a.given("stride") ? a.extent("stride") : usual_stride;
  std::vector<std::int64_t> pads = window_sizes(pad, steps);
  for (const std::int64_t one : window_sizes(end, steps)) pads.push_back(one);
  return {{"kernel_shape", window_sizes(kernel, steps)},
          {"strides", window_sizes(stride, steps)},
          {"pads", std::move(pads)}};
}

OnnxFlow OnnxExporter::conv(const OnnxSite& at) {
  OnnxFlow v = channels_first(at.in[0], at.path);
  const bool steps = v.rank() == 2;
  std::vector<OnnxAttribute> attributes = window(at.arguments, steps, 1);
  attributes.push_back({"dilations", window_sizes(at.arguments.extent("dilation"), steps)});
  attributes.push_back({"group", at.arguments.count("groups")});
  const bool transposed = at.arguments.spec().kind == "transposed_conv";
  if (transposed) attributes.push_back({"output_padding", window_sizes(at.arguments.extent("more"), steps)});
  std::vector<std::string> inputs{v.value, parameter(at.layer, "weight")};
  if (!at.arguments.flag("no_bias")) inputs.push_back(parameter(at.layer, "bias"));
  v.value = node(at.path, transposed ? "ConvTranspose" : "Conv", inputs, attributes);
  return v;
}

OnnxFlow OnnxExporter::dense(const OnnxSite& at) {
  const std::string weight = parameter(at.layer, "weight");
  const FileLayout& layout = parameter_of(at.layer, "weight").layout();
  // The weights of one that reads an image's numbers run over C,H,W in files.
  OnnxFlow v = layout.view.rank() == 4
                   ? row_of_image(at.in[0], at.path, Shape{layout.view[2], layout.view[3], layout.view[1]})
                   : plain(at.in[0], at.path);
  v.image = {};
  const bool bias = !at.arguments.flag("no_bias");
  if (v.rank() == 1) {
    std::vector<std::string> inputs{v.value, weight};
    if (bias) inputs.push_back(parameter(at.layer, "bias"));
    v.value = node(at.path, "Gemm", inputs, {{"transB", std::int64_t{1}}});
    return v;
  }
  const std::string by_columns =
      node(at.path, "Transpose", {weight}, {{"perm", std::vector<std::int64_t>{1, 0}}});
  v.value = node(at.path, "MatMul", {v.value, by_columns});
  if (bias) v.value = node(at.path, "Add", {v.value, parameter(at.layer, "bias")});
  return v;
}

OnnxFlow OnnxExporter::norm(const OnnxSite& at) {
  // Rows and, in ONNX's order, what has its channels second.
  OnnxFlow v = at.in[0].rank() > 1 ? channels_first(at.in[0], at.path) : plain(at.in[0], at.path);
  v.value = node(at.path, "BatchNormalization",
                 {v.value, parameter(at.layer, "weight"), parameter(at.layer, "bias"),
                  parameter(at.layer, "running_mean"), parameter(at.layer, "running_var")},
                 {{"epsilon", static_cast<float>(at.arguments.number("epsilon"))},
                  {"momentum", 1 - static_cast<float>(at.arguments.number("momentum"))}});
  return v;
}

OnnxFlow OnnxExporter::layer_norm(const OnnxSite& at) {
  OnnxFlow v = plain(at.in[0], at.path);
  v.value = node(
      at.path, "LayerNormalization", {v.value, parameter(at.layer, "weight"), parameter(at.layer, "bias")},
      {{"axis", std::int64_t{-1}}, {"epsilon", static_cast<float>(at.arguments.number("epsilon"))}});
  return v;
}

OnnxFlow OnnxExporter::local_response_norm(const OnnxSite& at) {
  const LayerArguments& a = at.arguments;
  OnnxFlow v = at.in[0].rank() > 1 ? channels_first(at.in[0], at.path) : plain(at.in[0], at.path);
  v.value = node(at.path, "LRN", {v.value},
                 {{"size", a.count("size")},
                  {"alpha", static_cast<float>(a.number("alpha"))},
                  {"beta", static_cast<float>(a.number("beta"))},
                  {"bias", static_cast<float>(a.number("k"))}});
  return v;
}

std::string OnnxExporter::activated(Activation which, const std::string& value, const std::string& path,
                                    real slope) {
  switch (which) {
    case Activation::relu:
      return node(path, "Relu", {value});
    case Activation::leaky_relu:
      return node(path, "LeakyRelu", {value}, {{"alpha", static_cast<float>(slope)}});
    case Activation::gelu:
      return node(path, "Gelu", {value});
    case Activation::gelu_tanh:
      return node(path, "Gelu", {value}, {{"approximate", std::string("tanh")}});
    case Activation::silu:
      return node(path, "Mul", {value, node(path, "Sigmoid", {value})});
    case Activation::sigmoid:
      return node(path, "Sigmoid", {value});
    case Activation::tanh:
      return node(path, "Tanh", {value});
    case Activation::hard_swish:
      return node(path, "HardSwish", {value});
    case Activation::hard_sigmoid:
      return node(path, "HardSigmoid", {value}, {{"alpha", static_cast<float>(slope)}, {"beta", 0.5f}});
    case Activation::relu_to:
      return node(path, "Clip",
                  {value, writer_.number(path, "Clip_min", 0),
                   writer_.number(path, "Clip_max", static_cast<float>(slope))});
    case Activation::none:
      return value;
  }
  return value;
}

OnnxFlow OnnxExporter::activation(const OnnxSite& at) {
  OnnxFlow v = at.in[0];
  const std::string& kind = at.arguments.spec().kind;
  for (const Activation one : {Activation::relu, Activation::leaky_relu, Activation::gelu, Activation::silu,
                               Activation::sigmoid, Activation::tanh, Activation::hard_swish,
                               Activation::gelu_tanh, Activation::hard_sigmoid, Activation::relu_to}) {
    if (activation_name(one) != kind) continue;
    const real slope = one == Activation::leaky_relu     ? at.arguments.number("slope")
                       : one == Activation::relu_to      ? at.arguments.number("most")
                       : one != Activation::hard_sigmoid ? real(0)
                       : at.arguments.given("slope")     ? at.arguments.number("slope")
                                                         : real(1) / 6;
    v.value = activated(one, v.value, at.path, slope);
    return v;
  }
  fail(at.path, fmt::format("there is no ONNX for the activation {}", kind));
}

/// The layer's numbers, one for each channel or one alone, in a shape that meets the channels of `v`.
std::string OnnxExporter::by_channels(const OnnxSite& at, const OnnxFlow& v, const std::string& name) {
  std::vector<std::int64_t> sizes{parameter_of(at.layer, name).value().count()};
  for (std::int64_t axis = channel_axis(v); axis < v.rank(); ++axis) sizes.push_back(1);
  return node(at.path, "Reshape",
              {parameter(at.layer, name), writer_.wholes(at.path, "channels_shape", std::move(sizes))});
}

OnnxFlow OnnxExporter::prelu(const OnnxSite& at) {
  OnnxFlow v = at.in[0].image.rank() > 0 ? plain(at.in[0], at.path) : at.in[0];
  v.value = node(at.path, "PRelu", {v.value, by_channels(at, v, "weight")});
  return v;
}

OnnxFlow OnnxExporter::softmax(const OnnxSite& at) {
  OnnxFlow v = at.in[0];
  const bool logarithm = at.arguments.spec().kind == "log_softmax";
  v.value = node(at.path, logarithm ? "LogSoftmax" : "Softmax", {v.value}, {{"axis", channel_axis(v)}});
  return v;
}

OnnxFlow OnnxExporter::pool(const OnnxSite& at) {
  const LayerArguments& a = at.arguments;
  OnnxFlow v = channels_first(at.in[0], at.path);
  const bool averages = a.spec().kind == "average_pool";
  std::vector<OnnxAttribute> attributes = window(a, v.rank() == 2, a.extent("kernel"));
  if (a.flag("ceil")) attributes.push_back({"ceil_mode", std::int64_t{1}});
  if (averages) attributes.push_back({"count_include_pad", std::int64_t{!a.flag("without_padding")}});
  v.value = node(at.path, averages ? "AveragePool" : "MaxPool", {v.value}, attributes);
  return v;
}

OnnxFlow OnnxExporter::global_pool(const OnnxSite& at) {
  OnnxFlow v = channels_first(at.in[0], at.path);
  v.value = node(at.path, "GlobalAveragePool", {v.value});
  v.value = node(at.path, "Flatten", {v.value}, {{"axis", std::int64_t{1}}});
  v.channels_first = false;
  return v;
}

OnnxFlow OnnxExporter::adaptive_pool(const OnnxSite& at) {
  OnnxFlow v = channels_first(at.in[0], at.path);
  const Extent size = at.arguments.extent("size");
  const Shape image = v.sample();
  if (size.is(1)) {
    v.value = node(at.path, "GlobalAveragePool", {v.value});
    return v;
  }
  if (image[0] % size.h == 0 && image[1] % size.w == 0) {
    const std::vector<std::int64_t> window{image[0] / size.h, image[1] / size.w};
    v.value = node(at.path, "AveragePool", {v.value}, {{"kernel_shape", window}, {"strides", window}});
    return v;
  }
  // Place i of n has the mean of floor(i*s/n) to ceil((i+1)*s/n), along one axis and then the other.
  const auto means = [&](Index from, Index to, std::int64_t axis) {
    std::vector<std::string> places;
    for (Index i = 0; i < to && from != to; ++i) {
      const std::string part = node(at.path, "Slice",
                                    {v.value, writer_.wholes(at.path, "starts", {i * from / to}),
                                     writer_.wholes(at.path, "ends", {((i + 1) * from + to - 1) / to}),
                                     writer_.wholes(at.path, "axes", {axis})});
      places.push_back(reduced("ReduceMean", part, at.path, {axis}, true));
    }
    if (!places.empty()) v.value = node(at.path, "Concat", places, {{"axis", axis}});
  };
  means(image[0], size.h, 2);
  means(image[1], size.w, 3);
  return v;
}

std::string OnnxExporter::reduced(const char* operation, const std::string& value, const std::string& path,
                                  std::vector<std::int64_t> axes, bool keep) {
  constexpr std::int64_t kAxesAreAnInput = 18;
  const OnnxAttribute drop{"keepdims", std::int64_t{keep}};
  if (writer_.opset() < kAxesAreAnInput)
    return node(path, operation, {value}, {{"axes", std::move(axes)}, drop});
  return node(path, operation, {value, writer_.wholes(path, "axes", std::move(axes))}, {drop});
}

OnnxFlow OnnxExporter::over_axes(const OnnxSite& at) {
  OnnxFlow v = at.in[0];
  const std::vector<Index> axes = at.arguments.counts("over");
  const bool mean = at.arguments.spec().kind == "mean";
  // What is left lies in firn's order where it is one axis.
  if (v.rank() > static_cast<int>(axes.size()) + 1 || v.image.rank() > 0) v = plain(std::move(v), at.path);
  if (!v.lengths.empty() && !mean) {
    v = plain(std::move(v), at.path);
    const std::string valid = valid_steps(at.path, v.lengths, v.sample()[0], 1);
    v.value = node(at.path, "Where", {valid, v.value, writer_.number(at.path, "least", -3.4028234e38f)});
  }
  std::vector<std::int64_t> over;
  for (const Index axis : axes) over.push_back(axis_of(v, axis));
  v.value = reduced(mean ? "ReduceMean" : "ReduceMax", v.value, at.path, over);
  v.channels_first = false;
  return v;
}

OnnxFlow OnnxExporter::channel_numbers(const OnnxSite& at) {
  OnnxFlow v = at.in[0].image.rank() > 0 ? plain(at.in[0], at.path) : at.in[0];
  v.value =
      node(at.path, at.arguments.spec().kind == "scale" ? "Mul" : "Add", {v.value, by_channels(at, v, "")});
  return v;
}

OnnxFlow OnnxExporter::affine(const OnnxSite& at) {
  OnnxFlow v = at.in[0];
  const bool times = at.arguments.spec().kind == "times";
  const char* what = times ? "factor" : "summand";
  v.value = node(at.path, times ? "Mul" : "Add",
                 {v.value, writer_.number(at.path, what, static_cast<float>(at.arguments.number(what)))});
  return v;
}

OnnxFlow OnnxExporter::nothing(const OnnxSite& at) {
  return at.in[0];
}

OnnxFlow OnnxExporter::join(const OnnxSite& at) {
  const LayerArguments& a = at.arguments;
  const std::string& kind = a.spec().kind;
  return joined(kind, at.path, {at.in.begin(), at.in.end()}, kind == "concat" ? a.count("axis") : 0);
}

}  // namespace firn
