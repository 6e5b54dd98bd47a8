#include "tests/engine/op_cases.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

#include "engine/ops/batch_norm.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/dense.h"
#include "engine/ops/embedding.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/pool.h"
#include "engine/ops/rearrange.h"
#include "engine/ops/recurrent.h"

namespace firn::test {

namespace {

using Values = std::span<const Value>;
using Rows = std::vector<OpCase>;

constexpr double kTranscendental = 1e-5;  // sums of many terms behind exp and tanh

double product(const Shape& shape) {
  return static_cast<double>(shape.count());
}

void dense_rows(Rows& rows) {
  const struct {
    Shape x;
    Index out;
    bool bias;
  } shapes[] = {{{1, 1}, 1, true},     {{3, 4}, 5, true},       {{4, 7}, 6, false},    {{8, 16}, 16, true},
                {{5, 17}, 15, true},   {{2, 3, 4}, 5, true},    {{3, 2, 7}, 3, false}, {{9, 5}, 1, true},
                {{7, 33}, 10, true},   {{2, 2, 3, 4}, 2, true}, {{16, 3}, 70, true},   {{6, 65}, 4, false},
                {{20, 2, 3}, 3, true}, {{3, 64}, 66, true},     {{9, 65}, 64, false}};
  for (const auto& s : shapes) {
    const double macs = product(s.x) * static_cast<double>(s.out);
    std::vector<Drawn> operands{{"x", s.x}, {"weight", {s.x[-1], s.out}, Kind::parameter}};
    if (s.bias) operands.push_back({"bias", {s.out}, Kind::parameter});
    rows.push_back(
        {.op = "dense",
         .name = fmt::format("{} to {}{}", s.x.text(), s.out, s.bias ? " bias" : ""),
         .operands = std::move(operands),
         .build = [](Graph& g, Values v) { return dense(g, v[0], v[1], v.size() > 2 ? v[2] : Value{}); },
         .macs = Macs{macs, macs, macs}});
  }
}

void conv_rows(Rows& rows) {
  const struct {
    Shape x;
    Index kh, kw, out;
    Conv2dOptions o;
    bool bias;
  } shapes[] = {
      {{1, 1, 1, 1}, 1, 1, 1, {}, true},
      {{2, 5, 4, 3}, 3, 3, 4, {}, true},
      {{2, 5, 6, 2}, 3, 3, 3, {.pad_h = 1, .pad_w = 1}, false},
      {{3, 7, 5, 2}, 3, 3, 5, {.stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1}, true},
      {{2, 6, 7, 2}, 3, 2, 3, {.stride_h = 1, .stride_w = 2, .pad_h = 1}, true},
      {{2, 9, 9, 1}, 5, 5, 2, {.stride_h = 3, .stride_w = 3, .pad_h = 2, .pad_w = 2}, true},
      {{3, 4, 5, 6}, 1, 1, 7, {}, true},
      {{2, 5, 5, 4}, 1, 1, 3, {.stride_h = 2, .stride_w = 2}, false},
      {{2, 4, 5, 4}, 3, 3, 6, {.pad_h = 1, .pad_w = 1, .groups = 2}, true},
      {{2, 5, 5, 6}, 3, 3, 3, {.stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1, .groups = 3}, true},
      {{2, 5, 6, 5}, 3, 3, 5, {.pad_h = 1, .pad_w = 1, .groups = 5}, true},
      {{2, 6, 5, 3}, 3, 3, 6, {.stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1, .groups = 3}, false},
      {{2, 1, 9, 3}, 1, 3, 4, {.pad_w = 1}, true},
      {{17, 4, 4, 2}, 3, 3, 4, {.pad_h = 1, .pad_w = 1}, true},
      {{1, 3, 3, 16}, 3, 3, 17, {.pad_h = 1, .pad_w = 1}, true},
      {{2, 3, 4, 2}, 4, 4, 3, {.pad_h = 2, .pad_w = 2}, true},
      {{2, 5, 6, 2}, 3, 3, 4, {.pad_h = 1, .pad_w = 0, .more_h = -1, .more_w = 2}, true},
      {{2, 6, 5, 3}, 3, 2, 4, {.stride_h = 2, .stride_w = 2, .more_h = 1, .more_w = 1}, true},
      {{2, 6, 6, 4}, 3, 3, 4, {.stride_h = 2, .stride_w = 2, .groups = 4, .more_h = 1, .more_w = 1}, true},
      {{2, 5, 5, 4}, 3, 3, 4, {.pad_h = 1, .pad_w = 1, .groups = 4, .more_h = -1, .more_w = 1}, false},
      {{2, 7, 6, 3}, 3, 3, 4, {.pad_h = 1, .pad_w = 1, .more_h = 1, .more_w = -1, .winograd = 2}, true},
      {{2, 1, 40, 3}, 1, 9, 17, {.stride_w = 4, .more_w = 3}, true},
      {{9, 3, 3, 18}, 2, 2, 12, {.pad_h = 1}, true},
      {{2, 7, 6, 3}, 3, 3, 4, {.pad_h = 1, .pad_w = 1, .winograd = 2}, true},
      {{2, 7, 6, 3}, 3, 3, 4, {.pad_h = 1, .pad_w = 1, .winograd = 4}, true},
      {{3, 8, 5, 2}, 3, 3, 5, {.winograd = 4}, false},
      {{2, 4, 9, 17}, 3, 3, 18, {.pad_h = 1, .winograd = 2}, false},
  };
  for (const auto& s : shapes) {
    const Index oh = (s.x[1] + 2 * s.o.pad_h + s.o.more_h - s.kh) / s.o.stride_h + 1;
    const Index ow = (s.x[2] + 2 * s.o.pad_w + s.o.more_w - s.kw) / s.o.stride_w + 1;
    const Shape weight{s.kh, s.kw, s.x[3] / s.o.groups, s.out};
    const double macs = static_cast<double>(s.x[0] * oh * ow * s.kh * s.kw * (s.x[3] / s.o.groups) * s.out);
    std::vector<Drawn> operands{{"x", s.x}, {"weight", weight, Kind::parameter}};
    if (s.bias) operands.push_back({"bias", {s.out}, Kind::parameter});
    rows.push_back(
        {.op = "conv2d",
         .name = fmt::format("{} weight {} stride {}x{} pad {}x{} more {}x{} groups {} F({})", s.x.text(),
                             weight.text(), s.o.stride_h, s.o.stride_w, s.o.pad_h, s.o.pad_w, s.o.more_h,
                             s.o.more_w, s.o.groups, s.o.winograd.value_or(0)),
         .operands = std::move(operands),
         .build = [o = s.o](Graph& g,
                            Values v) { return conv2d(g, v[0], v[1], v.size() > 2 ? v[2] : Value{}, o); },
         .tolerance = s.o.winograd ? 4e-5 : 4e-6,
         .gradient_tolerance = s.o.winograd ? 4e-5 : 4e-6,
         .macs = Macs{macs, macs, macs}});
  }
}

void transposed_conv_rows(Rows& rows) {
  const struct {
    Shape x;
    Index kh, kw, out;
    Conv2dOptions o;
    bool bias;
  } shapes[] = {
      {{1, 1, 1, 1}, 1, 1, 1, {}, true},
      {{2, 3, 4, 3}, 3, 3, 4, {}, true},
      {{2, 3, 2, 4}, 2, 2, 3, {.stride_h = 2, .stride_w = 2}, true},
      {{3, 4, 3, 2}, 3, 3, 5, {.stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1}, false},
      {{2, 3, 4, 3},
       3,
       3,
       4,
       {.stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1, .more_h = -1, .more_w = -1},
       true},
      {{2, 4, 4, 2}, 4, 4, 3, {.stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1}, true},
      {{2, 3, 3, 4}, 3, 2, 6, {.stride_h = 1, .stride_w = 2, .pad_h = 1, .groups = 2}, true},
      {{2, 4, 3, 5}, 3, 3, 5, {.stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1, .groups = 5}, true},
      {{2, 1, 9, 3}, 1, 4, 4, {.stride_w = 3, .pad_w = 1, .more_w = -2}, true},
      {{17, 3, 3, 2}, 3, 3, 4, {.pad_h = 1, .pad_w = 1}, true},
      {{1, 3, 3, 16}, 3, 3, 17, {.pad_h = 1, .pad_w = 1}, true},
      {{2, 5, 4, 3}, 3, 3, 2, {.stride_h = 2, .stride_w = 3, .pad_h = 0, .pad_w = 1, .more_h = 1}, false},
      {{3, 2, 2, 18}, 2, 2, 20, {.stride_h = 2, .stride_w = 2}, true},
  };
  for (const auto& s : shapes) {
    const Shape weight{s.kh, s.kw, s.out / s.o.groups, s.x[3]};
    const double macs =
        static_cast<double>(s.x.count() / s.x[3] * s.kh * s.kw * (s.out / s.o.groups) * s.x[3]);
    std::vector<Drawn> operands{{"x", s.x}, {"weight", weight, Kind::parameter}};
    if (s.bias) operands.push_back({"bias", {s.out}, Kind::parameter});
    rows.push_back({.op = "transposed_conv2d",
                    .name = fmt::format("{} weight {} stride {}x{} pad {}x{} more {}x{} groups {}",
                                        s.x.text(), weight.text(), s.o.stride_h, s.o.stride_w, s.o.pad_h,
                                        s.o.pad_w, s.o.more_h, s.o.more_w, s.o.groups),
                    .operands = std::move(operands),
                    .build =
                        [o = s.o](Graph& g, Values v) {
                          return transposed_conv2d(g, v[0], v[1], v.size() > 2 ? v[2] : Value{}, o);
                        },
                    .tolerance = 4e-5,
                    .gradient_tolerance = 4e-5,
                    .macs = Macs{macs, macs, macs}});
  }
}

void pool_rows(Rows& rows) {
  const struct {
    Shape x;
    PoolOptions o;
  } shapes[] = {
      {{1, 2, 2, 1}, {}},
      {{2, 4, 6, 3}, {}},
      {{2, 5, 7, 2}, {}},
      {{2, 5, 7, 2}, {.ceil = true}},
      {{2, 8, 7, 3}, {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2}},
      {{2, 8, 7, 3}, {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .ceil = true}},
      {{2, 6, 5, 2}, {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1}},
      {{2, 6, 5, 2}, {.kernel_h = 3, .kernel_w = 3, .stride_h = 1, .stride_w = 1, .pad_h = 1, .pad_w = 1}},
      {{1, 7, 7, 2},
       {.kernel_h = 3,
        .kernel_w = 3,
        .stride_h = 2,
        .stride_w = 2,
        .pad_h = 1,
        .pad_w = 1,
        .ceil = true,
        .count_padding = false}},
      {{2, 4, 9, 2},
       {.kernel_h = 1, .kernel_w = 4, .stride_h = 1, .stride_w = 3, .pad_w = 2, .count_padding = false}},
      {{3, 3, 3, 17}, {.kernel_h = 2, .kernel_w = 2, .stride_h = 1, .stride_w = 1}},
      {{9, 4, 4, 1}, {.kernel_h = 4, .kernel_w = 4}},
      {{2, 5, 6, 3},
       {.kernel_h = 3,
        .kernel_w = 3,
        .stride_h = 2,
        .stride_w = 2,
        .count_padding = false,
        .more_h = 1,
        .more_w = 1}},
      {{2, 6, 5, 2},
       {.kernel_h = 2, .kernel_w = 2, .pad_h = 1, .pad_w = 1, .count_padding = false, .more_h = -1}}};
  for (const auto& s : shapes) {
    const std::string name = fmt::format("{} window {}x{} stride {}x{} pad {}x{} more {}x{}{}", s.x.text(),
                                         s.o.kernel_h, s.o.kernel_w, s.o.stride_h, s.o.stride_w, s.o.pad_h,
                                         s.o.pad_w, s.o.more_h, s.o.more_w, s.o.ceil ? " ceil" : "");
    const std::vector<Drawn> operands{{"x", s.x, Kind::batch, -1, 1, Draw::distinct}};
    rows.push_back(
        {.op = "max_pool", .name = name, .operands = operands, .build = [o = s.o](Graph& g, Values v) {
           return max_pool(g, v[0], o);
         }});
    rows.push_back(
        {.op = "average_pool", .name = name, .operands = operands, .build = [o = s.o](Graph& g, Values v) {
           return average_pool(g, v[0], o);
         }});
  }
  for (const auto& [x, height, width] : std::vector<std::tuple<Shape, Index, Index>>{{{2, 5, 7, 3}, 2, 3},
                                                                                     {{3, 4, 4, 2}, 4, 2},
                                                                                     {{2, 2, 3, 5}, 3, 7},
                                                                                     {{9, 7, 1, 17}, 3, 1},
                                                                                     {{1, 6, 6, 1}, 1, 1},
                                                                                     {{2, 9, 4, 3}, 2, 3},
                                                                                     {{4, 3, 5, 8}, 3, 2},
                                                                                     {{17, 2, 2, 2}, 1, 2},
                                                                                     {{2, 1, 9, 16}, 1, 4},
                                                                                     {{3, 5, 5, 33}, 4, 4}}) {
    rows.push_back({.op = "adaptive_average_pool",
                    .name = fmt::format("{} to {}x{}", x.text(), height, width),
                    .operands = {{"x", x}},
                    .build = [h = height, w = width](Graph& g, Values v) {
                      return adaptive_average_pool(g, v[0], h, w);
                    }});
  }
  for (const Shape& x : std::vector<Shape>{{1, 1, 1, 1},
                                           {2, 2, 2, 3},
                                           {3, 5, 4, 2},
                                           {1, 7, 7, 16},
                                           {2, 1, 9, 17},
                                           {9, 3, 3, 5},
                                           {4, 4, 4, 8},
                                           {2, 8, 1, 1},
                                           {17, 2, 3, 2},
                                           {2, 6, 5, 33}}) {
    rows.push_back({.op = "global_average_pool",
                    .name = x.text(),
                    .operands = {{"x", x}},
                    .build = [](Graph& g, Values v) { return global_average_pool(g, v[0]); }});
  }
  for (const Shape& x :
       std::vector<Shape>{{1, 1, 1}, {2, 5, 3}, {3, 4, 1}, {2, 9, 16}, {9, 2, 5}, {4, 7, 17}}) {
    for (const bool valid : {false, true}) {
      std::vector<Drawn> operands{{"x", x, Kind::batch, -1, 1, Draw::distinct}};
      if (valid) operands.push_back({"valid", {x[0]}, Kind::indices, 0, static_cast<double>(x[1])});
      rows.push_back({.op = "max_over_time",
                      .name = x.text() + (valid ? " valid" : ""),
                      .operands = operands,
                      .build = [](Graph& g, Values v) {
                        return max_over_time(g, v[0], v.size() > 1 ? v[1] : Value{});
                      }});
    }
    const Drawn lengths{"lengths", {x[0]}, Kind::indices, 0, static_cast<double>(x[1] + 2)};
    rows.push_back({.op = "max_over_time",
                    .name = x.text() + " window 3",
                    .operands = {{"x", x, Kind::batch, -1, 1, Draw::distinct}, lengths},
                    .build = [](Graph& g, Values v) { return max_over_time(g, v[0], v[1], 3); }});
  }
}

void norm_rows(Rows& rows) {
  const std::vector<Shape> shapes{{4, 3},  {9, 5},    {6, 16},      {3, 2, 4},    {2, 3, 3, 2}, {5, 2, 2, 17},
                                  {17, 1}, {2, 7, 3}, {8, 4, 1, 3}, {3, 5, 5, 8}, {33, 2}};
  for (const Shape& x : shapes) {
    const Shape c{x[-1]};
    const std::vector<Drawn> operands{{"x", x, Kind::batch, -1, 3},
                                      {"gamma", c, Kind::parameter, 0.5, 1.5},
                                      {"beta", c, Kind::parameter},
                                      {"mean", c, Kind::statistic},
                                      {"variance", c, Kind::statistic, 0.5, 2}};
    rows.push_back(
        {.op = "batch_norm_frozen",
         .name = x.text(),
         .operands = operands,
         .build = [](Graph& g,
                     Values v) { return batch_norm_frozen(g, v[0], v[1], v[2], v[3], v[4], real(1e-5)); },
         .tolerance = 6e-7,
         .gradient_tolerance = 5e-6});
    rows.push_back({.op = "batch_norm_train",
                    .name = x.text(),
                    .operands = {operands[0], operands[1], operands[2]},
                    .build =
                        [c](Graph& g, Values v) {
                          const auto statistic = [&](const char* name) {
                            return std::make_shared<Parameter>(name, Tensor(c), Role::statistic);
                          };
                          return batch_norm_train(g, v[0], v[1], v[2], statistic("running_mean"),
                                                  statistic("running_var"), real(1e-5), real(0.1));
                        },
                    .tolerance = 2e-6,
                    .gradient_tolerance = kTranscendental});
  }
  for (const Shape& x : std::vector<Shape>{{1, 3},
                                           {4, 6},
                                           {3, 16},
                                           {2, 17},
                                           {5, 33},
                                           {2, 3, 9},
                                           {9, 1, 4},
                                           {2, 2, 3, 5},
                                           {17, 3},
                                           {1, 64},
                                           {6, 7}}) {
    const Shape f{x[-1]};
    rows.push_back({.op = "layer_norm",
                    .name = x.text(),
                    .operands = {{"x", x, Kind::batch, -1, 1, Draw::distinct},
                                 {"gamma", f, Kind::parameter, 0.5, 1.5},
                                 {"beta", f, Kind::parameter}},
                    .build = [](Graph& g, Values v) { return layer_norm(g, v[0], v[1], v[2], real(1e-5)); },
                    .tolerance = 2e-6,
                    .gradient_tolerance = 2e-5});
  }
}

void sequence_rows(Rows& rows) {
  for (const auto& [tokens, table] : std::vector<std::pair<Shape, Shape>>{{{1, 1}, {1, 1}},
                                                                          {{2, 3}, {4, 5}},
                                                                          {{5, 2}, {3, 16}},
                                                                          {{3, 7}, {20, 3}},
                                                                          {{9, 4}, {2, 2}},
                                                                          {{1, 12}, {30, 1}},
                                                                          {{4, 4}, {6, 17}},
                                                                          {{17, 3}, {5, 4}},
                                                                          {{2, 20}, {7, 3}},
                                                                          {{6, 1}, {6, 8}}}) {
    rows.push_back({.op = "embedding",
                    .name = tokens.text() + " of " + table.text(),
                    .operands = {{"tokens", tokens, Kind::indices, 0, static_cast<double>(table[0] - 1)},
                                 {"table", table, Kind::parameter}},
                    .build = [](Graph& g, Values v) { return embedding(g, v[0], v[1]); }});
  }
  const struct {
    Shape x;
    Index h;
    bool reverse, lengths;
  } cells[] = {{{1, 1, 1}, 1, false, false}, {{2, 3, 2}, 3, false, false}, {{2, 3, 2}, 3, true, false},
               {{4, 5, 3}, 2, false, true},  {{4, 5, 3}, 2, true, true},   {{3, 2, 4}, 8, false, false},
               {{17, 3, 2}, 2, false, true}, {{2, 4, 1}, 5, true, false},  {{5, 1, 3}, 4, false, true},
               {{2, 2, 3}, 17, true, true},  {{3, 7, 2}, 1, false, true},  {{20, 2, 2}, 16, false, false}};
  for (const auto& s : cells) {
    for (const bool is_lstm : {true, false}) {
      const Index gates = is_lstm ? 4 : 3;
      std::vector<Drawn> operands{{"x", s.x},
                                  {"weight_ih", {s.x[2], gates * s.h}, Kind::parameter},
                                  {"weight_hh", {s.h, gates * s.h}, Kind::parameter},
                                  {"bias_ih", {gates * s.h}, Kind::parameter},
                                  {"bias_hh", {gates * s.h}, Kind::parameter}};
      if (s.lengths) operands.push_back({"lengths", {s.x[0]}, Kind::indices, 1, static_cast<double>(s.x[1])});
      const double steps = static_cast<double>(s.x[0] * s.x[1]);
      const double first = steps * static_cast<double>(s.x[2] * gates * s.h);
      const double recurrent = steps * static_cast<double>(s.h * gates * s.h);
      // The state before the first step is zero: no term of the recurrent weight's gradient.
      const double last = static_cast<double>(s.x[0] * (s.x[1] - 1) * s.h * gates * s.h);
      rows.push_back({.op = is_lstm ? "lstm" : "gru",
                      .name = fmt::format("{} hidden {}{}{}", s.x.text(), s.h, s.reverse ? " reverse" : "",
                                          s.lengths ? " lengths" : ""),
                      .operands = std::move(operands),
                      .build =
                          [is_lstm, reverse = s.reverse](Graph& g, Values v) {
                            const RecurrentWeights w{v[1], v[2], v[3], v[4]};
                            const RecurrentOptions o{reverse, v.size() > 5 ? v[5] : Value{}};
                            return is_lstm ? lstm(g, v[0], w, o) : gru(g, v[0], w, o);
                          },
                      .tolerance = 4e-6,
                      .gradient_tolerance = kTranscendental,
                      .macs = Macs{first + recurrent, first + recurrent, first + last}});
    }
  }
  for (const Shape& x :
       std::vector<Shape>{{1, 1, 1}, {2, 3, 4}, {5, 2, 3}, {3, 7, 1}, {17, 2, 2}, {4, 4, 16}}) {
    for (const bool lengths : {false, true}) {
      std::vector<Drawn> operands{{"x", x}};
      if (lengths) operands.push_back({"lengths", {x[0]}, Kind::indices, 0, static_cast<double>(x[1])});
      rows.push_back(
          {.op = "last_step",
           .name = x.text() + (lengths ? " lengths" : ""),
           .operands = operands,
           .build = [](Graph& g, Values v) { return last_step(g, v[0], v.size() > 1 ? v[1] : Value{}); }});
    }
    rows.push_back(
        {.op = "first_step", .name = x.text(), .operands = {{"x", x}}, .build = [](Graph& g, Values v) {
           return last_step(g, v[0], {}, true);
         }});
  }
  for (const Shape& x : std::vector<Shape>{{1, 1},
                                           {2, 3},
                                           {5, 2},
                                           {3, 4, 2},
                                           {2, 7, 1},
                                           {17, 2, 2},
                                           {4, 4, 16},
                                           {3, 9, 17},
                                           {2, 3, 2, 2},
                                           {6, 5, 4}}) {
    const Drawn lengths{"lengths", {x[0]}, Kind::indices, 0, static_cast<double>(x[1])};
    rows.push_back({.op = "mask_steps",
                    .name = x.text(),
                    .operands = {{"x", x}, lengths},
                    .build = [](Graph& g, Values v) { return mask_steps(g, v[0], v[1]); }});
  }
}

}  // namespace

const std::vector<OpCase>& op_cases() {
  static const std::vector<OpCase> all = [] {
    Rows rows;
    dense_rows(rows);
    conv_rows(rows);
    transposed_conv_rows(rows);
    pool_rows(rows);
    norm_rows(rows);
    sequence_rows(rows);
    add_element_cases(rows);
    add_composed_cases(rows);
    return rows;
  }();
  return all;
}

}  // namespace firn::test
