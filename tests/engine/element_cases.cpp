// Rows of operations without weights: activations, arithmetic, what rearranges and sums, losses.
#include <fmt/core.h>

#include <algorithm>

#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/channel_scale.h"
#include "engine/ops/dropout.h"
#include "engine/ops/local_response_norm.h"
#include "engine/ops/log_softmax.h"
#include "engine/ops/loss.h"
#include "engine/ops/rearrange.h"
#include "engine/ops/reduce.h"
#include "engine/ops/softmax.h"
#include "tests/engine/op_cases.h"

namespace firn::test {

namespace {

using Values = std::span<const Value>;
using Rows = std::vector<OpCase>;

constexpr double kTranscendental = 1e-5;  // sums of many terms behind exp and tanh

/// Shapes of a value for what works element by element: awkward sizes, ranks 1 to 4, vector widths +-1.
std::vector<Shape> element_shapes() {
  return {{1, 1},    {3},          {4, 7},  {5, 15}, {3, 16},     {2, 17},
          {9, 3, 2}, {2, 3, 5, 3}, {17, 8}, {1, 33}, {7, 2, 2, 4}};
}

void activation_rows(Rows& rows) {
  for (const Activation a : {Activation::relu, Activation::leaky_relu, Activation::gelu, Activation::silu,
                             Activation::sigmoid, Activation::tanh, Activation::gelu_tanh}) {
    const bool kink = a == Activation::relu || a == Activation::leaky_relu;
    for (const Shape& x : element_shapes()) {
      rows.push_back({.op = std::string(activation_name(a)),
                      .name = x.text(),
                      .operands = {{"x", x, Kind::batch, -4, 4, kink ? Draw::off_zero : Draw::uniform}},
                      .build = [a](Graph& g, Values v) { return activate(g, a, v[0], real(0.1)); }});
    }
  }
  // Between and beyond their kinks, which lie at 0 and 9, at -5 and 5, at -3 and 3.
  for (const auto& [a, slope] :
       {std::pair{Activation::relu_to, real(9)}, std::pair{Activation::hard_sigmoid, real(0.1)},
        std::pair{Activation::hard_swish, real(0)}}) {
    for (const Shape& x : element_shapes()) {
      for (const auto& [low, high] :
           {std::pair{-2.9, -0.1}, std::pair{0.1, 2.9}, std::pair{9.1, 12.0}, std::pair{-12.0, -5.1}}) {
        rows.push_back(
            {.op = std::string(activation_name(a)),
             .name = fmt::format("{} in {} to {}", x.text(), low, high),
             .operands = {{"x", x, Kind::batch, low, high}},
             .build = [a = a, slope = slope](Graph& g, Values v) { return activate(g, a, v[0], slope); }});
      }
    }
  }
  for (const Shape& x : element_shapes()) {
    if (x.rank() < 2) continue;
    rows.push_back({.op = "softmax",
                    .name = x.text(),
                    .operands = {{"x", x, Kind::batch, -3, 3}},
                    .build = [](Graph& g, Values v) { return softmax(g, v[0]); },
                    .tolerance = 1.2e-6});
    rows.push_back({.op = "local_response_norm",
                    .name = x.text(),
                    .operands = {{"x", x, Kind::batch, -3, 3}},
                    .build =
                        [size = 1 + x.count() % 6](Graph& g, Values v) {
                          return local_response_norm(g, v[0], {.size = size, .alpha = real(0.5), .k = 2});
                        },
                    .tolerance = kTranscendental});
    rows.push_back({.op = "log_softmax",
                    .name = x.text(),
                    .operands = {{"x", x, Kind::batch, -3, 3}},
                    .build = [](Graph& g, Values v) { return log_softmax(g, v[0]); },
                    .tolerance = 1.2e-6});
  }
  for (const Shape& x : element_shapes()) {
    const real p = x.count() % 2 == 0 ? real(0.5) : real(0.2);
    rows.push_back({.op = "dropout",
                    .name = x.text(),
                    .operands = {{"x", x, Kind::batch, 1, 2}},
                    .build = [p](Graph& g, Values v) { return dropout(g, v[0], p); }});
  }
}

void arithmetic_rows(Rows& rows) {
  for (const Shape& x : element_shapes()) {
    const std::vector<Drawn> two{{"a", x}, {"b", x}};
    rows.push_back({.op = "add", .name = x.text(), .operands = two, .build = [](Graph& g, Values v) {
                      return add(g, v[0], v[1]);
                    }});
    rows.push_back({.op = "subtract", .name = x.text(), .operands = two, .build = [](Graph& g, Values v) {
                      return subtract(g, v[0], v[1]);
                    }});
    rows.push_back({.op = "multiply", .name = x.text(), .operands = two, .build = [](Graph& g, Values v) {
                      return multiply(g, v[0], v[1]);
                    }});
    rows.push_back({.op = "scale", .name = x.text(), .operands = {{"x", x}}, .build = [](Graph& g, Values v) {
                      return scale(g, v[0], real(-1.75));
                    }});
    if (x.rank() < 2) continue;
    rows.push_back({.op = "add_row",
                    .name = x.text(),
                    .operands = {{"a", x}, {"b", {x[-1]}, Kind::parameter}},
                    .build = [](Graph& g, Values v) { return add(g, v[0], v[1]); }});
    rows.push_back({.op = "add_row",
                    .name = x.text() + " sample",
                    .operands = {{"a", x}, {"b", x.tail(1), Kind::parameter}},
                    .build = [](Graph& g, Values v) { return add(g, v[0], v[1]); }});
  }
}

void rearrange_rows(Rows& rows) {
  const std::vector<Shape> shapes{{1, 2},     {3, 5},     {2, 3, 4},  {4, 2, 3}, {2, 3, 2, 2}, {9, 4},
                                  {17, 2, 3}, {1, 16, 2}, {2, 2, 17}, {5, 6},    {3, 4, 5, 2}};
  for (const Shape& x : shapes) {
    for (int axis = 1; axis < x.rank(); ++axis) {
      const std::string name = fmt::format("{} axis {}", x.text(), axis);
      rows.push_back({.op = "concatenate",
                      .name = name,
                      .operands = {{"a", x}, {"b", x.with(axis, 1)}, {"c", x.with(axis, 3)}},
                      .build = [axis](Graph& g, Values v) { return concatenate(g, v, axis); }});
      rows.push_back({.op = "pad", .name = name, .operands = {{"x", x}}, .build = [axis](Graph& g, Values v) {
                        return pad(g, v[0], axis, axis - 1, 2);
                      }});
      const Index step = 1 + x[axis] % 3;
      rows.push_back({.op = "slice",
                      .name = fmt::format("{} step {}", name, step),
                      .operands = {{"x", x}},
                      .build = [axis, step](Graph& g, Values v) {
                        const Index size = v[0].shape()[axis];
                        return slice(g, v[0], axis, size > 2 ? 1 : 0, size, step);
                      }});
    }
    for (int axis = 1; axis < x.rank(); ++axis) {
      rows.push_back(
          {.op = "spread",
           .name = fmt::format("{} axis {}", x.text(), axis),
           .operands = {{"x", x}},
           .build = [axis](Graph& g, Values v) { return spread_places(g, v[0], axis, 1 + axis); }});
      std::vector<int> order;
      for (int i = 0; i < x.rank(); ++i) order.push_back(i);
      std::rotate(order.begin() + 1, order.begin() + axis, order.end());
      rows.push_back({.op = "permute",
                      .name = fmt::format("{} rotated by {}", x.text(), axis),
                      .operands = {{"x", x}},
                      .build = [order](Graph& g, Values v) { return permute(g, v[0], order); }});
      std::reverse(order.begin() + 1, order.end());
      rows.push_back({.op = "permute",
                      .name = fmt::format("{} turned at {}", x.text(), axis),
                      .operands = {{"x", x}},
                      .build = [order](Graph& g, Values v) { return permute(g, v[0], order); }});
    }
    rows.push_back({.op = "multiply_row",
                    .name = x.text(),
                    .operands = {{"x", x}, {"factor", {x[-1]}, Kind::parameter}},
                    .build = [](Graph& g, Values v) { return multiply_row(g, v[0], v[1]); }});
    rows.push_back({.op = "multiply_channels",
                    .name = x.text(),
                    .operands = {{"x", x}, {"factor", {x[0], x[-1]}}},
                    .build = [](Graph& g, Values v) { return multiply_channels(g, v[0], v[1]); }});
    rows.push_back(
        {.op = "flatten", .name = x.text(), .operands = {{"x", x}}, .build = [](Graph& g, Values v) {
           return flatten(g, v[0]);
         }});
    rows.push_back(
        {.op = "reshape", .name = x.text(), .operands = {{"x", x}}, .build = [](Graph& g, Values v) {
           const Shape& s = v[0].shape();
           return reshape(g, v[0], Shape{s[0], 1, s.count_from(1)});
         }});
  }
}

void reduce_rows(Rows& rows) {
  for (const Shape& x : element_shapes()) {
    rows.push_back({.op = "sum", .name = x.text(), .operands = {{"x", x}}, .build = [](Graph& g, Values v) {
                      return sum(g, v[0]);
                    }});
    rows.push_back({.op = "mean", .name = x.text(), .operands = {{"x", x}}, .build = [](Graph& g, Values v) {
                      return mean(g, v[0]);
                    }});
    rows.push_back({.op = "ratio",
                    .name = x.text(),
                    .operands = {{"x", x}, {"y", x, Kind::feed, 1, 2}},
                    .build = [](Graph& g, Values v) { return ratio(g, sum(g, v[0]), sum(g, v[1])); }});
    for (int axis = 1; axis < x.rank(); ++axis) {
      const std::string name = fmt::format("{} axis {}", x.text(), axis);
      rows.push_back(
          {.op = "sum_over", .name = name, .operands = {{"x", x}}, .build = [axis](Graph& g, Values v) {
             return sum_over(g, v[0], axis);
           }});
      rows.push_back(
          {.op = "mean_over", .name = name, .operands = {{"x", x}}, .build = [axis](Graph& g, Values v) {
             return mean_over(g, v[0], axis);
           }});
    }
  }
}

void loss_rows(Rows& rows) {
  const std::vector<Shape> shapes{{1, 2},    {4, 3},    {6, 5},  {3, 17},    {9, 10},
                                  {2, 3, 4}, {5, 2, 7}, {17, 2}, {2, 1, 33}, {8, 16}};
  for (const Shape& x : shapes) {
    const std::vector<Index> leading(x.sizes().begin(), x.sizes().end() - 1);
    const Shape labels{std::span<const Index>(leading)};
    for (int variant = 0; variant < 4; ++variant) {
      CrossEntropyOptions o;
      if (variant % 2 == 1) o.smoothing = real(0.1);
      if (variant >= 2) {
        for (Index c = 0; c < x[-1]; ++c)
          o.class_weights.push_back(real(0.5) + real(0.25) * static_cast<real>(c % 5));
      }
      o.ignore_negative = variant == 3 && x[0] > 2;
      rows.push_back({.op = "softmax_cross_entropy",
                      .name = fmt::format("{} variant {}", x.text(), variant),
                      .operands = {{"x", x, Kind::batch, -3, 3},
                                   {"labels", labels, Kind::indices, o.ignore_negative ? -1.0 : 0.0,
                                    static_cast<double>(x[-1] - 1)}},
                      .build = [o](Graph& g, Values v) { return softmax_cross_entropy(g, v[0], v[1], o); }});
    }
  }
  for (const Shape& x : element_shapes()) {
    rows.push_back({.op = "binary_cross_entropy",
                    .name = x.text(),
                    .operands = {{"x", x, Kind::batch, -4, 4}, {"targets", x, Kind::feed, 0, 1}},
                    .build = [](Graph& g, Values v) { return binary_cross_entropy(g, v[0], v[1]); }});
    rows.push_back({.op = "mean_squared_error",
                    .name = x.text(),
                    .operands = {{"x", x}, {"targets", x, Kind::feed}},
                    .build = [](Graph& g, Values v) { return mean_squared_error(g, v[0], v[1]); }});
  }
}

}  // namespace

void add_element_cases(Rows& rows) {
  activation_rows(rows);
  arithmetic_rows(rows);
  rearrange_rows(rows);
  reduce_rows(rows);
  loss_rows(rows);
}

}  // namespace firn::test
