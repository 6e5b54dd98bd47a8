#include "engine/kernels/pair_rate.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "engine/base/cpu.h"

namespace firn {

namespace {

constexpr Index kRounds = 2000;
constexpr int kTrials = 50;  // the least of them counts: others have the core now and then

template <class F>
double least_seconds(const F& call) {
  double least = 1;
  for (int i = 0; i < kTrials; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    call();
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
    least = std::min(least, spent.count());
  }
  return least;
}

double measured_rate(const Kernels& kernels) {
  const PairKernels& pairs = pair_kernels(kernels);
  volatile real kept = 0;  // so that the loops are run
  const double single =
      least_seconds([&] { kept = kernels.peak.multiply_add(kRounds, real(0.999), real(0.001)); });
  const double paired = least_seconds([&] { kept = pairs.multiply_add(kRounds); });
  const double rate =
      static_cast<double>(pairs.chains) / paired / (static_cast<double>(kernels.peak.chains) / single);
  return std::exp2(std::round(std::log2(rate)));
}

}  // namespace

double pair_rate(const Kernels& kernels) {
  if (kernels.isa != Isa::avx512 || !has_bf16_pairs()) return 0;
  static const double rate = measured_rate(kernels);
  return rate;
}

std::string bf16_reason() {
  if (bf16_products() == Bf16Products::in_pairs) return "products of pairs everywhere: pinned by FIRN_ISA";
  if (!has_bf16_pairs()) return "rounded numbers, products in fp32: the processor has no products of pairs";
  if (bf16_products() == Bf16Products::in_fp32)
    return "rounded numbers, products in fp32: pinned by FIRN_ISA";
  const double rate = pair_rate(kernels());
  return rate > 1 ? fmt::format(
                        "products of pairs (AVX512-BF16), measured {:g} times as fast as fp32's, where "
                        "they beat its kernels",
                        rate)
                  : fmt::format(
                        "rounded numbers, products in fp32: those of AVX512-BF16 are measured {:g} times "
                        "as fast",
                        rate);
}

}  // namespace firn
