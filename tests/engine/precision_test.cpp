// Training in bf16: what is rounded, what it computes, how much memory it takes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "engine/base/parallel.h"
#include "engine/base/rng.h"
#include "engine/kernels/kernels.h"
#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/dense.h"
#include "engine/ops/loss.h"
#include "engine/ops/pool.h"
#include "engine/ops/rearrange.h"
#include "engine/ops/recurrent.h"
#include "engine/ops/reduce.h"
#include "engine/program/program.h"
#include "tests/engine/isa.h"
#include "tests/errors.h"

using namespace firn;

namespace {

ParameterPtr weight(const char* name, Shape shape, int range) {
  Tensor values(shape);
  Random random(7, name);
  for (real& x : values.values()) {
    x = range > 0 ? static_cast<real>(
                        static_cast<int>(random.below(static_cast<std::uint32_t>(2 * range + 1))) - range)
                  : static_cast<real>(random.normal() * 0.2);
  }
  return std::make_shared<Parameter>(name, values, Role::weight);
}

Tensor rounded(Tensor x) {
  kernels(Isa::naive).bf16.round(x.count(), x.data(), x.data());
  return x;
}

bool same_bits(const real* a, const real* b, Index count) {
  return std::memcmp(a, b, static_cast<std::size_t>(count) * sizeof(real)) == 0;
}

constexpr Index kBatch = 5, kSize = 6, kChannels = 7, kOut = 3;

/// conv a, relu, conv b, relu, max pooling, dense head; the loss is the sum of y * t. With small integers
/// every sum is exact, also where it is no bf16.
struct WholeNumbers {
  ParameterPtr a = weight("a", {3, 3, 2, kChannels}, 5), b = weight("b", {3, 3, kChannels, kChannels}, 5),
               head = weight("head", {kSize / 2 * (kSize / 2) * kChannels, kOut}, 5);
  Tensor x = weight("x", {kBatch, kSize, kSize, 2}, 5)->value().clone(),
         t = weight("t", {kBatch, kOut}, 300)->value().clone();

  std::unique_ptr<Program> program(DType precision) const {
    auto graph = std::make_unique<Graph>(Graph::Options{.types = {.all = precision}});
    const Conv2dOptions same{.pad_h = 1, .pad_w = 1, .winograd = 0};
    Value y = graph->feed("x", x.shape());
    for (const ParameterPtr& w : {a, b})
      y = activate(*graph, Activation::relu, conv2d(*graph, y, graph->parameter(w), {}, same));
    y = max_pool(*graph, y, {.kernel_h = 2, .kernel_w = 2});
    y = dense(*graph, reshape(*graph, y, Shape{kBatch, head->shape()[0]}), graph->parameter(head));
    graph->output("y", y);
    const Value loss = sum(*graph, multiply(*graph, y, graph->feed("t", t.shape())));
    auto program = Program::training(std::move(graph), loss);
    program->feed("x", x);
    program->feed("t", t);
    return program;
  }
};

ConvGeometry geometry(Index c) {
  ConvGeometry g;
  g.h = g.w = g.oh = g.ow = kSize;
  g.c = c;
  g.oc = kChannels;
  g.kh = g.kw = 3;
  g.pad_h = g.pad_w = 1;
  return g;
}

/// The net by its definition, with the plain loops: operands of products are rounded, and what is handed on.
struct ByHand {
  explicit ByHand(const WholeNumbers& net) {
    const ConvKernels& conv = kernels(Isa::naive).conv;
    const PoolKernels& pool = kernels(Isa::naive).pool;
    const Tensor x = rounded(net.x.clone()), wa = rounded(net.a->value().clone()),
                 wb = rounded(net.b->value().clone()), wh = rounded(net.head->value().clone()),
                 dy = rounded(net.t.clone());
    const Shape image{kBatch, kSize, kSize, kChannels};
    const ConvGeometry ga = geometry(2), gb = geometry(kChannels);
    PoolGeometry window;
    window.h = window.w = kSize;
    window.c = kChannels;
    window.kh = window.kw = window.stride_h = window.stride_w = 2;
    window.oh = window.ow = kSize / 2;

    Tensor u(image), v(image), p(Shape{kBatch, kSize / 2, kSize / 2, kChannels});
    std::vector<std::uint8_t> position(static_cast<std::size_t>(p.count()));
    Epilogue relu;
    relu.activation = Activation::relu;
    std::vector<real> packed(static_cast<std::size_t>(conv.packed_count(gb) + conv.packed_dx_count(gb)));
    conv.pack(ga, wa.data(), packed.data());
    conv.forward(ga, kBatch, x.data(), packed.data(), relu, u.data(), nullptr);
    u = rounded(u);
    conv.pack(gb, wb.data(), packed.data());
    conv.forward(gb, kBatch, u.data(), packed.data(), relu, v.data(), nullptr);
    v = rounded(v);
    pool.max_forward(window, kBatch, v.data(), p.data(), position.data());
    const Index depth = wh.shape()[0];
    y = Tensor(Shape{kBatch, kOut});
    dhead = Tensor(wh.shape());
    Tensor dp(p.shape());
    for (Index n = 0; n < kBatch; ++n) {
      for (Index k = 0; k < depth; ++k) {
        for (Index o = 0; o < kOut; ++o) {
          y.data()[n * kOut + o] += p.data()[n * depth + k] * wh.data()[k * kOut + o];
          dhead.data()[k * kOut + o] += p.data()[n * depth + k] * dy.data()[n * kOut + o];
          dp.data()[n * depth + k] += dy.data()[n * kOut + o] * wh.data()[k * kOut + o];
        }
      }
    }
    dp = rounded(dp);
    Tensor dv(image), du(image);
    pool.max_gradient(window, kBatch, dp.data(), position.data(), dv.data());
    gate(v, dv);
    db = Tensor(wb.shape());
    conv.dw(gb, kBatch, u.data(), dv.data(), db.data(), false, 0, conv.dw_units(gb), nullptr);
    conv.pack_dx(gb, wb.data(), packed.data());
    conv.dx(gb, kBatch, dv.data(), packed.data(), du.data(), nullptr);
    du = rounded(du);
    gate(u, du);
    da = Tensor(wa.shape());
    conv.dw(ga, kBatch, x.data(), du.data(), da.data(), false, 0, conv.dw_units(ga), nullptr);
  }
  static void gate(const Tensor& kept, Tensor& d) {
    for (Index i = 0; i < d.count(); ++i) d.data()[i] = kept.data()[i] > 0 ? d.data()[i] : 0;
    d = rounded(d);
  }

  Tensor y, da, db, dhead;
};

/// Convolutions with batch norms, one of them past a shortcut, a pooling, a dense head with a bias.
struct Residual {
  static constexpr Index kWidth = 16;
  ParameterPtr first = weight("first", {3, 3, 3, kWidth}, 0),
               second = weight("second", {3, 3, kWidth, kWidth}, 0),
               strided = weight("strided", {3, 3, kWidth, 24}, 0), head = weight("head", {24, 10}, 0),
               bias = weight("bias", {10}, 0);
  std::vector<ParameterPtr> norms;
  Tensor x = weight("x", {24, 12, 12, 3}, 0)->value().clone(), labels{Shape{24}, DType::int32};

  Residual() {
    for (const Index c : {kWidth, kWidth, Index{24}}) {
      norms.push_back(weight("gamma", {c}, 0));
      norms.back()->mutable_value().fill(real(1.25));
      norms.push_back(weight("beta", {c}, 0));
    }
    for (Index i = 0; i < labels.count(); ++i) labels.indices()[i] = static_cast<std::int32_t>(i % 10);
  }
  std::unique_ptr<Program> program(DType precision, ProgramOptions options = {}) const {
    auto graph = std::make_unique<Graph>(Graph::Options{.types = {.all = precision}});
    const Conv2dOptions same{.pad_h = 1, .pad_w = 1},
        half{.stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1};
    const auto norm = [&](Value v, std::size_t i) {
      return batch_norm_train(*graph, v, graph->parameter(norms[2 * i]), graph->parameter(norms[2 * i + 1]),
                              {}, {}, real(1e-5), real(0.1));
    };
    const auto relu = [&](Value v) { return activate(*graph, Activation::relu, v); };
    const Value x0 = graph->feed("x", x.shape());
    const Value u = relu(norm(conv2d(*graph, x0, graph->parameter(first), {}, same), 0));
    const Value v = relu(add(*graph, norm(conv2d(*graph, u, graph->parameter(second), {}, same), 1), u));
    const Value w = relu(norm(conv2d(*graph, v, graph->parameter(strided), {}, half), 2));
    const Value z =
        dense(*graph, global_average_pool(*graph, w), graph->parameter(head), graph->parameter(bias));
    graph->output("y", z);
    const Value loss = softmax_cross_entropy(*graph, z, graph->feed("labels", labels.shape(), DType::int32));
    graph->output("loss", loss);
    auto made = Program::training(std::move(graph), loss, std::move(options));
    made->feed("x", x);
    made->feed("labels", labels);
    return made;
  }
};

/// An LSTM, a GRU behind it, the last step, a dense head.
struct Recurrent {
  static constexpr Index kSequences = 19, kSteps = 6, kInputs = 20, kFirst = 33, kSecond = 18;
  std::vector<ParameterPtr> cells;
  ParameterPtr head = weight("head", {kSecond, 10}, 0);
  Tensor x = weight("x", {kSequences, kSteps, kInputs}, 0)->value().clone(),
         labels{Shape{kSequences}, DType::int32};

  Recurrent() {
    const auto add = [&](Index in, Index units, Index gates) {
      for (const Shape& shape : {Shape{in, gates * units}, Shape{units, gates * units}, Shape{gates * units},
                                 Shape{gates * units}})
        cells.push_back(weight(("cell" + std::to_string(cells.size())).c_str(), shape, 0));
    };
    add(kInputs, kFirst, 4);
    add(kFirst, kSecond, 3);
    for (Index i = 0; i < labels.count(); ++i) labels.indices()[i] = static_cast<std::int32_t>(i % 10);
  }
  std::unique_ptr<Program> program(DType precision, ProgramOptions options = {}) const {
    auto graph = std::make_unique<Graph>(Graph::Options{.types = {.all = precision}});
    const auto weights = [&](std::size_t first) {
      const auto value = [&](std::size_t i) { return graph->parameter(cells[first + i]); };
      return RecurrentWeights{value(0), value(1), value(2), value(3)};
    };
    Value y = lstm(*graph, graph->feed("x", x.shape()), weights(0));
    y = gru(*graph, y, weights(4), {.reverse = true});
    y = dense(*graph, last_step(*graph, y, {}, true), graph->parameter(head));
    const Value loss = softmax_cross_entropy(*graph, y, graph->feed("labels", labels.shape(), DType::int32));
    graph->output("loss", loss);
    auto made = Program::training(std::move(graph), loss, std::move(options));
    made->feed("x", x);
    made->feed("labels", labels);
    return made;
  }
};

/// Steps whose listing says that tiles make their products.
int steps_by_tiles(const Program& program, const std::string& kind) {
  int n = 0;
  for (const Step& step : program.plan().steps) {
    const bool tiles = step.node->op()->detail().find("tiles") != std::string::npos;
    n += tiles && step.node->kind() == kind ? 1 : 0;
  }
  return n;
}

std::vector<real> all_gradients(const Program& program) {
  std::vector<real> all;
  for (const GradientView& view : program.gradients())
    all.insert(all.end(), view.data, view.data + view.count);
  return all;
}

double distance(const GradientView& a, const GradientView& b) {
  double sum = 0;
  for (Index k = 0; k < a.count; ++k) {
    const auto difference = static_cast<double>(a.data[k] - b.data[k]);
    sum += difference * difference;
  }
  return std::sqrt(sum);
}

int narrow_values(const Program& program) {
  int n = 0;
  for (const Step& step : program.plan().steps) n += step.node->outputs()[0].type == DType::bf16 ? 1 : 0;
  return n;
}

}  // namespace

TEST_CASE("forward pass, input and weight gradients in bf16 are what their definition says, to the bit") {
  if (!test::isa_in_force()) return;
  const WholeNumbers net;
  const auto program = net.program(DType::bf16);
  program->run();
  const ByHand want(net);
  const Tensor y = program->output("y");
  CHECK(same_bits(y.data(), want.y.data(), y.count()));
  REQUIRE(program->gradients().size() == 3);
  const Tensor* gradients[] = {&want.da, &want.db, &want.dhead};
  for (std::size_t i = 0; i < 3; ++i) {
    const GradientView& got = program->gradients()[i];
    REQUIRE(got.count == gradients[i]->count());
    CHECK(same_bits(got.data, gradients[i]->data(), got.count));
  }
  // Both convolutions, the pooling, what they hand back, and dy.
  CHECK(narrow_values(*program) >= 6);

  const auto full = net.program(DType::number);
  full->run();
  CHECK(narrow_values(*full) == 0);
  for (std::size_t i = 0; i < 3; ++i)  // integers beyond 256 were rounded
    CHECK(!same_bits(full->gradients()[i].data, gradients[i]->data(), gradients[i]->count()));
}

TEST_CASE("batch norms, shortcuts and losses: near fp32, sums and losses in fp32, less memory") {
  if (!test::isa_in_force()) return;
  const Residual net, rough;
  // What rounding the samples and the weights alone does in fp32 is the yardstick: gradients of random nets
  // cancel.
  for (const ParameterPtr& w : {rough.first, rough.second, rough.strided, rough.head})
    w->mutable_value() = rounded(w->value().clone());
  const auto low = net.program(DType::bf16), full = net.program(DType::number);
  const auto yardstick = rough.program(DType::number);
  const Tensor x = rounded(rough.x.clone());
  yardstick->feed("x", x);
  low->run();
  full->run();
  yardstick->run();
  CHECK(low->output("loss").data()[0] == doctest::Approx(full->output("loss").data()[0]).epsilon(0.02));
  REQUIRE(low->gradients().size() == full->gradients().size());
  for (std::size_t i = 0; i < low->gradients().size(); ++i) {
    const GradientView &a = low->gradients()[i], &b = full->gradients()[i];
    const double apart = distance(a, b), usual = distance(yardstick->gradients()[i], b);
    CHECK(usual > 0);
    CHECK_MESSAGE(apart <= 5 * usual, a.parameter->name());
    CHECK_MESSAGE(apart > 0, a.parameter->name());
  }
  for (const Step& step : low->plan().steps) {
    if (step.node->kind() == "softmax_cross_entropy")
      CHECK(step.node->inputs()[0].spec().type == DType::number);
    if (step.node->outputs()[0].axis != Axis::batch) CHECK(step.node->outputs()[0].type == DType::number);
  }
  CHECK(static_cast<double>(low->plan().shared_bytes) <
        0.75 * static_cast<double>(full->plan().shared_bytes));
}

TEST_CASE("bf16: the same bits on any number of threads, from the same program again") {
  if (!test::isa_in_force()) return;
  const Residual net;
  const int before = thread_count();
  std::vector<real> first;
  for (const int threads : {1, 2, 3, 7}) {
    set_thread_count(threads);
    const auto program = net.program(DType::bf16, {.every_thread = true});
    program->run();
    program->run();
    const std::vector<real> all = all_gradients(*program);
    if (first.empty()) first = all;
    CHECK(all == first);
  }
  set_thread_count(before);
}

TEST_CASE("bf16: recurrent cells near fp32, their products by tiles where these are in force, any threads") {
  if (!test::isa_in_force()) return;
  const Recurrent net;
  const auto low = net.program(DType::bf16), full = net.program(DType::number);
  low->run();
  full->run();
  CHECK(low->output("loss").data()[0] == doctest::Approx(full->output("loss").data()[0]).epsilon(0.01));
  REQUIRE(low->gradients().size() == full->gradients().size());
  for (std::size_t i = 0; i < low->gradients().size(); ++i) {
    const GradientView &a = low->gradients()[i], &b = full->gradients()[i];
    double norm = 0;
    for (Index k = 0; k < b.count; ++k)
      norm += static_cast<double>(b.data[k]) * static_cast<double>(b.data[k]);
    CHECK_MESSAGE(distance(a, b) <= 0.03 * std::sqrt(norm), a.parameter->name());
    CHECK_MESSAGE(distance(a, b) > 0, a.parameter->name());
  }
  if (bf16_products() == Bf16Products::by_tiles) {
    for (const char* kind : {"lstm", "lstm_backward", "gru", "gru_backward"})
      CHECK(steps_by_tiles(*low, kind) == 1);
    CHECK(steps_by_tiles(*low, "recurrent_dw") == 2);
    CHECK(steps_by_tiles(*low, "dense") == 3);
  }
  CHECK(steps_by_tiles(*full, "lstm") == 0);
  const int before = thread_count();
  for (const int threads : {1, 2, 3, 7}) {
    set_thread_count(threads);
    const auto again = net.program(DType::bf16, {.every_thread = true});
    again->run();
    CHECK(all_gradients(*again) == all_gradients(*low));
  }
  set_thread_count(before);
}

TEST_CASE("bf16: not fused it is near what it is fused") {
  if (!test::isa_in_force()) return;
  const Residual net;
  const auto fused = net.program(DType::bf16), plain = net.program(DType::bf16, {.fuse = false});
  fused->run();
  plain->run();
  CHECK(plain->output("loss").data()[0] == doctest::Approx(fused->output("loss").data()[0]).epsilon(0.02));
}

TEST_CASE("bf16 and exact exclude each other, in all of a graph too") {
  CHECK(test::fails_with(Fault::usage, "bf16",
                         [] { Graph graph(Graph::Options{.exact = true, .types = {.all = DType::bf16}}); }));
}
