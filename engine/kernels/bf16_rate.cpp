#include "engine/kernels/bf16_rate.h"

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

/// Multiply-adds a second in registers.
double fp32_rate(const Kernels& kernels) {
  volatile real kept = 0;  // so that the loop is run
  const double seconds =
      least_seconds([&] { kept = kernels.peak.multiply_add(kRounds, real(0.999), real(0.001)); });
  return static_cast<double>(kernels.peak.chains) * kRounds / seconds;
}

double to_power_of_two(double rate) {
  return std::exp2(std::round(std::log2(rate)));
}

double measured_pair_rate(const Kernels& kernels) {
  const PairKernels& pairs = pair_kernels(kernels);
  volatile real kept = 0;
  const double seconds = least_seconds([&] { kept = pairs.multiply_add(kRounds); });
  return to_power_of_two(static_cast<double>(pairs.chains) * kRounds / seconds / fp32_rate(kernels));
}

double measured_unit_rate(const Kernels& kernels) {
  constexpr Index kUnitRounds = kRounds / 4;
  constexpr double kStep = double{kUnitRows} * double{kUnitRows} * double{kUnitDepth};
  const MatrixUnit& unit = *amx_unit();
  unit.begin();
  const double seconds = least_seconds([&] { unit.peak(kUnitRounds); });
  unit.end();
  const double rate = kStep * static_cast<double>(unit.steps * kUnitRounds) / seconds;
  return to_power_of_two(rate / fp32_rate(kernels));
}

}  // namespace

double pair_rate(const Kernels& kernels) {
  if (kernels.isa != Isa::avx512 || !has_bf16_pairs()) return 0;
  static const double rate = measured_pair_rate(kernels);
  return rate;
}

double unit_rate(const Kernels& kernels) {
  if (kernels.isa != Isa::avx512 || amx_unit() == nullptr) return 0;
  static const double rate = measured_unit_rate(kernels);
  return rate;
}

std::string bf16_reason() {
  switch (bf16_products()) {
    case Bf16Products::in_pairs:
      return "products of pairs everywhere: pinned by FIRN_ISA";
    case Bf16Products::by_tiles:
      return fmt::format("products by tiles everywhere ({}): pinned by FIRN_ISA", matrix_unit().name);
    case Bf16Products::in_fp32:
      return "rounded numbers, products in fp32: pinned by FIRN_ISA";
    case Bf16Products::where_faster:
      break;
  }
  const double unit = unit_rate(kernels()), pairs = pair_rate(kernels());
  if (unit > 1) {
    return fmt::format(
        "products by tiles (AMX), measured {:g} times as fast as fp32's, where the shape lets them beat its "
        "kernels",
        unit);
  }
  if (pairs > 1) {
    return fmt::format(
        "products of pairs (AVX512-BF16), measured {:g} times as fast as fp32's, where they beat its kernels",
        pairs);
  }
  if (pairs > 0) {
    return fmt::format(
        "rounded numbers, products in fp32: those of AVX512-BF16 are measured {:g} times as fast", pairs);
  }
  return "rounded numbers, products in fp32: the processor has neither products of pairs nor tiles";
}

}  // namespace firn
