// Where Winograd's algorithm is chosen, and what of it is left in a step.
#include <doctest/doctest.h>

#include "engine/kernels/kernels.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/loss.h"
#include "engine/ops/winograd.h"
#include "engine/program/program.h"

using namespace firn;

namespace {

ConvGeometry same3x3(Index size, Index c, Index oc) {
  ConvGeometry g;
  g.h = g.w = g.oh = g.ow = size;
  g.c = c;
  g.oc = oc;
  g.kh = g.kw = 3;
  g.pad_h = g.pad_w = 1;
  return g;
}

int count(const std::vector<Step>& steps, const std::string& kind, bool winograd) {
  int n = 0;
  for (const Step& step : steps) {
    const bool tiles = step.node->op()->detail().find("F(") != std::string::npos;
    n += step.node->kind() == kind && tiles == winograd ? 1 : 0;
  }
  return n;
}

/// Two 3x3 convolutions of 64 channels.
struct Net {
  ParameterPtr first = make("first"), second = make("second");

  static ParameterPtr make(const char* name) {
    return std::make_shared<Parameter>(name, Tensor(Shape{3, 3, 64, 64}), Role::weight);
  }
  std::unique_ptr<Program> program(Mode mode, bool exact) const {
    auto graph = std::make_unique<Graph>(Graph::Options{.mode = mode, .exact = exact});
    const Shape shape{16, 16, 16, 64};
    Value y = graph->feed("x", shape);
    for (const ParameterPtr& weight : {first, second}) {
      y = conv2d(*graph, y, graph->parameter(weight), {}, {.pad_h = 1, .pad_w = 1});
    }
    if (mode == Mode::infer) {
      graph->output("y", y);
      return Program::inference(std::move(graph));
    }
    const Value loss = mean_squared_error(*graph, y, graph->feed("target", shape));
    return Program::training(std::move(graph), loss);
  }
};

}  // namespace

TEST_CASE("the choice depends on shapes and the instruction set") {
  for (const Isa isa : {Isa::generic, Isa::neon, Isa::avx2, Isa::avx512}) {
    CHECK(winograd_tile(same3x3(32, 64, 64), isa, 0) == 4);
    CHECK(winograd_tile(same3x3(8, 256, 256), isa, 64) == 4);
    CHECK(winograd_tile(same3x3(6, 64, 64), isa, 0) == 2);  // four by four would waste more than half
    CHECK(winograd_tile(same3x3(32, 3, 64), isa, 0) == 0);
    CHECK(winograd_tile(same3x3(32, 1, 64), isa, 0) == 0);
    CHECK(winograd_tile(same3x3(4, 256, 256), isa, 0) == 4);  // transformed once
    CHECK(winograd_tile(same3x3(4, 256, 256), isa, 1) == 0);  // transformed for one small image
    CHECK(winograd_tile(same3x3(8, 256, 0), isa, 0) == 0);
    ConvGeometry other = same3x3(32, 64, 64);
    other.stride_w = 2;
    CHECK(winograd_tile(other, isa, 0) == 0);
    other = same3x3(32, 64, 64);
    other.groups = 2;
    CHECK(winograd_tile(other, isa, 0) == 0);
    other = same3x3(32, 64, 64);
    other.kw = 1;
    CHECK(winograd_tile(other, isa, 0) == 0);
  }
  CHECK(winograd_tile(same3x3(32, 64, 64), Isa::naive, 0) == 0);
}

TEST_CASE("a frozen weight is transformed once, a trainable one in each step, and none under exact") {
  const bool fast = kernels().isa != Isa::naive;
  const int some = fast ? 1 : 0;
  const Net net;
  const auto full = net.program(Mode::train, false);
  CHECK(count(full->plan().steps, "conv2d", true) == 2 * some);
  CHECK(count(full->plan().steps, "pack", true) == 2 * some);
  CHECK(count(full->plan().steps, "conv2d_dx", true) == some);
  CHECK(count(full->plan().once, "pack", true) == 0);

  net.second->set_trainable(false);  // its input gradient goes on to the first
  const auto frozen = net.program(Mode::train, false);
  CHECK(count(frozen->plan().steps, "conv2d", true) == 2 * some);
  CHECK(count(frozen->plan().steps, "pack", true) == some);
  CHECK(count(frozen->plan().once, "pack", true) == some);
  CHECK(count(frozen->plan().once, "pack_dx", true) == some);
  CHECK(count(frozen->plan().steps, "conv2d_dx", true) == some);

  const auto inference = net.program(Mode::infer, false);
  CHECK(count(inference->plan().steps, "conv2d", true) == 2 * some);
  CHECK(count(inference->plan().once, "pack", true) == 2 * some);

  for (const Mode mode : {Mode::train, Mode::infer}) {
    const auto exact = net.program(mode, true);
    CHECK(count(exact->plan().steps, "conv2d", true) == 0);
    CHECK(count(exact->plan().steps, "conv2d", false) == 2);
    CHECK(count(exact->plan().steps, "conv2d_dx", true) == 0);
    CHECK(count(exact->plan().once, "pack", true) == 0);
  }
}
