#include "engine/ops/conv2d.h"

#include <algorithm>

#include "engine/kernels/kernels.h"
#include "engine/ops/bf16.h"
#include "engine/ops/check.h"
#include "engine/ops/dense.h"
#include "engine/ops/epilogue.h"
#include "engine/ops/parts.h"
#include "engine/ops/winograd.h"

namespace firn {

namespace {

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

/// In the place of Winograd's tile: products of pairs of bf16.
constexpr Index kPairs = -1;

/// " F(4x4)": how a convolution is computed.
std::string text_of_tile(Index tile) {
  if (tile == kPairs) return " pairs";
  return tile == 0 ? "" : fmt::format(" F({}x{})", tile, tile);
}

/// The weight in the form of the forward kernel or of the input gradient's, for Winograd's tiles or (0)
/// without.
class PackConv final : public Op {
 public:
  PackConv(const ConvGeometry& g, bool for_dx, Index tile) : g_(g), for_dx_(for_dx), tile_(tile) {}
  std::string name() const override { return for_dx_ ? "pack_dx" : "pack"; }
  std::string detail() const override { return tile_ == 0 ? "" : "for" + text_of_tile(tile_); }
  std::vector<Spec> infer(std::span<const Spec>, const std::string&) const override {
    return {{Shape{count()}, DType::number, Axis::none}};
  }
  bool differentiable() const override { return false; }
  void run(const Call& call) const override {
    const Kernels& k = kernels();
    if (tile_ == kPairs) {
      pair_kernels().pack(g_, call.in(0), call.out());
    } else if (tile_ == 0) {
      (for_dx_ ? k.conv.pack_dx : k.conv.pack)(g_, call.in(0), call.out());
    } else {
      (for_dx_ ? k.winograd.transform_dx : k.winograd.transform)(g_, tile_, call.in(0), call.out());
    }
  }

 private:
  Index count() const {
    const Kernels& k = kernels();
    if (tile_ == kPairs) return pair_kernels().weight_count(g_);
    if (tile_ == 0) return for_dx_ ? k.conv.packed_dx_count(g_) : k.conv.packed_count(g_);
    return k.winograd.weight_count(for_dx_ ? input_gradient_of(g_) : g_, tile_);
  }

  ConvGeometry g_;
  bool for_dx_;
  Index tile_;
};

/// Inputs: dy, packed weight, and with Winograd's tiles what the epilogue needs: another summand of the
/// gradient.
class Conv2dDx final : public Op {
 public:
  Conv2dDx(const ConvGeometry& g, Index tile, EpilogueForm form = {}) : g_(g), tile_(tile), form_(form) {}
  std::string name() const override { return "conv2d_dx"; }
  std::string detail() const override { return text(g_) + text_of_tile(tile_) + form_.text(); }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{Shape{inputs[0].shape[0], g_.h, g_.w, g_.c}, DType::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    if (tile_ == 0) {
      kernels().conv.dx(g_, call.rows, call.in(0), call.in(1), call.out(), call.scratch);
    } else {
      kernels().winograd.forward(input_gradient_of(g_), tile_, call.rows, call.in(0), call.in(1),
                                 form_.bind(call), call.out(), call.scratch);
    }
  }
  Fused absorb(const Node& self, const Node& next) const override {
    EpilogueForm form = form_;
    std::vector<Value> extra;
    if (tile_ == 0 || !form.pull(self, next, extra)) return {};
    return {std::make_shared<Conv2dDx>(g_, tile_, form), extra};
  }
  Index scratch(const Node&, Index rows) const override {
    return tile_ == 0 ? kernels().conv.dx_scratch(g_, rows)
                      : kernels().winograd.scratch(input_gradient_of(g_), tile_, rows);
  }
  Cost cost(const Node& node) const override {
    Cost cost = Op::cost(node);
    cost.macs = macs(g_, node.outputs()[0].shape);
    return cost;
  }

 private:
  ConvGeometry g_;
  Index tile_;
  EpilogueForm form_;
};

/// Inputs: x, dy. As parts of the batch, or in the kernel's units.
class Conv2dDw final : public Op {
 public:
  /// `trains`: the output channels that train; null: all.
  Conv2dDw(const ConvGeometry& g, const TrainableRanges* trains, bool parts) : g_(g), parts_(parts) {
    if (trains == nullptr) return;
    for (const UnitRange& range : trains->ranges) trains_.push_back({range.first, range.last});
    g_.trains = trains_.data();
    g_.trainable_ranges = static_cast<Index>(trains_.size());
  }
  Conv2dDw(const Conv2dDw&) = delete;  // its geometry points into it
  Conv2dDw& operator=(const Conv2dDw&) = delete;
  std::string name() const override { return "conv2d_dw"; }
  std::string detail() const override {
    ConvGeometry part = g_;
    part.oc = g_.trainable_count();
    return text(part) + (part.oc < g_.oc ? fmt::format(" of {}", g_.oc) : "") +
           (parts_ ? " by parts of the batch" : " by pieces of the weight");
  }
  std::vector<Spec> infer(std::span<const Spec>, const std::string&) const override {
    return {{Shape{g_.kh, g_.kw, g_.c / g_.groups, g_.trainable_count()}, DType::number,
             parts_ ? Axis::slice : Axis::none}};
  }
  void run(const Call& call) const override {
    const Index units = kernels().conv.dw_units(g_);
    const Index first = parts_ ? 0 : units * call.task / pieces();
    const Index last = parts_ ? units : units * (call.task + 1) / pieces();
    kernels().conv.dw(g_, call.rows, call.in(0), call.in(1), call.out(), false, first, last, call.scratch);
  }
  Cut cut(const Node&) const override {
    if (parts_) return {Cut::Kind::slices, 1};
    return {Cut::Kind::tasks, pieces()};
  }
  Index scratch(const Node&, Index rows) const override { return kernels().conv.dw_scratch(g_, rows); }
  Cost cost(const Node& node) const override {
    Cost cost = Op::cost(node);
    cost.macs = macs(g_, node.inputs()[0].shape()) * static_cast<double>(g_.trainable_count()) /
                static_cast<double>(std::max<Index>(1, g_.oc));
    return cost;
  }

 private:
  /// Several of the kernel's units make a piece: one call for many units shares what it gathers from the
  /// images.
  Index pieces() const { return std::min(kMostPieces, kernels().conv.dw_units(g_)); }

  ConvGeometry g_;
  std::vector<ChannelRange> trains_;
  bool parts_;
};

/// Chooses Winograd's tiles for the convolution `g` over `batch` images.
Index chosen_tile(const Graph& graph, std::optional<Index> wanted, const ConvGeometry& g, Value weight,
                  Index batch) {
  if (!winograd_fits(g) || graph.options().exact) return 0;
  if (wanted) return *wanted;
  const bool each_step = graph.options().mode == Mode::train && graph.depends_on_trainable(weight);
  return winograd_tile(g, kernels().isa, each_step ? batch : 0);
}

/// Inputs: x, packed weight, weight (for its gradient only), and what the epilogue needs. `low`: frozen, in
/// bf16.
class Conv2d final : public Op {
 public:
  Conv2d(const ConvGeometry& g, Index tile, std::optional<Index> wanted, EpilogueForm form, bool low)
      : g_(g), tile_(tile), wanted_(wanted), form_(form), low_(low) {}
  std::string name() const override {
    return g_.groups == g_.c && g_.groups > 1 ? "conv2d_depthwise" : "conv2d";
  }
  std::string detail() const override { return text(g_) + text_of_tile(tile_) + form_.text(); }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{Shape{inputs[0].shape[0], g_.oh, g_.ow, g_.oc}, DType::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    const Epilogue epilogue = form_.bind(call);
    if (tile_ == kPairs) {
      pair_kernels().forward(g_, call.rows, call.in(0), call.in(1), epilogue, call.out(), call.scratch);
    } else if (tile_ == 0) {
      kernels().conv.forward(g_, call.rows, call.in(0), call.in(1), epilogue, call.out(), call.scratch);
    } else {
      kernels().winograd.forward(g_, tile_, call.rows, call.in(0), call.in(1), epilogue, call.out(),
                                 call.scratch);
    }
  }
  Index scratch(const Node&, Index rows) const override {
    if (tile_ == kPairs) return pair_kernels().scratch(g_, rows);
    return tile_ == 0 ? kernels().conv.forward_scratch(g_, rows)
                      : kernels().winograd.scratch(g_, tile_, rows);
  }
  void gradient(Gradients& g) const override {
    Graph& graph = g.graph();
    if (g.wants(0)) {
      const Index tile = chosen_tile(graph, wanted_, input_gradient_of(g_), g.input(2), g.dy().shape()[0]);
      const Value packed = graph.add(std::make_shared<PackConv>(g_, true, tile), {g.input(2)});
      g.set(0, graph.add(std::make_shared<Conv2dDx>(g_, tile), {g.dy(), packed}));
    }
    if (g.wants(2)) {
      // The sums are those of the whole weight, in the same order, also where only a part of it trains.
      const bool parts = sums_by_parts(g_.weight_count(), g.input(0), g.dy());
      const Value dw =
          graph.add(std::make_shared<Conv2dDw>(g_, g.trainable_ranges(2, 3), parts), {g.input(0), g.dy()});
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
    return {std::make_shared<Conv2d>(g_, tile_, wanted_, form, low_), extra};
  }
  InBf16 in_bf16() const override { return low_ ? InBf16::multiplies : InBf16::no; }

 private:
  ConvGeometry g_;
  Index tile_;
  std::optional<Index> wanted_;  // tiles of the input gradient too
  EpilogueForm form_;
  bool low_;
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
  if (o.stride_h < 1 || o.stride_w < 1 || o.pad_h < 0 || o.pad_w < 0 || o.pad_h + o.more_h < 0 ||
      o.pad_w + o.more_w < 0) {
    shape_error(
        "conv2d", where,
        fmt::format("stride {}x{} or pad {}x{} is out of range", o.stride_h, o.stride_w, o.pad_h, o.pad_w));
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

Value conv2d(Graph& graph, Value x, Value weight, Value bias, const Conv2dOptions& options) {
  const ConvGeometry g = geometry(x.shape(), weight.shape(), options, graph.label());
  const bool low = computes_in_bf16(graph, x, weight);
  Index tile = chosen_tile(graph, options.winograd, g, weight, x.shape()[0]);
  if (low && multiplies_pairs(g, tile)) tile = kPairs;
  const Value packed =
      graph.add(std::make_shared<PackConv>(g, false, tile), {low ? round_to_bf16(graph, weight) : weight});
  EpilogueForm form;
  std::vector<Value> inputs{x, packed, weight};
  if (bias) {
    require_same("conv2d", graph.label(), bias.shape(), Shape{g.oc});
    form.shift = 3;
    inputs.push_back(bias);
  }
  return graph.add(std::make_shared<Conv2d>(g, tile, options.winograd, form, low), std::move(inputs));
}

}  // namespace firn
