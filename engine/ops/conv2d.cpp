#include "engine/ops/conv2d.h"

#include <algorithm>

#include "engine/kernels/kernels.h"
#include "engine/ops/check.h"
#include "engine/ops/dense.h"
#include "engine/ops/epilogue.h"
#include "engine/ops/reduce.h"

namespace firn {

namespace {

constexpr Index kUsualParts = 8;  // parts of the batch that a gradient is usually summed from
constexpr Index kMostPieces = 8;  // pieces of a weight whose gradients are computed apart

std::string text(const ConvGeometry& g) {
  std::string s = fmt::format("{}x{} {}->{}", g.kh, g.kw, g.c, g.oc);
  if (g.stride_h != 1 || g.stride_w != 1) s += fmt::format(" stride {}", g.stride_h);
  if (g.pad_h != 0 || g.pad_w != 0) s += fmt::format(" pad {}", g.pad_h);
  if (g.groups != 1) s += fmt::format(" groups {}", g.groups);
  return s;
}

double macs(const ConvGeometry& g, const Shape& batch_value) {
  return static_cast<double>(g.macs()) * static_cast<double>(batch_value[0]);
}

/// The weight in the form of the forward kernel or of the input gradient's.
class PackConv final : public Op {
 public:
  PackConv(const ConvGeometry& g, bool for_dx) : g_(g), for_dx_(for_dx) {}
  std::string name() const override { return for_dx_ ? "pack_dx" : "pack"; }
  std::vector<Spec> infer(std::span<const Spec>, const std::string&) const override {
    const ConvKernels& conv = kernels().conv;
    return {{Shape{for_dx_ ? conv.packed_dx_count(g_) : conv.packed_count(g_)}, Type::number, Axis::none}};
  }
  bool differentiable() const override { return false; }
  void run(const Call& call) const override {
    (for_dx_ ? kernels().conv.pack_dx : kernels().conv.pack)(g_, call.in(0), call.out());
  }

 private:
  ConvGeometry g_;
  bool for_dx_;
};

/// Inputs: dy, packed weight.
class Conv2dDx final : public Op {
 public:
  explicit Conv2dDx(const ConvGeometry& g) : g_(g) {}
  std::string name() const override { return "conv2d_dx"; }
  std::string detail() const override { return text(g_); }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{Shape{inputs[0].shape[0], g_.h, g_.w, g_.c}, Type::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    kernels().conv.dx(g_, call.rows, call.in(0), call.in(1), call.out(), call.scratch);
  }
  Index scratch(const Node&, Index rows) const override { return kernels().conv.dx_scratch(g_, rows); }
  Cost cost(const Node& node) const override {
    Cost cost = Op::cost(node);
    cost.macs = macs(g_, node.outputs()[0].shape);
    return cost;
  }

 private:
  ConvGeometry g_;
};

/// Inputs: x, dy. As parts of the batch, or in the kernel's units.
class Conv2dDw final : public Op {
 public:
  Conv2dDw(const ConvGeometry& g, Shape weight, bool parts) : g_(g), weight_(weight), parts_(parts) {}
  std::string name() const override { return "conv2d_dw"; }
  std::string detail() const override {
    return text(g_) + (parts_ ? " by parts of the batch" : " by pieces of the weight");
  }
  std::vector<Spec> infer(std::span<const Spec>, const std::string&) const override {
    return {{weight_, Type::number, parts_ ? Axis::slice : Axis::none}};
  }
  void run(const Call& call) const override {
    const Index units = kernels().conv.dw_units(g_);
    const Index first = parts_ ? 0 : units * call.unit / pieces();
    const Index last = parts_ ? units : units * (call.unit + 1) / pieces();
    kernels().conv.dw(g_, call.rows, call.in(0), call.in(1), call.out(), false, first, last, call.scratch);
  }
  Cut cut(const Node&) const override {
    if (parts_) return {Cut::Kind::slices, 1};
    return {Cut::Kind::units, pieces()};
  }
  Index scratch(const Node&, Index rows) const override { return kernels().conv.dw_scratch(g_, rows); }
  Cost cost(const Node& node) const override {
    Cost cost = Op::cost(node);
    cost.macs = macs(g_, node.inputs()[0].shape());
    return cost;
  }

 private:
  /// Several of the kernel's units make a piece: one call for many units shares what it gathers from the
  /// images.
  Index pieces() const { return std::min(kMostPieces, kernels().conv.dw_units(g_)); }

  ConvGeometry g_;
  Shape weight_;
  bool parts_;
};

/// Inputs: x, packed weight, weight (for its gradient only), and what the epilogue needs.
class Conv2d final : public Op {
 public:
  Conv2d(const ConvGeometry& g, EpilogueForm form) : g_(g), form_(form) {}
  std::string name() const override {
    return g_.groups == g_.c && g_.groups > 1 ? "conv2d_depthwise" : "conv2d";
  }
  std::string detail() const override { return text(g_) + form_.text(); }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{Shape{inputs[0].shape[0], g_.oh, g_.ow, g_.oc}, Type::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    kernels().conv.forward(g_, call.rows, call.in(0), call.in(1), form_.bind(call), call.out(), call.scratch);
  }
  Index scratch(const Node&, Index rows) const override { return kernels().conv.forward_scratch(g_, rows); }
  void gradient(Gradients& g) const override {
    Graph& graph = g.graph();
    if (g.wants(0)) {
      const Value packed = graph.add(std::make_shared<PackConv>(g_, true), {g.input(2)});
      g.set(0, graph.add(std::make_shared<Conv2dDx>(g_), {g.dy(), packed}));
    }
    if (g.wants(2)) {
      const Index activations = g.input(0).shape().count() + g.dy().shape().count();
      const bool parts = g.dy().spec().axis == Axis::batch && g_.weight_count() * kUsualParts <= activations;
      const Value dw =
          graph.add(std::make_shared<Conv2dDw>(g_, g.input(2).shape(), parts), {g.input(0), g.dy()});
      g.set(2, reduce_parts(graph, dw));
    }
    if (form_.shift >= 0 && g.wants(form_.shift)) {
      g.set(form_.shift, column_sum(graph, g.dy(), Shape{g_.oc}));
    }
  }
  Cost cost(const Node& node) const override {
    Cost cost = Op::cost(node);
    cost.macs = macs(g_, node.outputs()[0].shape);
    return cost;
  }
  Fused absorb(const Node& self, const Node& next) const override {
    EpilogueForm form = form_;
    std::vector<Value> extra;
    if (!form.pull(self, next, extra)) return {};
    return {std::make_shared<Conv2d>(g_, form), extra};
  }

 private:
  ConvGeometry g_;
  EpilogueForm form_;
};

ConvGeometry geometry(const Shape& x, const Shape& w, const Conv2dOptions& o, const std::string& where) {
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
  if (o.stride_h < 1 || o.stride_w < 1 || o.pad_h < 0 || o.pad_w < 0) {
    shape_error(
        "conv2d", where,
        fmt::format("stride {}x{} or pad {}x{} is out of range", o.stride_h, o.stride_w, o.pad_h, o.pad_w));
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
  if (g.h + 2 * g.pad_h < g.kh || g.w + 2 * g.pad_w < g.kw) {
    shape_error(
        "conv2d", where,
        fmt::format("input {} with pad {} is smaller than kernel {}x{}", x.text(), o.pad_h, g.kh, g.kw));
  }
  g.oh = (g.h + 2 * g.pad_h - g.kh) / g.stride_h + 1;
  g.ow = (g.w + 2 * g.pad_w - g.kw) / g.stride_w + 1;
  return g;
}

}  // namespace

Value conv2d(Graph& graph, Value x, Value weight, Value bias, const Conv2dOptions& options) {
  const ConvGeometry g = geometry(x.shape(), weight.shape(), options, graph.label());
  const Value packed = graph.add(std::make_shared<PackConv>(g, false), {weight});
  EpilogueForm form;
  std::vector<Value> inputs{x, packed, weight};
  if (bias) {
    require_same("conv2d", graph.label(), bias.shape(), Shape{g.oc});
    form.shift = 3;
    inputs.push_back(bias);
  }
  return graph.add(std::make_shared<Conv2d>(g, form), std::move(inputs));
}

}  // namespace firn
