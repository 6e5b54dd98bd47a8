#include "engine/ops/pool.h"

#include <algorithm>
#include <cstdlib>

#include "engine/kernels/kernels.h"
#include "engine/ops/check.h"
#include "engine/ops/registry_rows.h"

namespace firn {

namespace {

Attributes attributes_of(const PoolGeometry& g) {
  const auto both = [](Index a, Index b) { return std::vector<Index>{a, b}; };
  return Attributes()
      .add("kernel", both(g.kh, g.kw), fmt::format("{}x{}", g.kh, g.kw))
      .add("stride", both(g.stride_h, g.stride_w), fmt::format("stride {}", g.stride_h))
      .add("pad", both(g.pad_h, g.pad_w))
      .add("count_padding", g.count_padding)
      .add("output", both(g.oh, g.ow));
}

/// Output size of one dimension, as PyTorch rounds it.
Index pooled(Index size, Index kernel, Index stride, Index pad, Index more, bool ceil) {
  const Index room = size + 2 * pad + more - kernel;
  Index out = (ceil ? room + stride - 1 : room) / stride + 1;
  if (ceil && (out - 1) * stride >= size + pad) --out;
  return out;
}

PoolGeometry geometry(std::string_view op, const Shape& x, const PoolOptions& o, const std::string& where) {
  if (x.rank() != 4) shape_error(op, where, fmt::format("input {} must be (N,H,W,C)", x.text()));
  PoolGeometry g;
  g.h = x[1];
  g.w = x[2];
  g.c = x[3];
  g.kh = o.kernel_h;
  g.kw = o.kernel_w;
  g.stride_h = o.stride_h > 0 ? o.stride_h : o.kernel_h;
  g.stride_w = o.stride_w > 0 ? o.stride_w : o.kernel_w;
  g.pad_h = o.pad_h;
  g.pad_w = o.pad_w;
  g.count_padding = o.count_padding;
  const bool valid = g.kh >= 1 && g.kw >= 1 && g.kh * g.kw <= 255 && g.pad_h >= 0 && g.pad_w >= 0 &&
                     2 * g.pad_h <= g.kh && 2 * g.pad_w <= g.kw && o.stride_h >= 0 && o.stride_w >= 0 &&
                     std::abs(o.more_h) <= g.kh && std::abs(o.more_w) <= g.kw;
  // A window that does not fit is named beside the input, whatever else is wrong with it.
  const bool fits = g.h + 2 * g.pad_h + o.more_h >= g.kh && g.w + 2 * g.pad_w + o.more_w >= g.kw;
  if (!valid && fits) {
    shape_error(
        op, where,
        fmt::format(
            "kernel {}x{} with pad {}x{} is out of range: a window has 1 to 255 places, of which at most "
            "half are padding",
            g.kh, g.kw, g.pad_h, g.pad_w));
  }
  if (op == "average_pool" && o.count_padding && (o.more_h != 0 || o.more_w != 0))
    shape_error(op, where, "padding that counts is the same on both sides");
  if (!fits) {
    shape_error(op, where, fmt::format("input {} is smaller than the window {}x{}", x.text(), g.kh, g.kw));
  }
  g.oh = pooled(g.h, g.kh, g.stride_h, g.pad_h, o.more_h, o.ceil);
  g.ow = pooled(g.w, g.kw, g.stride_w, g.pad_w, o.more_w, o.ceil);
  if ((g.oh - 1) * g.stride_h - g.pad_h >= g.h || (g.ow - 1) * g.stride_w - g.pad_w >= g.w)
    shape_error(op, where, fmt::format("input {}: a window lies in the padding alone", x.text()));
  return g;
}

/// Inputs: dy, positions.
class MaxPoolGradient final : public Op {
 public:
  explicit MaxPoolGradient(const PoolGeometry& g) : g_(g) {}
  Description describe() const override {
    return {"max_pool_gradient", "dx[n,h,w,c] = Σ of dy[n,i,j,c] over the windows whose largest it is",
            attributes_of(g_)};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {{Shape{inputs[0].shape[0], g_.h, g_.w, g_.c}, DType::number, inputs[0].axis}};
  }
  Traits traits() const override { return {.narrowing = Narrowing::passes}; }
  void run(const Call& call) const override {
    call.kernels.pool.max_gradient(g_, call.rows, call.in(0), call.bytes(1), call.out());
  }

 private:
  PoolGeometry g_;
};

class MaxPool final : public Op {
 public:
  explicit MaxPool(const PoolGeometry& g) : g_(g) {}
  Description describe() const override {
    return {"max_pool", "y[n,i,j,c] = max_{p,q} x[n, i·stride + p - pad, j·stride + q - pad, c]",
            attributes_of(g_)};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    const Shape y{inputs[0].shape[0], g_.oh, g_.ow, g_.c};
    return {{y, DType::number, inputs[0].axis}, {y, DType::uint8, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    call.kernels.pool.max_forward(g_, call.rows, call.in(0), call.out(),
                                  static_cast<std::uint8_t*>(call.outputs[1]));
  }
  void gradient(Gradients& g) const override {
    g.set(0, g.graph().add(std::make_shared<MaxPoolGradient>(g_), {g.dy(), g.output(1)}));
  }
  Traits traits() const override { return {.narrowing = Narrowing::passes}; }

 private:
  PoolGeometry g_;
};

class AveragePool final : public Op {
 public:
  AveragePool(const PoolGeometry& g, bool backward) : g_(g), backward_(backward) {}
  Description describe() const override {
    return {backward_ ? "average_pool_gradient" : "average_pool",
            backward_ ? "dx[n,h,w,c] = Σ of dy[n,i,j,c] / its places over the windows that hold (h,w)"
                      : "y[n,i,j,c] = mean_{p,q} of x[n, i·stride + p - pad, j·stride + q - pad, c]",
            attributes_of(g_)};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    const Index n = inputs[0].shape[0];
    return {{backward_ ? Shape{n, g_.h, g_.w, g_.c} : Shape{n, g_.oh, g_.ow, g_.c}, DType::number,
             inputs[0].axis}};
  }
  void run(const Call& call) const override {
    const PoolKernels& pool = call.kernels.pool;
    (backward_ ? pool.average_gradient : pool.average_forward)(g_, call.rows, call.in(0), call.out());
  }
  void gradient(Gradients& g) const override {
    g.set(0, g.graph().add(std::make_shared<AveragePool>(g_, true), {g.dy()}));
  }
  Traits traits() const override { return {.narrowing = Narrowing::passes}; }

 private:
  PoolGeometry g_;
  bool backward_;
};

class GlobalAverage final : public Op {
 public:
  GlobalAverage(Shape image, bool backward) : image_(image), backward_(backward) {}
  Description describe() const override {
    return {backward_ ? "global_average_pool_gradient" : "global_average_pool",
            backward_ ? "dx[n,h,w,c] = dy[n,c] / (H W)" : "y[n,c] = Σ_{h,w} x[n,h,w,c] / (H W)"};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    const Index n = inputs[0].shape[0];
    return {{backward_ ? image_.with(0, n) : Shape{n, image_[3]}, DType::number, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    const PoolKernels& pool = call.kernels.pool;
    (backward_ ? pool.global_gradient : pool.global_forward)(call.rows, image_[1] * image_[2], image_[3],
                                                             call.in(0), call.out());
  }
  void gradient(Gradients& g) const override {
    g.set(0, g.graph().add(std::make_shared<GlobalAverage>(image_, true), {g.dy()}));
  }
  Traits traits() const override { return {.narrowing = Narrowing::passes}; }

 private:
  Shape image_;
  bool backward_;
};

/// Inputs: dy (N,F), position (N,F) in time.
class MaxOverTimeGradient final : public Op {
 public:
  explicit MaxOverTimeGradient(Spec x) : x_(x) {}
  Description describe() const override {
    return {"max_over_time_gradient", "dx[n,t,f] = dy[n,f] where t is the place of the largest, else 0"};
  }
  std::vector<Spec> infer(std::span<const Spec>, const std::string&) const override { return {x_}; }
  void run(const Call& call) const override {
    const Index t = x_.shape[1];
    const Index f = x_.shape[2];
    std::fill_n(call.out(), call.out_count(), real(0));
    for (Index n = 0; n < call.rows; ++n) {
      for (Index i = 0; i < f; ++i)
        call.out()[(n * t + call.indices(1)[n * f + i]) * f + i] = call.in(0)[n * f + i];
    }
  }

 private:
  Spec x_;
};

class MaxOverTime final : public Op {
 public:
  explicit MaxOverTime(Index window) : window_(window) {}
  Description describe() const override {
    return {"max_over_time", "y[n,f] = max_t x[n,t,f]", Attributes().add("window", window_)};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& x = inputs[0].shape;
    if (x.rank() != 3 || x[1] < 1)
      shape_error(name(), where, fmt::format("input {} must be (N,T,F), T > 0", x.text()));
    if (inputs.size() > 1) {
      require_type(name(), where, inputs[1], DType::int32, "lengths");
      require_same(name(), where, inputs[1].shape, Shape{x[0]});
    }
    const Shape y{x[0], x[2]};
    return {{y, DType::number, inputs[0].axis}, {y, DType::int32, inputs[0].axis}};
  }
  void run(const Call& call) const override {
    const Index t = call.in_shape(0)[1];
    const Index f = call.in_shape(0)[2];
    const bool given = call.node.inputs().size() > 1;
    auto* position = static_cast<std::int32_t*>(call.outputs[1]);
    for (Index n = 0; n < call.rows; ++n) {
      const real* x = call.in(0) + n * t * f;
      real* y = call.out() + n * f;
      const Index valid = given ? std::clamp<Index>(call.indices(1)[n] - window_ + 1, 1, t) : t;
      std::copy_n(x, f, y);
      if (position != nullptr) std::fill_n(position + n * f, f, 0);
      for (Index s = 1; s < valid; ++s) {
        for (Index i = 0; i < f; ++i) {
          if (!(x[s * f + i] > y[i])) continue;
          y[i] = x[s * f + i];
          if (position != nullptr) position[n * f + i] = static_cast<std::int32_t>(s);
        }
      }
    }
  }
  void gradient(Gradients& g) const override {
    if (!g.wants(0)) return;
    g.set(0, g.graph().add(std::make_shared<MaxOverTimeGradient>(g.input(0).spec()), {g.dy(), g.output(1)}));
  }

 private:
  Index window_;
};

/// The geometry that `attributes_of` lists, of windows over `x`.
PoolGeometry geometry_of(const Attributes& a, const Shape& x) {
  const auto pair = [&](std::string_view name) { return a.get<std::vector<Index>>(name); };
  const std::vector<Index> kernel = pair("kernel"), stride = pair("stride"), pad = pair("pad"),
                           output = pair("output");
  return {.h = x[1],
          .w = x[2],
          .c = x[3],
          .kh = kernel.at(0),
          .kw = kernel.at(1),
          .stride_h = stride.at(0),
          .stride_w = stride.at(1),
          .pad_h = pad.at(0),
          .pad_w = pad.at(1),
          .oh = output.at(0),
          .ow = output.at(1),
          .count_padding = a.get<bool>("count_padding")};
}

}  // namespace

void add_pool_kinds(std::vector<OperationKind>& rows) {
  using Inputs = std::span<const Value>;
  rows.push_back({"max_pool", [](Graph& graph, const Attributes& a, Inputs in) {
                    return graph.add(std::make_shared<MaxPool>(geometry_of(a, in[0].shape())), {in[0]});
                  }});
  rows.push_back({"average_pool", [](Graph& graph, const Attributes& a, Inputs in) {
                    return graph.add(std::make_shared<AveragePool>(geometry_of(a, in[0].shape()), false),
                                     {in[0]});
                  }});
}

Value max_pool(Graph& graph, Value x, const PoolOptions& options) {
  return graph.add(std::make_shared<MaxPool>(geometry("max_pool", x.shape(), options, graph.label())), {x});
}

Value average_pool(Graph& graph, Value x, const PoolOptions& options) {
  const PoolGeometry g = geometry("average_pool", x.shape(), options, graph.label());
  return graph.add(std::make_shared<AveragePool>(g, false), {x});
}

Value global_average_pool(Graph& graph, Value x) {
  if (x.shape().rank() != 4 || x.shape()[1] * x.shape()[2] < 1) {
    shape_error("global_average_pool", graph.label(),
                fmt::format("input {} must be (N,H,W,C)", x.shape().text()));
  }
  return graph.add(std::make_shared<GlobalAverage>(x.shape(), false), {x});
}

Value max_over_time(Graph& graph, Value x, Value lengths, Index window) {
  std::vector<Value> inputs{x};
  if (lengths) inputs.push_back(lengths);
  return graph.add(std::make_shared<MaxOverTime>(window), std::move(inputs));
}

}  // namespace firn
