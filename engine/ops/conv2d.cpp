#include "engine/ops/conv2d.h"

#include <algorithm>

#include "engine/ops/arithmetic.h"
#include "engine/ops/check.h"
#include "engine/ops/conv2d_ops.h"
#include "engine/ops/dense.h"
#include "engine/ops/registry_rows.h"

namespace firn {

Attributes ConvolutionOp::geometry_attributes(bool transposed) const {
  const auto both = [](Index a, Index b) { return std::vector<Index>{a, b}; };
  const bool strides = g_.stride_h != 1 || g_.stride_w != 1, pads = g_.pad_h != 0 || g_.pad_w != 0;
  Attributes list;
  list.add("kernel", both(g_.kh, g_.kw), fmt::format("{}x{}", g_.kh, g_.kw));
  const Index from = transposed ? g_.oc : g_.c, to = transposed ? g_.c : g_.trainable_count();
  list.add("channels", both(from, to), fmt::format("{}->{}", from, to));
  list.add("stride", both(g_.stride_h, g_.stride_w), strides ? fmt::format("stride {}", g_.stride_h) : "");
  list.add("pad", both(g_.pad_h, g_.pad_w), pads ? fmt::format("pad {}", g_.pad_h) : "");
  list.add("groups", g_.groups, g_.groups != 1 ? fmt::format("groups {}", g_.groups) : "");
  list.add("output", transposed ? both(g_.h, g_.w) : both(g_.oh, g_.ow));
  if (tile_) list.add("winograd", *tile_);
  return list;
}

Cost ConvolutionOp::cost_of(const Node& node, const Shape& images) const {
  Cost cost = Op::cost(node);
  cost.macs = static_cast<double>(g_.macs()) * static_cast<double>(images[0]);
  return cost;
}

Description Conv2dOp::describe() const {
  std::string text = "y[n,i,j,o] = Σ_{p,q,c} x[n, i·stride + p - pad, j·stride + q - pad, c] weight[p,q,c,o]";
  if (g_.groups > 1) text += ", c in the group of o";
  if (bias_) text += " + bias[o]";
  const bool depthwise = g_.groups == g_.c && g_.groups > 1;
  return {depthwise ? "conv2d_depthwise" : "conv2d", std::move(text), geometry_attributes()};
}

std::vector<Spec> Conv2dOp::infer(std::span<const Spec> inputs, const std::string& where) const {
  if (bias_) require_same("conv2d", where, inputs[2].shape, Shape{g_.oc});
  return {{Shape{inputs[0].shape[0], g_.oh, g_.ow, g_.oc}, DType::number, inputs[0].axis}};
}

void Conv2dOp::gradient(Gradients& g) const {
  Graph& graph = g.graph();
  if (g.wants(0)) g.set(0, graph.add(std::make_shared<Conv2dDxOp>(g_, tile_), {g.dy(), g.input(1)}));
  if (g.wants(1)) {
    g.set(1, graph.add(std::make_shared<Conv2dDwOp>(g_, g.trainable_ranges(1, 3)), {g.input(0), g.dy()}));
  }
  if (bias_ && g.wants(2)) g.set(2, column_sum(graph, g.dy(), Shape{g_.oc}));
}

std::span<const Implementation* const> Conv2dOp::implementations() const {
  static constexpr const Implementation* all[] = {&conv2d_direct, &conv2d_tiles_of_4, &conv2d_tiles_of_2,
                                                  &conv2d_matrix};
  return all;
}

Description Conv2dDxOp::describe() const {
  if (!forward_) {
    return {"conv2d_dx",
            "dx[n,h,w,c] = Σ_{p,q,o} dy[n,i,j,o] weight[p,q,c,o], (i,j) where h = i·stride + p - pad, w = "
            "j·stride + q - pad",
            geometry_attributes()};
  }
  return {
      "transposed_conv2d",
      "y[n,h,w,o] = Σ_{p,q,c} x[n,i,j,c] weight[p,q,o,c], (i,j) where h = i·stride + p - pad, w = j·stride "
      "+ q - pad",
      geometry_attributes(true)};
}

void Conv2dDxOp::gradient(Gradients& g) const {
  Graph& graph = g.graph();
  if (g.wants(0)) g.set(0, graph.add(std::make_shared<Conv2dOp>(g_, tile_, false), {g.dy(), g.input(1)}));
  if (g.wants(1)) {
    g.set(1, graph.add(std::make_shared<Conv2dDwOp>(g_, g.trainable_ranges(1, 3)), {g.dy(), g.input(0)}));
  }
}

std::vector<Spec> Conv2dDxOp::infer(std::span<const Spec> inputs, const std::string&) const {
  return {{Shape{inputs[0].shape[0], g_.h, g_.w, g_.c}, DType::number, inputs[0].axis}};
}

std::span<const Implementation* const> Conv2dDxOp::implementations() const {
  static constexpr const Implementation* all[] = {&conv2d_dx_direct, &conv2d_dx_tiles_of_4,
                                                  &conv2d_dx_tiles_of_2, &conv2d_dx_matrix};
  return all;
}

Conv2dDwOp::Conv2dDwOp(const ConvGeometry& g, const TrainableRanges* trains) : ConvolutionOp(g, {}) {
  if (trains == nullptr) return;
  for (const UnitRange& range : trains->ranges) trains_.push_back({range.first, range.last});
  g_.trains = trains_.data();
  g_.trainable_ranges = static_cast<Index>(trains_.size());
}

Description Conv2dDwOp::describe() const {
  Attributes list = geometry_attributes();
  if (g_.trainable_count() < g_.oc) list.add("of", g_.oc, fmt::format("of {}", g_.oc));
  return {"conv2d_dw",
          "dweight[p,q,c,o] = Σ_{n,i,j} x[n, i·stride + p - pad, j·stride + q - pad, c] dy[n,i,j,o]",
          std::move(list)};
}

std::vector<Spec> Conv2dDwOp::infer(std::span<const Spec>, const std::string&) const {
  return {{Shape{g_.kh, g_.kw, g_.c / g_.groups, g_.trainable_count()}, DType::number, Axis::none}};
}

Cost Conv2dDwOp::cost(const Node& node) const {
  Cost cost = cost_of(node, node.inputs()[0].shape());
  cost.macs *= static_cast<double>(g_.trainable_count()) / static_cast<double>(std::max<Index>(1, g_.oc));
  return cost;
}

std::span<const Implementation* const> Conv2dDwOp::implementations() const {
  static constexpr const Implementation* all[] = {&conv2d_dw_by_parts, &conv2d_dw_matrix_parts,
                                                  &conv2d_dw_by_pieces, &conv2d_dw_matrix_pieces};
  return all;
}

namespace {

/// `cuts`: what is left over below and to the right may be more than there is padding.
ConvGeometry geometry(const Shape& x, const Shape& w, const Conv2dOptions& o, const std::string& where,
                      bool cuts = false) {
  if (x.rank() != 4 || w.rank() != 4) {
    shape_error("conv2d", where,
                fmt::format("input {} and weight {} must be (N,H,W,C) and (KH,KW,C,O)", x.text(), w.text()));
  }
  if (o.groups < 1 || x[3] % o.groups != 0 || w[3] % o.groups != 0) {
    shape_error(
        "conv2d", where,
        fmt::format("input {} and weight {} cannot be cut into {} groups", x.text(), w.text(), o.groups));
  }
  if (w[2] * o.groups != x[3]) {
    shape_error("conv2d", where,
                fmt::format("input {} has {} channels, weight wants {}", x.text(), x[3], w[2] * o.groups));
  }
  const bool cut = o.pad_h + o.more_h < 0 || o.pad_w + o.more_w < 0;
  if (o.stride_h < 1 || o.stride_w < 1 || o.pad_h < 0 || o.pad_w < 0 || (cut && !cuts)) {
    shape_error("conv2d", where,
                fmt::format("stride {}x{} or pad {}x{} is out of range: strides are from 1, padding from 0",
                            o.stride_h, o.stride_w, o.pad_h, o.pad_w));
  }
  const bool plain = w[0] == 3 && w[1] == 3 && o.stride_h == 1 && o.stride_w == 1 && o.groups == 1;
  if (o.winograd && *o.winograd != 0 && !(plain && (*o.winograd == 2 || *o.winograd == 4))) {
    shape_error(
        "conv2d", where,
        fmt::format("input {} and weight {}: Winograd's tiles of {} are for 3x3 kernels of stride 1, 2 or 4",
                    x.text(), w.text(), *o.winograd));
  }
  ConvGeometry g;
  g.h = x[1];
  g.w = x[2];
  g.c = x[3];
  g.kh = w[0];
  g.kw = w[1];
  g.oc = w[3];
  g.stride_h = o.stride_h;
  g.stride_w = o.stride_w;
  g.pad_h = o.pad_h;
  g.pad_w = o.pad_w;
  g.groups = o.groups;
  const Index height = g.h + 2 * g.pad_h + o.more_h, width = g.w + 2 * g.pad_w + o.more_w;
  if (height < g.kh || width < g.kw) {
    shape_error(
        "conv2d", where,
        fmt::format("input {} with pad {} is smaller than kernel {}x{}", x.text(), o.pad_h, g.kh, g.kw));
  }
  g.oh = (height - g.kh) / g.stride_h + 1;
  g.ow = (width - g.kw) / g.stride_w + 1;
  return g;
}

}  // namespace

void add_convolution_kinds(std::vector<OperationKind>& rows) {
  const auto build = [](Graph& graph, const Attributes& a, std::span<const Value> inputs) {
    const std::vector<Index> stride = a.get<std::vector<Index>>("stride"),
                             pad = a.get<std::vector<Index>>("pad"),
                             output = a.get<std::vector<Index>>("output"),
                             kernel = a.get<std::vector<Index>>("kernel");
    const Shape& x = inputs[0].shape();
    Conv2dOptions options{.stride_h = stride.at(0),
                          .stride_w = stride.at(1),
                          .pad_h = pad.at(0),
                          .pad_w = pad.at(1),
                          .groups = a.get<Index>("groups")};
    // Of the paddings behind that give this output the one nearest to that in front.
    const auto more = [](Index out, Index step, Index window, Index size) {
      const Index least = (out - 1) * step + window - size;
      return std::clamp<Index>(0, least, least + step - 1);
    };
    options.more_h = more(output.at(0), stride.at(0), kernel.at(0), x[1] + 2 * pad.at(0));
    options.more_w = more(output.at(1), stride.at(1), kernel.at(1), x[2] + 2 * pad.at(1));
    if (a.find("winograd") != nullptr) options.winograd = a.get<Index>("winograd");
    return conv2d(graph, inputs[0], inputs[1], inputs.size() > 2 ? inputs[2] : Value{}, options);
  };
  rows.push_back({"conv2d", build});
  rows.push_back({"conv2d_depthwise", build});
  rows.push_back({"transposed_conv2d", [](Graph& graph, const Attributes& a, std::span<const Value> inputs) {
                    const Shape& x = inputs[0].shape();
                    const auto pair = [&](const char* name) { return a.get<std::vector<Index>>(name); };
                    const std::vector<Index> stride = pair("stride"), pad = pair("pad"),
                                             output = pair("output"), kernel = pair("kernel");
                    const auto more = [&](int axis, std::size_t i) {
                      return (x[axis] - 1) * stride.at(i) + kernel.at(i) - 2 * pad.at(i) - output.at(i);
                    };
                    Conv2dOptions options{.stride_h = stride.at(0),
                                          .stride_w = stride.at(1),
                                          .pad_h = pad.at(0),
                                          .pad_w = pad.at(1),
                                          .groups = a.get<Index>("groups"),
                                          .more_h = more(1, 0),
                                          .more_w = more(2, 1)};
                    if (a.find("winograd") != nullptr) options.winograd = a.get<Index>("winograd");
                    return transposed_conv2d(graph, inputs[0], inputs[1], {}, options);
                  }});
}

Value conv2d(Graph& graph, Value x, Value weight, Value bias, const Conv2dOptions& options) {
  const ConvGeometry g = geometry(x.shape(), weight.shape(), options, graph.label());
  std::vector<Value> inputs{x, weight};
  if (bias) inputs.push_back(bias);
  return graph.add(std::make_shared<Conv2dOp>(g, options.winograd, static_cast<bool>(bias)),
                   std::move(inputs));
}

Value transposed_conv2d(Graph& graph, Value x, Value weight, Value bias, const Conv2dOptions& o) {
  const Shape& xs = x.shape();
  const Shape& w = weight.shape();
  const auto size = [](Index places, Index stride, Index kernel, Index pad, Index more) {
    return (places - 1) * stride + kernel - 2 * pad - more;
  };
  const bool ranks = xs.rank() == 4 && w.rank() == 4;
  const Index h = ranks ? size(xs[1], o.stride_h, w[0], o.pad_h, o.more_h) : 0;
  const Index width = ranks ? size(xs[2], o.stride_w, w[1], o.pad_w, o.more_w) : 0;
  if (!ranks || w[3] != xs[3] || h < 1 || width < 1 || -(o.pad_h + o.more_h) >= o.stride_h ||
      -(o.pad_w + o.more_w) >= o.stride_w) {
    shape_error(
        "transposed_conv2d", graph.label(),
        fmt::format("input {} and weight {} must be (N,H,W,C) and (KH,KW,O,C) with pad {}x{} that leaves "
                    "something and less than stride {}x{} beyond",
                    xs.text(), w.text(), o.pad_h, o.pad_w, o.stride_h, o.stride_w));
  }
  const Shape y{xs[0], h, width, w[2] * o.groups};
  const ConvGeometry g = geometry(y, w, o, graph.label(), true);
  if (g.oh != xs[1] || g.ow != xs[2])
    shape_error("transposed_conv2d", graph.label(),
                fmt::format("input {} is not what a convolution of {} gives", xs.text(), y.text()));
  const Value sums = graph.add(std::make_shared<Conv2dDxOp>(g, o.winograd, true), {x, weight});
  return bias ? add(graph, sums, bias) : sums;
}

}  // namespace firn
