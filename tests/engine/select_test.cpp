// How nodes are computed: builders say what, the select pass how, a program with which kernels.
#include <doctest/doctest.h>

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "engine/base/rng.h"
#include "engine/kernels/kernels.h"
#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/conv2d_ops.h"
#include "engine/ops/dense.h"
#include "engine/ops/pool.h"
#include "engine/ops/rearrange.h"
#include "engine/ops/reduce.h"
#include "engine/program/program.h"
#include "tests/errors.h"

using namespace firn;

namespace {

ParameterPtr whole_numbers(const char* name, Shape shape) {
  Tensor values(shape);
  Random random(1, name);
  for (real& x : values.values()) x = static_cast<real>(static_cast<int>(random.below(5)) - 2);
  return std::make_shared<Parameter>(name, values, Role::weight);
}

/// Two convolutions, a pooling and a dense layer, with integers so small that all sums are exact.
struct Net {
  ParameterPtr x = whole_numbers("x", {6, 8, 8, 3}), first = whole_numbers("first", {3, 3, 3, 17}),
               second = whole_numbers("second", {3, 3, 17, 9}), head = whole_numbers("head", {144, 5});

  Value output(Graph& graph) const {
    const Conv2dOptions same{.pad_h = 1, .pad_w = 1};
    Value y = graph.feed("x", x->shape());
    y = activate(graph, Activation::relu, conv2d(graph, y, graph.parameter(first), {}, same));
    y = max_pool(graph, conv2d(graph, y, graph.parameter(second), {}, same), {});
    y = reshape(graph, y, Shape{6, 144});
    return dense(graph, y, graph.parameter(head));
  }
  std::unique_ptr<Program> program(const Kernels* kernels) const {
    auto graph = std::make_unique<Graph>(Graph::Options{.exact = true});
    const Value y = output(*graph);
    graph->output("y", y);
    const Value loss = mean(*graph, multiply(*graph, y, y));
    auto program = Program::training(std::move(graph), loss, {.kernels = kernels});
    program->feed("x", x->value());
    return program;
  }
};

int count(const Program& program, const std::string& kind) {
  int n = 0;
  for (const std::vector<Step>* steps : {&program.plan().steps, &program.plan().once})
    for (const Step& step : *steps) n += step.node->kind() == kind ? 1 : 0;
  return n;
}

}  // namespace

TEST_CASE("builders add the mathematics alone") {
  Graph graph;
  const Net net;
  net.output(graph);
  std::vector<std::string> kinds;
  for (const auto& node : graph.nodes()) kinds.push_back(node->kind());
  CHECK(kinds == std::vector<std::string>{"feed", "parameter", "conv2d", "relu", "parameter", "conv2d",
                                          "max_pool", "reshape", "parameter", "dense"});
  CHECK(graph.nodes()[2]->inputs().size() == 2);
}

TEST_CASE("every instruction set of this processor in one process, with the same numbers") {
  const Net net;
  const auto want = net.program(&kernels(Isa::naive));
  want->run();
  int sets = 0;
  for (const Isa isa : kIsas) {
    if (!isa_available(isa)) continue;
    const auto program = net.program(&kernels(isa));
    CHECK(program->kernels().isa == isa);
    program->run();
    ++sets;
    const Tensor y = program->output("y"), wanted = want->output("y");
    CHECK(std::equal(y.values().begin(), y.values().end(), wanted.values().begin()));
    REQUIRE(program->gradients().size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      const GradientView &got = program->gradients()[i], &exact = want->gradients()[i];
      REQUIRE(got.count == exact.count);
      double apart = 0, greatest = 0;
      for (Index k = 0; k < got.count; ++k) {
        apart = std::max(apart, static_cast<double>(std::abs(got.data[k] - exact.data[k])));
        greatest = std::max(greatest, static_cast<double>(std::abs(exact.data[k])));
      }
      CHECK(greatest > 0);
      CHECK(apart <= 1e-5 * greatest);
    }
  }
  CHECK(sets >= 2);
  CHECK(&net.program(nullptr)->kernels() == &kernels());
}

TEST_CASE("what is chosen stands in the plan, and nothing abstract is left") {
  const Net net;
  const auto program = net.program(nullptr);
  CHECK(count(*program, "conv2d") == 2);
  CHECK(count(*program, "pack") >= 2);
  CHECK(count(*program, "conv2d_dx") == 1);
  CHECK(count(*program, "pack_dx") == 1);
  CHECK(count(*program, "conv2d_dw") == 2);
  for (const Step& step : program->plan().steps)
    CHECK(dynamic_cast<const Abstract*>(step.node->op()) == nullptr);
}

TEST_CASE("one implementation fits every convolution, whatever is asked for") {
  for (const bool exact : {false, true}) {
    for (const std::optional<Index> tile : {std::optional<Index>{}, std::optional<Index>{0},
                                            std::optional<Index>{2}, std::optional<Index>{4}}) {
      auto graph = std::make_unique<Graph>(Graph::Options{.mode = Mode::infer, .exact = exact});
      const auto weight = whole_numbers("w", {3, 3, 2, 2});
      graph->output("y", conv2d(*graph, graph->feed("x", Shape{1, 5, 5, 2}), graph->parameter(weight), {},
                                {.winograd = tile}));
      const auto program = Program::inference(std::move(graph));
      REQUIRE(program->plan().steps.size() == 1);
      const std::string detail = program->plan().steps[0].node->op()->detail();
      const bool tiles = !exact && tile.value_or(0) > 0;
      CHECK(detail == (tiles ? fmt::format("3x3 2->2 F({}x{})", *tile, *tile) : "3x3 2->2"));
    }
  }
}

TEST_CASE("attributes are read back by name and kind") {
  Graph graph;
  const auto weight = whole_numbers("w", {3, 5, 2, 4});
  const Value y = conv2d(graph, graph.feed("x", Shape{1, 9, 9, 2}), graph.parameter(weight), {},
                         {.stride_h = 2, .stride_w = 2, .pad_h = 1});
  const Attributes attributes = y.node->op()->attributes();
  CHECK(attributes.get<std::vector<Index>>("kernel") == std::vector<Index>{3, 5});
  CHECK(attributes.get<std::vector<Index>>("channels") == std::vector<Index>{2, 4});
  CHECK(attributes.get<Index>("groups") == 1);
  CHECK(attributes.detail() == "3x5 2->4 stride 2 pad 1");
  CHECK(attributes.list()[2].value_text() == "2,2");
  CHECK(attributes.find("colour") == nullptr);
  CHECK(test::fails_with(Fault::usage, "colour", [&] { attributes.get<Index>("colour"); }));
  CHECK(test::fails_with(Fault::usage, "groups", [&] { attributes.get<bool>("groups"); }));
}

TEST_CASE("values stay valid when something is prepared before their node") {
  Graph graph;
  const Value x = graph.feed("x", Shape{2, 3});
  graph.set_label("layer");
  const Value y = activate(graph, Activation::relu, x);
  const Value z = activate(graph, Activation::tanh, y);
  graph.set_label("");
  const Value before = graph.add_before(*z.node, y.node->shared_op(), {x});
  CHECK(before.node->id() == 2);
  CHECK(before.node->label() == "layer");
  CHECK(z.node->id() == 3);
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) CHECK(graph.nodes()[i]->index() == i);
}
