#include "tests/engine/op_cases.h"

#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/dense.h"
#include "engine/ops/embedding.h"
#include "engine/ops/loss.h"
#include "engine/ops/pool.h"
#include "engine/ops/rearrange.h"
#include "engine/ops/recurrent.h"
#include "engine/ops/recurrent_steps.h"
#include "engine/ops/softmax.h"

namespace firn::test {

namespace {

using Values = std::span<const Value>;

constexpr double kTolerance = 1e-5;

/// Cells of which each step is operations of its own: from states of a sample or of all, with a projection,
/// backwards, over different lengths.
void add_recurrent_steps(std::vector<OpCase>& rows) {
  using Cell = Value (*)(Graph&, Value, const RecurrentWeights&, const RecurrentOptions&);
  enum class From { zero, sample, all };
  constexpr Index kHidden = 3;
  const auto row = [&rows](std::string name, Cell cell, Index gates, From from, Index projection,
                           RecurrentOptions options, bool lengths) {
    const Index state = projection > 0 ? projection : kHidden, wide = gates * kHidden;
    std::vector<Drawn> operands{{"x", {3, 4, 2}},
                                {"wi", {2, wide}, Kind::parameter},
                                {"wh", {state, wide}, Kind::parameter},
                                {"bi", {wide}, Kind::parameter},
                                {"bh", {wide}, Kind::parameter}};
    const auto add_state = [&](const char* called, Index size) {
      operands.push_back(from == From::sample ? Drawn{called, {3, size}}
                                              : Drawn{called, {size}, Kind::parameter});
    };
    if (from != From::zero) add_state("h0", state);
    if (from != From::zero && gates == 4) add_state("c0", kHidden);
    if (projection > 0) operands.push_back({"projection", {kHidden, state}, Kind::parameter});
    if (lengths) operands.push_back({"lengths", {3}, Kind::indices, 1, 4});
    rows.push_back({.op = "composed",
                    .name = std::move(name),
                    .operands = std::move(operands),
                    .build =
                        [=](Graph& g, Values v) {
                          RecurrentWeights w{v[1], v[2], v[3], v[4]};
                          RecurrentOptions o = options;
                          std::size_t next = 5;
                          if (from != From::zero) o.initial.h = v[next++];
                          if (from != From::zero && gates == 4) o.initial.c = v[next++];
                          if (projection > 0) w.projection = v[next++];
                          if (lengths) o.lengths = v[next];
                          return cell(g, v[0], w, o);
                        },
                    .tolerance = kTolerance,
                    .gradient_tolerance = kTolerance});
  };
  const Cell tanh = [](Graph& g, Value x, const RecurrentWeights& w, const RecurrentOptions& o) {
    return simple_rnn(g, x, w, o, Activation::tanh);
  };
  for (const From from : {From::sample, From::all}) {
    const std::string text = from == From::sample ? " from states of a sample" : " from states of all";
    row("lstm" + text, lstm, 4, from, 0, {}, false);
    row("lstm projected, over lengths," + text, lstm, 4, from, 2, {}, true);
    row("lstm projected, backwards," + text, lstm, 4, from, 2, {.reverse = true}, false);
    row("gru over lengths" + text, gru, 3, from, 0, {}, true);
    row("gru backwards" + text, gru, 3, from, 0, {.reverse = true}, false);
    row("gru whose reset comes first" + text, gru_reset_first, 3, from, 0, {}, false);
    row("simple recurrent over lengths" + text, tanh, 1, from, 0, {}, true);
  }
  row("lstm projected", lstm, 4, From::zero, 2, {}, false);
}

}  // namespace

void add_composed_cases(std::vector<OpCase>& rows) {
  const auto row = [&rows](std::string name, std::vector<Drawn> operands,
                           std::function<Value(Graph&, Values)> build) {
    rows.push_back({.op = "composed",
                    .name = std::move(name),
                    .operands = std::move(operands),
                    .build = std::move(build),
                    .tolerance = kTolerance,
                    .gradient_tolerance = kTolerance});
  };
  const Drawn x{"x", {5, 4}}, w{"w", {4, 4}, Kind::parameter}, b{"b", {4}, Kind::parameter};
  const Drawn image{"x", {3, 5, 5, 4}}, kernel{"w", {3, 3, 4, 4}, Kind::parameter};
  const Drawn gamma{"gamma", {4}, Kind::parameter, 0.5, 1.5}, beta{"beta", {4}, Kind::parameter};
  const Drawn mean_{"mean", {4}, Kind::statistic}, variance{"variance", {4}, Kind::statistic, 0.5, 2};
  const Conv2dOptions same{.pad_h = 1, .pad_w = 1};

  row("value times itself", {x}, [](Graph& g, Values v) { return multiply(g, v[0], v[0]); });
  row("value plus itself", {x}, [](Graph& g, Values v) { return add(g, v[0], v[0]); });
  row("value minus itself squared", {x},
      [](Graph& g, Values v) { return subtract(g, v[0], multiply(g, v[0], v[0])); });
  row("weight used twice", {x, w, b}, [](Graph& g, Values v) {
    return dense(g, activate(g, Activation::tanh, dense(g, v[0], v[1], v[2])), v[1], v[2]);
  });
  row("weight multiplied and added", {x, w, b},
      [](Graph& g, Values v) { return add(g, dense(g, v[0], v[1]), add(g, v[2], v[2])); });
  row("dense, activation", {x, w, b},
      [](Graph& g, Values v) { return activate(g, Activation::sigmoid, dense(g, v[0], v[1], v[2])); });
  row("dense, gelu", {x, w, b},
      [](Graph& g, Values v) { return activate(g, Activation::gelu, dense(g, v[0], v[1], v[2])); });
  row("dense, residual, relu", {x, w, b}, [](Graph& g, Values v) {
    return activate(g, Activation::relu, add(g, dense(g, v[0], v[1], v[2]), v[0]));
  });
  row("two dense added", {x, w, b}, [](Graph& g, Values v) {
    return activate(g, Activation::silu, add(g, dense(g, v[0], v[1]), dense(g, v[0], v[1], v[2])));
  });
  row("residual block", {image, kernel, gamma, beta}, [same](Graph& g, Values v) {
    const auto half = [&](Value in) {
      return batch_norm_train(g, conv2d(g, in, v[1], {}, same), v[2], v[3], nullptr, nullptr, real(1e-5),
                              real(0.1));
    };
    return activate(g, Activation::relu, add(g, half(activate(g, Activation::relu, half(v[0]))), v[0]));
  });
  row("residual blocks in a row", {image, kernel, gamma, beta}, [same](Graph& g, Values v) {
    const auto half = [&](Value in) {
      return batch_norm_train(g, conv2d(g, in, v[1], {}, same), v[2], v[3], nullptr, nullptr, real(1e-5),
                              real(0.1));
    };
    Value y = activate(g, Activation::relu, half(v[0]));
    for (int block = 0; block < 3; ++block) y = activate(g, Activation::relu, add(g, half(y), y));
    return conv2d(g, y, v[1], {}, same);
  });
  row("residual block, frozen statistics", {image, kernel, gamma, beta, mean_, variance},
      [same](Graph& g, Values v) {
        const auto half = [&](Value in) {
          return batch_norm_frozen(g, conv2d(g, in, v[1], {}, same), v[2], v[3], v[4], v[5], real(1e-5));
        };
        return activate(g, Activation::relu, add(g, v[0], half(activate(g, Activation::relu, half(v[0])))));
      });
  row("convolution, relu, pool, flatten, dense", {image, kernel, {"head", {16, 3}, Kind::parameter}},
      [same](Graph& g, Values v) {
        const Value y = max_pool(g, activate(g, Activation::relu, conv2d(g, v[0], v[1], {}, same)), {});
        return dense(g, flatten(g, y), v[2]);
      });
  row("two losses added", {x, w, b, {"labels", {5}, Kind::indices, 0, 3}, {"aim", {5, 4}, Kind::feed}},
      [](Graph& g, Values v) {
        const Value y = dense(g, v[0], v[1], v[2]);
        return add(g, softmax_cross_entropy(g, y, v[3]), scale(g, mean_squared_error(g, y, v[4]), real(0.3)));
      });
  row("both directions",
      {{"x", {3, 4, 2}},
       {"wi", {2, 12}, Kind::parameter},
       {"wh", {3, 12}, Kind::parameter},
       {"bi", {12}, Kind::parameter},
       {"bh", {12}, Kind::parameter},
       {"n", {3}, Kind::indices, 1, 4}},
      [](Graph& g, Values v) {
        const RecurrentWeights cell{v[1], v[2], v[3], v[4]};
        const Value pair[] = {lstm(g, v[0], cell, {false, v[5]}), lstm(g, v[0], cell, {true, v[5]})};
        return concatenate(g, pair, 2);
      });
  row("two layers, last step",
      {{"x", {3, 4, 3}},
       {"wi", {3, 9}, Kind::parameter},
       {"wh", {3, 9}, Kind::parameter},
       {"bi", {9}, Kind::parameter},
       {"bh", {9}, Kind::parameter},
       {"n", {3}, Kind::indices, 1, 4}},
      [](Graph& g, Values v) {
        const RecurrentWeights cell{v[1], v[2], v[3], v[4]};
        return last_step(g, gru(g, gru(g, v[0], cell, {false, v[5]}), cell, {false, v[5]}), v[5]);
      });
  row("embedding, max over time",
      {{"tokens", {4, 6}, Kind::indices, 0, 4}, {"table", {5, 4}, Kind::parameter}, w},
      [](Graph& g, Values v) { return max_over_time(g, dense(g, embedding(g, v[0], v[1]), v[2])); });
  row("slices of a reshaped value", {x, w}, [](Graph& g, Values v) {
    const Value y = reshape(g, dense(g, v[0], v[1]), Shape{5, 2, 2});
    return multiply(g, slice(g, y, 1, 0, 1), slice(g, y, 1, 1, 2));
  });
  row("view of a weight", {x, {"w", {2, 8}, Kind::parameter}}, [](Graph& g, Values v) {
    return dense(g, v[0], reshape(g, v[1], Shape{4, 4}));
  });
  add_recurrent_steps(rows);
}

}  // namespace firn::test
