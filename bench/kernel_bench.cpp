// Every kernel on the named sizes under Google Benchmark: one thread, the instruction set in force.
#include <benchmark/benchmark.h>

#include <vector>

#include "bench/problem_cases.h"
#include "engine/kernels/bf16_rate.h"

namespace {

using namespace firn;

void measure(benchmark::State& state, const problems::KernelCase& item) {
  const auto call = item.prepare(kernels());
  for (auto _ : state) {
    call();
    benchmark::ClobberMemory();
  }
  if (item.macs > 0) {
    state.counters["GFLOP/s"] =
        benchmark::Counter(2e-9 * item.macs, benchmark::Counter::kIsIterationInvariantRate);
  } else {
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(item.bytes));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<problems::KernelCase> cases = problems::kernel_cases();
  for (const problems::KernelCase& item : cases) {
    benchmark::RegisterBenchmark((item.kernel + "/" + item.size).c_str(),
                                 [&item](benchmark::State& state) { measure(state, item); });
  }
  benchmark::AddCustomContext("isa", std::string(isa_name(selected_isa())));
  benchmark::AddCustomContext("bf16", bf16_reason());
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
