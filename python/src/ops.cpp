// The operations that a graph is made of.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/dense.h"
#include "engine/ops/dropout.h"
#include "engine/ops/embedding.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/loss.h"
#include "engine/ops/pool.h"
#include "engine/ops/rearrange.h"
#include "engine/ops/recurrent.h"
#include "engine/ops/reduce.h"
#include "engine/ops/softmax.h"
#include "python/src/graph.h"
#include "python/src/module.h"

namespace firn::python {

using namespace nb::literals;

namespace {

using V = GraphValue;

/// A function of values that begin with one that is never none.
template <class F, class... Values>
V made(const F& make, const V& first, const Values*... more) {
  Graph& graph = building({&first, more...});
  return {first.holder, make(graph, first.value, (more == nullptr ? Value{} : more->value)...)};
}

Activation activation_named(const std::string& name) {
  std::vector<std::string> known;
  for (int i = 1; i <= static_cast<int>(Activation::gelu_tanh); ++i) {
    known.emplace_back(activation_name(static_cast<Activation>(i)));
    if (known.back() == name) return static_cast<Activation>(i);
  }
  throw Error(Fault::usage, "activation", name + " is none" + did_you_mean(name, known));
}

PoolOptions pool_options(Index kernel, Index stride, Index padding) {
  return {.kernel_h = kernel,
          .kernel_w = kernel,
          .stride_h = stride,
          .stride_w = stride,
          .pad_h = padding,
          .pad_w = padding};
}

/// Binds a function of one value.
template <class F>
void one(nb::module_& m, const char* name, F make) {
  m.def(
      name, [make](const V& x) { return made([&](Graph& g, Value v) { return make(g, v); }, x); }, "x"_a);
}

/// Binds a function of two.
template <class F>
void two(nb::module_& m, const char* name, F make) {
  m.def(
      name,
      [make](const V& a, const V& b) {
        return made([&](Graph& g, Value x, Value y) { return make(g, x, y); }, a, &b);
      },
      "a"_a, "b"_a);
}

void bind_arithmetic(nb::module_& m) {
  two(m, "op_add", [](Graph& g, Value a, Value b) { return add(g, a, b); });
  two(m, "op_subtract", [](Graph& g, Value a, Value b) { return subtract(g, a, b); });
  two(m, "op_multiply", [](Graph& g, Value a, Value b) { return multiply(g, a, b); });
  two(m, "op_ratio", [](Graph& g, Value a, Value b) { return ratio(g, a, b); });
  two(m, "op_binary_cross_entropy", [](Graph& g, Value a, Value b) { return binary_cross_entropy(g, a, b); });
  two(m, "op_mean_squared_error", [](Graph& g, Value a, Value b) { return mean_squared_error(g, a, b); });
  two(m, "op_embedding", [](Graph& g, Value a, Value b) { return embedding(g, a, b); });
  one(m, "op_softmax", [](Graph& g, Value x) { return softmax(g, x); });
  one(m, "op_flatten", [](Graph& g, Value x) { return flatten(g, x); });
  one(m, "op_sum", [](Graph& g, Value x) { return sum(g, x); });
  one(m, "op_mean", [](Graph& g, Value x) { return mean(g, x); });
  one(m, "op_global_average_pool", [](Graph& g, Value x) { return global_average_pool(g, x); });
  m.def(
      "op_scale",
      [](const V& x, real factor) { return made([&](Graph& g, Value v) { return scale(g, v, factor); }, x); },
      "x"_a, "factor"_a);
  m.def(
      "op_over",
      [](const V& x, int axis, bool average) {
        return made([&](Graph& g, Value v) { return average ? mean_over(g, v, axis) : sum_over(g, v, axis); },
                    x);
      },
      "x"_a, "axis"_a, "average"_a);
  m.def(
      "op_activate",
      [](const V& x, const std::string& name, real slope) {
        const Activation activation = activation_named(name);
        return made([&](Graph& g, Value v) { return activate(g, activation, v, slope); }, x);
      },
      "x"_a, "name"_a, "slope"_a);
}

void bind_layers(nb::module_& m) {
  m.def(
      "op_dense",
      [](const V& x, const V& weight, const V* bias) {
        return made([](Graph& g, Value a, Value w, Value b) { return dense(g, a, w, b); }, x, &weight, bias);
      },
      "x"_a, "weight"_a, "bias"_a.none());
  m.def(
      "op_conv2d",
      [](const V& x, const V& weight, const V* bias, Index stride, Index padding, Index groups) {
        const Conv2dOptions options{
            .stride_h = stride, .stride_w = stride, .pad_h = padding, .pad_w = padding, .groups = groups};
        return made([&](Graph& g, Value a, Value w, Value b) { return conv2d(g, a, w, b, options); }, x,
                    &weight, bias);
      },
      "x"_a, "weight"_a, "bias"_a.none(), "stride"_a, "padding"_a, "groups"_a);
  m.def(
      "op_pool",
      [](const V& x, Index kernel, Index stride, Index padding, bool average) {
        const PoolOptions options = pool_options(kernel, stride, padding);
        return made([&](Graph& g,
                        Value v) { return average ? average_pool(g, v, options) : max_pool(g, v, options); },
                    x);
      },
      "x"_a, "kernel"_a, "stride"_a, "padding"_a, "average"_a);
  m.def(
      "op_layer_norm",
      [](const V& x, const V& gamma, const V& beta, real epsilon) {
        return made([&](Graph& g, Value v, Value c, Value b) { return layer_norm(g, v, c, b, epsilon); }, x,
                    &gamma, &beta);
      },
      "x"_a, "gamma"_a, "beta"_a, "epsilon"_a);
  m.def(
      "op_batch_norm",
      [](const V& x, const V& gamma, const V& beta, real epsilon) {
        return made([&](Graph& g, Value v, Value c,
                        Value b) { return batch_norm_train(g, v, c, b, nullptr, nullptr, epsilon, 0); },
                    x, &gamma, &beta);
      },
      "x"_a, "gamma"_a, "beta"_a, "epsilon"_a);
  m.def(
      "op_dropout",
      [](const V& x, real p) { return made([&](Graph& g, Value v) { return dropout(g, v, p); }, x); }, "x"_a,
      "p"_a);
  m.def(
      "op_cross_entropy",
      [](const V& logits, const V& labels, real smoothing) {
        return made(
            [&](Graph& g, Value x, Value y) {
              return softmax_cross_entropy(g, x, y, {.smoothing = smoothing, .class_weights = {}});
            },
            logits, &labels);
      },
      "logits"_a, "labels"_a, "smoothing"_a);
  m.def(
      "op_recurrent",
      [](const V& x, const V& ih, const V& hh, const V& bias_ih, const V& bias_hh, bool gated) {
        return made(
            [&](Graph& g, Value v, Value wi, Value wh, Value bi, Value bh) {
              const RecurrentWeights weights{wi, wh, bi, bh};
              return gated ? gru(g, v, weights) : lstm(g, v, weights);
            },
            x, &ih, &hh, &bias_ih, &bias_hh);
      },
      "x"_a, "weight_ih"_a, "weight_hh"_a, "bias_ih"_a, "bias_hh"_a, "gru"_a);
  one(m, "op_last_step", [](Graph& g, Value x) { return last_step(g, x); });
}

void bind_shapes(nb::module_& m) {
  m.def(
      "op_reshape",
      [](const V& x, const std::vector<Index>& shape) {
        return made([&](Graph& g, Value v) { return reshape(g, v, Shape(std::span<const Index>(shape))); },
                    x);
      },
      "x"_a, "shape"_a);
  m.def(
      "op_permute",
      [](const V& x, const std::vector<int>& order) {
        return made([&](Graph& g, Value v) { return permute(g, v, order); }, x);
      },
      "x"_a, "order"_a);
  m.def(
      "op_slice",
      [](const V& x, int axis, Index begin, Index end, Index step) {
        return made([&](Graph& g, Value v) { return slice(g, v, axis, begin, end, step); }, x);
      },
      "x"_a, "axis"_a, "begin"_a, "end"_a, "step"_a);
  m.def(
      "op_concatenate",
      [](const std::vector<V>& values, int axis) {
        if (values.empty()) throw Error(Fault::usage, "concatenate", "there is nothing to put together");
        std::vector<const V*> all;
        std::vector<Value> bare;
        for (const V& v : values) {
          all.push_back(&v);
          bare.push_back(v.value);
        }
        return V{values[0].holder, concatenate(building(all), bare, axis)};
      },
      "values"_a, "axis"_a);
}

}  // namespace

void bind_ops(nb::module_& m) {
  bind_arithmetic(m);
  bind_layers(m);
  bind_shapes(m);
}

}  // namespace firn::python
