// Kernels on named sizes, one thread, the instruction set in force: GFLOP/s by formula.
#include <benchmark/benchmark.h>

#include <string>

#include "bench/problems.h"
#include "engine/base/rng.h"
#include "engine/kernels/kernels.h"
#include "engine/tensor/tensor.h"

namespace {

using namespace firn;

Tensor random(Index count, const char* name) {
  Tensor tensor(Shape{std::max<Index>(1, count)});
  Random numbers(1, name);
  for (real& value : tensor.values()) value = static_cast<real>(numbers.uniform(-1, 1));
  return tensor;
}

void report(benchmark::State& state, double macs) {
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * macs, benchmark::Counter::kIsIterationInvariantRate);
}

void dense(benchmark::State& state, const problems::DenseProblem& p) {
  const GemmKernels& gemm = kernels().gemm;
  const Tensor a = random(p.m * p.k, "a");
  const Tensor b = random(p.k * p.n, "b");
  Tensor packed(Shape{gemm.packed_count(p.k, p.n)});
  Tensor c(Shape{p.m * p.n});
  gemm.pack(p.k, p.n, b.data(), p.n, packed.data());
  Gemm call;
  call.m = p.m;
  call.n = p.n;
  call.k = p.k;
  call.a = a.data();
  call.ams = p.k;
  call.b = packed.data();
  call.c = c.data();
  call.ldc = p.n;
  for (auto _ : state) {
    gemm.product(call);
    benchmark::ClobberMemory();
  }
  report(state, static_cast<double>(p.m * p.n * p.k));
}

enum class ConvPass { forward, dx, dw };

void convolution(benchmark::State& state, const problems::ConvProblem& p, ConvPass pass) {
  const ConvKernels& conv = kernels().conv;
  const ConvGeometry& g = p.geometry;
  Tensor x = random(p.batch * g.h * g.w * g.c, "x");
  Tensor y = random(p.batch * g.oh * g.ow * g.oc, "y");
  Tensor weight = random(g.weight_count(), "weight");
  Tensor packed(Shape{conv.packed_count(g)});
  Tensor packed_dx(Shape{conv.packed_dx_count(g)});
  conv.pack(g, weight.data(), packed.data());
  conv.pack_dx(g, weight.data(), packed_dx.data());
  const Index scratch_count = std::max(
      {conv.forward_scratch(g, p.batch), conv.dx_scratch(g, p.batch), conv.dw_scratch(g, p.batch), Index{1}});
  Tensor scratch(Shape{scratch_count});
  for (auto _ : state) {
    switch (pass) {
      case ConvPass::forward:
        conv.forward(g, p.batch, x.data(), packed.data(), {}, y.data(), scratch.data());
        break;
      case ConvPass::dx:
        conv.dx(g, p.batch, y.data(), packed_dx.data(), x.data(), scratch.data());
        break;
      case ConvPass::dw:
        conv.dw(g, p.batch, x.data(), y.data(), weight.data(), false, 0, conv.dw_units(g), scratch.data());
        break;
    }
    benchmark::ClobberMemory();
  }
  report(state, static_cast<double>(g.macs() * p.batch));
}

void lstm(benchmark::State& state, const problems::RecurrentProblem& p, bool backward) {
  const RecurrentKernels& recurrent = kernels().recurrent;
  const RecurrentGeometry g{p.steps, p.units, false};
  const Index rows = p.batch * p.steps;
  const Tensor pre = random(rows * 4 * p.units, "pre");
  const Tensor weight = random(4 * p.units * p.units, "weight");
  const Tensor dhidden = random(rows * p.units, "dhidden");
  Tensor packed(Shape{recurrent.packed_count(4, p.units)});
  Tensor transposed(Shape{recurrent.packed_transposed_count(4, p.units)});
  recurrent.pack(4, p.units, weight.data(), packed.data());
  recurrent.pack_transposed(4, p.units, weight.data(), transposed.data());
  Tensor hidden(Shape{rows * p.units});
  Tensor gates(Shape{rows * 4 * p.units});
  Tensor cell(Shape{rows * p.units});
  Tensor dpre(Shape{rows * 4 * p.units});
  Tensor scratch(Shape{std::max<Index>(1, recurrent.lstm_scratch(g, p.batch))});
  recurrent.lstm_forward(g, p.batch, nullptr, pre.data(), packed.data(), hidden.data(), gates.data(),
                         cell.data(), scratch.data());
  for (auto _ : state) {
    if (backward) {
      recurrent.lstm_backward(g, p.batch, nullptr, dhidden.data(), gates.data(), cell.data(),
                              transposed.data(), dpre.data(), scratch.data());
    } else {
      recurrent.lstm_forward(g, p.batch, nullptr, pre.data(), packed.data(), hidden.data(), gates.data(),
                             cell.data(), scratch.data());
    }
    benchmark::ClobberMemory();
  }
  report(state, static_cast<double>(rows * 4 * p.units * p.units));
}

void elements(benchmark::State& state, Activation activation) {
  const Tensor x = random(1 << 16, "x");
  Tensor y(x.shape());
  for (auto _ : state) {
    kernels().elementwise.activate(activation, real(0.01), x.count(), x.data(), y.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * 2 * x.bytes());
}

void pooling(benchmark::State& state) {
  PoolGeometry g;
  g.h = g.w = 28;
  g.c = 32;
  g.kh = g.kw = g.stride_h = g.stride_w = 2;
  g.oh = g.ow = 14;
  const Tensor x = random(64 * g.h * g.w * g.c, "x");
  Tensor y(Shape{64 * g.oh * g.ow * g.c});
  Tensor position(y.shape(), Type::byte);
  for (auto _ : state) {
    kernels().pool.max_forward(g, 64, x.data(), y.data(), static_cast<std::uint8_t*>(position.raw()));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * x.bytes());
}

void norm_moments(benchmark::State& state) {
  const Tensor x = random(16384 * 64, "x");
  Tensor mean(Shape{64});
  Tensor m2(Shape{64});
  for (auto _ : state) {
    kernels().norm.moments(16384, 64, x.data(), mean.data(), m2.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * x.bytes());
}

void softmax_rows(benchmark::State& state) {
  const Tensor x = random(1024 * 64, "x");
  Tensor y(x.shape());
  for (auto _ : state) {
    kernels().norm.softmax(1024, 64, x.data(), y.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * 2 * x.bytes());
}

void adam_update(benchmark::State& state) {
  const Index count = 1 << 18;
  const Tensor gradient = random(count, "gradient");
  Tensor value = random(count, "value");
  Tensor first(Shape{count});
  Tensor second(Shape{count});
  AdamRule rule;
  rule.rate = real(1e-3);
  rule.beta1 = real(0.9);
  rule.beta2 = real(0.999);
  rule.epsilon = real(1e-8);
  for (auto _ : state) {
    kernels().update.adam(rule, count, gradient.data(), value.data(), first.data(), second.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * 7 * gradient.bytes());
}

void add_all() {
  using benchmark::RegisterBenchmark;
  for (const auto& p : problems::kDense) {
    RegisterBenchmark((std::string("dense/") + p.name).c_str(), [&p](benchmark::State& s) { dense(s, p); });
  }
  for (const auto& p : problems::kConv) {
    const std::string name = std::string("/") + p.name;
    RegisterBenchmark(("conv2d" + name).c_str(),
                      [&p](benchmark::State& s) { convolution(s, p, ConvPass::forward); });
    RegisterBenchmark(("conv2d_dx" + name).c_str(),
                      [&p](benchmark::State& s) { convolution(s, p, ConvPass::dx); });
    RegisterBenchmark(("conv2d_dw" + name).c_str(),
                      [&p](benchmark::State& s) { convolution(s, p, ConvPass::dw); });
  }
  for (const auto& p : problems::kRecurrent) {
    const std::string name = std::string("/") + p.name;
    RegisterBenchmark(("lstm_forward" + name).c_str(), [&p](benchmark::State& s) { lstm(s, p, false); });
    RegisterBenchmark(("lstm_backward" + name).c_str(), [&p](benchmark::State& s) { lstm(s, p, true); });
  }
  RegisterBenchmark("relu/65536", [](benchmark::State& s) { elements(s, Activation::relu); });
  RegisterBenchmark("gelu/65536", [](benchmark::State& s) { elements(s, Activation::gelu); });
  RegisterBenchmark("tanh/65536", [](benchmark::State& s) { elements(s, Activation::tanh); });
  RegisterBenchmark("max_pool/28x28x32 batch 64", pooling);
  RegisterBenchmark("moments/16384x64", norm_moments);
  RegisterBenchmark("softmax/1024x64", softmax_rows);
  RegisterBenchmark("adam/262144", adam_update);
}

}  // namespace

int main(int argc, char** argv) {
  add_all();
  benchmark::AddCustomContext("isa", std::string(firn::isa_name(firn::selected_isa())));
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
