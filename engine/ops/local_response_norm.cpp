#include "engine/ops/local_response_norm.h"

#include <algorithm>
#include <cmath>

#include "engine/ops/check.h"

namespace firn {

namespace {

/// s of channel c.
double local_response(const LocalResponseOptions& o, const real* x, Index c, Index channels) {
  const Index begin = std::max<Index>(0, c - (o.size - 1) / 2), end = std::min(channels, c + o.size / 2 + 1);
  double sum = 0;
  for (Index i = begin; i < end; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return static_cast<double>(o.k) + static_cast<double>(o.alpha) / static_cast<double>(o.size) * sum;
}

Attributes attributes_of(const LocalResponseOptions& o) {
  Attributes all;
  all.add("size", o.size, fmt::format("over {}", o.size)).add("alpha", static_cast<double>(o.alpha));
  all.add("beta", static_cast<double>(o.beta)).add("k", static_cast<double>(o.k));
  return all;
}

/// Inputs: x, dy. Scratch: a row of what is summed.
class LocalResponseGradient final : public Op {
 public:
  explicit LocalResponseGradient(LocalResponseOptions o) : o_(o) {}
  Description describe() const override {
    return {"local_response_norm_gradient",
            "dx[c] = dy[c] s[c]^-beta - 2 alpha/size beta x[c] Σ_k dy[k] x[k] s[k]^(-beta - 1), over the "
            "channels k that see c",
            attributes_of(o_)};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    return {inputs[1]};
  }
  Division schedule(const Node& node, Index rows, const Kernels& kernels) const override {
    return {Op::schedule(node, rows, kernels).cut, node.outputs()[0].shape[-1]};
  }
  void run(const Call& call) const override {
    const Index channels = call.in_shape(0)[-1];
    const double beta = static_cast<double>(o_.beta);
    const double factor = 2 * static_cast<double>(o_.alpha) / static_cast<double>(o_.size) * beta;
    for (Index r = 0; r < rows_of(call, 0); ++r) {
      const real *x = call.in(0) + r * channels, *dy = call.in(1) + r * channels;
      real* dx = call.out() + r * channels;
      for (Index c = 0; c < channels; ++c) {
        const double s = local_response(o_, x, c, channels);
        const double share = static_cast<double>(dy[c]) * std::pow(s, -beta);
        call.scratch[c] = static_cast<real>(share * static_cast<double>(x[c]) / s);
        dx[c] = static_cast<real>(share);
      }
      for (Index c = 0; c < channels; ++c) {
        const Index begin = std::max<Index>(0, c - o_.size / 2),
                    end = std::min(channels, c + (o_.size - 1) / 2 + 1);
        double sum = 0;
        for (Index i = begin; i < end; ++i) sum += static_cast<double>(call.scratch[i]);
        dx[c] = static_cast<real>(static_cast<double>(dx[c]) - factor * static_cast<double>(x[c]) * sum);
      }
    }
  }

 private:
  LocalResponseOptions o_;
};

class LocalResponseNorm final : public Op {
 public:
  explicit LocalResponseNorm(LocalResponseOptions o) : o_(o) {}
  Description describe() const override {
    return {"local_response_norm",
            "y[c] = x[c] s[c]^-beta, s[c] = k + alpha/size Σ x², over the channels around c",
            attributes_of(o_)};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string& where) const override {
    const Shape& x = inputs[0].shape;
    if (x.rank() < 2 || o_.size < 1 || !(o_.k > 0) || !(o_.alpha >= 0))
      shape_error(name(), where,
                  fmt::format("input {}, {} channels, k {}, alpha {}: wanted are (...,C), channels from 1, k "
                              "above 0, alpha from 0",
                              x.text(), o_.size, o_.k, o_.alpha));
    return {inputs[0]};
  }
  void run(const Call& call) const override {
    const Index channels = call.in_shape(0)[-1];
    for (Index r = 0; r < rows_of(call, 0); ++r) {
      const real* x = call.in(0) + r * channels;
      real* y = call.out() + r * channels;
      for (Index c = 0; c < channels; ++c)
        y[c] = static_cast<real>(static_cast<double>(x[c]) *
                                 std::pow(local_response(o_, x, c, channels), -static_cast<double>(o_.beta)));
    }
  }
  void gradient(Gradients& g) const override {
    g.set(0, g.graph().add(std::make_shared<LocalResponseGradient>(o_), {g.input(0), g.dy()}));
  }

 private:
  LocalResponseOptions o_;
};

}  // namespace

Value local_response_norm(Graph& graph, Value x, const LocalResponseOptions& options) {
  return graph.add(std::make_shared<LocalResponseNorm>(options), {x});
}

}  // namespace firn
