// Frozen parts in bf16: what is lowered, what it computes, and what stays as it is.
#include <doctest/doctest.h>

#include <cstring>

#include "engine/base/parallel.h"
#include "engine/base/rng.h"
#include "engine/kernels/kernels.h"
#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/dense.h"
#include "engine/ops/loss.h"
#include "engine/ops/pool.h"
#include "engine/ops/rearrange.h"
#include "engine/program/program.h"
#include "tests/engine/isa.h"
#include "tests/errors.h"

using namespace firn;

namespace {

constexpr Index kBatch = 5, kSize = 6, kOut = 3;

ParameterPtr weight(const char* name, Shape shape, std::uint64_t seed, int range) {
  Tensor values(shape);
  Random random(seed, "bf16_test");
  for (real& x : values.values()) {
    x = range > 0 ? static_cast<real>(
                        static_cast<int>(random.below(static_cast<std::uint32_t>(2 * range + 1))) - range)
                  : static_cast<real>(random.normal() * 0.3);
  }
  return std::make_shared<Parameter>(name, values, Role::weight);
}

/// conv a, relu, then a block that adds its input again: conv b, relu; max pooling; dense head. With small
/// integers (`range` > 0) every sum is exact, also where it is no bf16.
struct Net {
  explicit Net(int range, Index c = 7)
      : a(weight("a", {3, 3, 2, c}, 1, range)),
        b(weight("b", {3, 3, c, c}, 2, range)),
        head(weight("head", {kSize / 2 * (kSize / 2) * c, kOut}, 3, range)),
        x(Shape{kBatch, kSize, kSize, 2}),
        labels(Shape{kBatch}, DType::int32) {
    const ParameterPtr image = weight("x", x.shape(), 4, range);
    x = image->value().clone();
    for (Index i = 0; i < kBatch; ++i) labels.indices()[i] = static_cast<std::int32_t>(i % kOut);
  }
  void freeze(bool first, bool second, bool last) {
    a->set_trainable(!first);
    b->set_trainable(!second);
    head->set_trainable(!last);
  }

  Value features(Graph& graph) const {
    const Conv2dOptions same{.pad_h = 1, .pad_w = 1};
    const Value u = activate(graph, Activation::relu,
                             conv2d(graph, graph.feed("x", x.shape()), graph.parameter(a), {}, same));
    const Value v =
        activate(graph, Activation::relu, add(graph, conv2d(graph, u, graph.parameter(b), {}, same), u));
    const Value p = max_pool(graph, v, {.kernel_h = 2, .kernel_w = 2});
    return reshape(graph, p, Shape{kBatch, p.shape().count_from(1)});
  }
  std::unique_ptr<Program> inference(DType precision) const {
    auto graph = std::make_unique<Graph>(Graph::Options{.mode = Mode::infer, .types = {.frozen = precision}});
    graph->output("y", dense(*graph, features(*graph), graph->parameter(head), {}));
    auto program = Program::inference(std::move(graph));
    program->feed("x", x);
    return program;
  }
  std::unique_ptr<Program> training(DType precision) const {
    auto graph = std::make_unique<Graph>(Graph::Options{.types = {.frozen = precision}});
    const Value z = dense(*graph, features(*graph), graph->parameter(head), {});
    const Value loss = softmax_cross_entropy(*graph, z, graph->feed("labels", labels.shape(), DType::int32));
    auto program = Program::training(std::move(graph), loss);
    program->feed("x", x);
    program->feed("labels", labels);
    return program;
  }

  ParameterPtr a, b, head;
  Tensor x, labels;
};

Tensor rounded(const Tensor& x) {
  Tensor y(x.shape());
  kernels(Isa::naive).bf16.round(x.count(), x.data(), y.data());
  return y;
}

/// What conv b's sums are, unit by unit in double; its inputs are rounded already.
Tensor convolved(const Tensor& x, const Tensor& w) {
  Tensor y(Shape{x.shape()[0], kSize, kSize, w.shape()[3]});
  ConvGeometry g;
  g.h = g.w = g.oh = g.ow = kSize;
  g.c = w.shape()[2];
  g.oc = w.shape()[3];
  g.kh = g.kw = 3;
  g.pad_h = g.pad_w = 1;
  kernels(Isa::naive).conv.forward(g, x.shape()[0], x.data(), w.data(), {}, y.data(), nullptr);
  return y;
}

Tensor relu(Tensor x) {
  for (real& v : x.values()) v = v > 0 ? v : 0;
  return x;
}

/// The net by its definition: operands of products rounded, and what is handed on.
Tensor by_hand(const Net& net) {
  const Tensor u = rounded(relu(convolved(rounded(net.x), rounded(net.a->value()))));
  Tensor sum = convolved(u, rounded(net.b->value()));
  for (Index i = 0; i < sum.count(); ++i) sum.data()[i] += u.data()[i];
  const Tensor v = rounded(relu(sum)), w = rounded(net.head->value());
  Tensor y(Shape{kBatch, kOut});
  const Index half = kSize / 2, channels = v.shape()[3];
  for (Index n = 0; n < kBatch; ++n) {
    for (Index k = 0; k < half * half * channels; ++k) {
      const Index i = k / channels / half, j = k / channels % half, c = k % channels;
      real top = 0;
      for (const Index di : {0, 1}) {
        for (const Index dj : {0, 1}) {
          top = std::max(top, v.data()[((n * kSize + 2 * i + di) * kSize + 2 * j + dj) * channels + c]);
        }
      }
      for (Index o = 0; o < kOut; ++o) y.data()[n * kOut + o] += top * w.data()[k * kOut + o];
    }
  }
  return y;
}

bool same_bits(const real* a, const real* b, Index count) {
  return std::memcmp(a, b, static_cast<std::size_t>(count) * sizeof(real)) == 0;
}

/// Steps that write bf16.
int lowered(const Program& program) {
  int n = 0;
  for (const Step& step : program.plan().steps) n += step.node->outputs()[0].type == DType::bf16 ? 1 : 0;
  return n;
}

double bytes_moved(const Program& program) {
  double bytes = 0;
  for (const Step& step : program.plan().steps) bytes += step.node->op()->cost(*step.node).bytes;
  return bytes;
}

int with_conversions(const Program& program) {
  int n = 0;
  for (const Step& step : program.plan().steps) {
    n += step.node->op()->detail().find("bf16") != std::string::npos ||
                 step.node->op()->detail().find("fp32") != std::string::npos
             ? 1
             : 0;
  }
  return n;
}

}  // namespace

TEST_CASE("a frozen net in bf16 computes what its definition says") {
  if (!test::isa_in_force()) return;
  Net net(5);
  net.freeze(true, true, true);
  const auto low = net.inference(DType::bf16);
  low->run();
  const Tensor y = low->output("y"), want = by_hand(net);
  CHECK(same_bits(y.data(), want.data(), y.count()));
  CHECK(lowered(*low) == 3);  // both convolutions and the pooling

  const auto full = net.inference(DType::number);
  full->run();
  CHECK(!same_bits(full->output("y").data(), y.data(), y.count()));  // integers beyond 256 were rounded
  CHECK(with_conversions(*full) == 0);
  CHECK(bytes_moved(*low) < bytes_moved(*full));
}

TEST_CASE("on real numbers bf16 loses about as much as rounding does") {
  if (!test::isa_in_force()) return;
  Net net(0, 32);  // enough for Winograd's algorithm
  net.freeze(true, true, true);
  const auto low = net.inference(DType::bf16), full = net.inference(DType::number);
  low->run();
  full->run();
  const Tensor y = low->output("y"), exact = full->output("y"), want = by_hand(net);
  double error = 0, difference = 0, size = 0;
  for (Index i = 0; i < y.count(); ++i) {
    error = std::max(error, std::abs(static_cast<double>(y.data()[i] - want.data()[i])));
    difference = std::max(difference, std::abs(static_cast<double>(y.data()[i] - exact.data()[i])));
    size = std::max(size, std::abs(static_cast<double>(exact.data()[i])));
  }
  // A sum whose last bit differs may be rounded to the other neighbour, 2^-8 away, and is one of many.
  CHECK(error <= 2e-3 * size);
  CHECK(difference <= 2e-2 * size);
  CHECK(difference > 1e-5 * size);
}

TEST_CASE("the output of a frozen prefix is fp32, and the head trains on it") {
  if (!test::isa_in_force()) return;
  Net net(0);
  net.freeze(true, true, false);
  const auto step = net.training(DType::bf16);
  CHECK(lowered(*step) == 2);  // what the pooling writes is kept for the head's gradient
  step->run();

  auto graph = std::make_unique<Graph>(Graph::Options{.mode = Mode::infer, .types = {.frozen = DType::bf16}});
  graph->output("features", net.features(*graph));
  const auto prefix = Program::inference(std::move(graph));
  prefix->feed("x", net.x);
  prefix->run();
  const Tensor features = prefix->output("features");

  auto head = std::make_unique<Graph>();
  const Value z = dense(*head, head->feed("features", features.shape()), head->parameter(net.head), {});
  const Value loss = softmax_cross_entropy(*head, z, head->feed("labels", net.labels.shape(), DType::int32));
  const auto alone = Program::training(std::move(head), loss);
  alone->feed("features", features);
  alone->feed("labels", net.labels);
  alone->run();
  REQUIRE(step->gradients().size() == 1);
  CHECK(same_bits(step->gradients()[0].data, alone->gradients()[0].data, net.head->shape().count()));
}

TEST_CASE("above something that trains, and where nothing is frozen, all is fp32") {
  if (!test::isa_in_force()) return;
  for (const bool middle : {false, true}) {
    Net net(0);
    net.freeze(false, middle, middle);
    const auto low = net.training(DType::bf16), full = net.training(DType::number);
    CHECK(with_conversions(*low) == 0);
    low->run();
    full->run();
    REQUIRE(low->gradients().size() == full->gradients().size());
    for (std::size_t i = 0; i < low->gradients().size(); ++i) {
      CHECK(same_bits(low->gradients()[i].data, full->gradients()[i].data, low->gradients()[i].count));
    }
  }
}

TEST_CASE(
    "the same bits on any number of threads, and new ones when a frozen weight is given other numbers") {
  if (!test::isa_in_force()) return;
  Net net(0);
  net.freeze(true, true, true);
  const int before = thread_count();
  Tensor first;
  for (const int threads : {1, 2, 3}) {
    set_thread_count(threads);
    const auto program = net.inference(DType::bf16);
    program->run();
    const Tensor y = program->output("y");
    if (threads == 1) {
      first = y;
      net.b->mutable_value().fill(real(0.125));
      net.b->touch();
      program->run();
      CHECK(!same_bits(program->output("y").data(), first.data(), first.count()));
      net.b->mutable_value() = weight("b", net.b->shape(), 2, 0)->value().clone();
      net.b->touch();
    } else {
      CHECK(same_bits(y.data(), first.data(), y.count()));
    }
  }
  set_thread_count(before);
}

TEST_CASE("bf16 and exact exclude each other") {
  CHECK(test::fails_with(Fault::usage, "bf16", [] {
    Graph graph(Graph::Options{.exact = true, .types = {.frozen = DType::bf16}});
  }));
}
