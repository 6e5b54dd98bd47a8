#include "engine/kernels/bf16_rate.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "engine/base/cpu.h"
#include "engine/base/seconds.h"

namespace firn {

namespace {

constexpr Index kRounds = 2000;
constexpr int kTrials = 101;
volatile real sink = 0;  // what a loop comes to, so that it is run
std::atomic<double> told_rate = 0;

template <class F>
double timed(const F& call) {
  const double begin = seconds_now();
  call();
  return seconds_since(begin);
}

/// The rate that a measured one counts as. Pairs of Zen 4 are measured 1.4 to 1.9 times as fast as fp32's
/// products, tiles have sixteen times their number in a cycle.
double rounded_rate(double measured) {
  if (measured < 0.75) return 0.5;
  if (measured < 1.2) return 1;
  if (measured < 3) return 2;
  return measured < 6 ? 4 : 16;
}

/// How many times as fast as fp32's multiply-adds in registers `products`, of which one call makes
/// `count`, are. The two take turns, each pair gives a ratio, and the middle one
/// counts: what else has the core meanwhile slows both or spoils few pairs.
template <class F>
double measured_rate(const Kernels& kernels, double count, const F& products) {
  const double fp32_count = static_cast<double>(kernels.peak.chains) * kRounds;
  std::vector<double> ratios(kTrials);
  for (double& ratio : ratios) {
    const double fp32 = timed([&] { sink = kernels.peak.multiply_add(kRounds, real(0.999), real(0.001)); });
    ratio = count / timed(products) / (fp32_count / fp32);
  }
  const auto middle = ratios.begin() + kTrials / 2;
  std::nth_element(ratios.begin(), middle, ratios.end());
  return rounded_rate(*middle);
}

const MatrixUnit& own_unit() {
  return amx_unit() != nullptr ? *amx_unit() : *pairs_unit();
}

double measured_unit_rate(const Kernels& kernels) {
  constexpr Index kUnitRounds = kRounds / 4;
  constexpr double kStep = double{kUnitRows} * double{kUnitRows} * double{kUnitDepth};
  const MatrixUnit& unit = own_unit();
  unit.begin();
  const double rate = measured_rate(kernels, kStep * static_cast<double>(unit.steps * kUnitRounds),
                                    [&] { unit.peak(kUnitRounds); });
  unit.end();
  return rate;
}

}  // namespace

double unit_rate(const Kernels& kernels) {
  if (kernels.isa != Isa::avx512 || (amx_unit() == nullptr && pairs_unit() == nullptr)) return 0;
  if (told_rate > 0) return told_rate;
  static const double rate = measured_unit_rate(kernels);
  return rate;
}

void set_unit_rate(double rate) {
  told_rate = rate;
}

std::string bf16_reason() {
  switch (bf16_products()) {
    case Bf16Products::in_pairs:
      return fmt::format("products of pairs everywhere ({}): pinned by FIRN_ISA", matrix_unit().name);
    case Bf16Products::by_tiles:
      return fmt::format("products in tiles everywhere ({}): pinned by FIRN_ISA", matrix_unit().name);
    case Bf16Products::in_fp32:
      return "rounded numbers, products in fp32: pinned by FIRN_ISA";
    case Bf16Products::where_faster:
      break;
  }
  const double rate = unit_rate(kernels());
  if (rate == 0)
    return "rounded numbers, products in fp32: the processor has neither products of pairs nor tiles";
  if (rate > 1) {
    return fmt::format(
        "products by {}, measured {:g} times as fast as fp32's, where the shape lets them beat its kernels",
        own_unit().name, rate);
  }
  return fmt::format("rounded numbers, products in fp32: those of {} are measured {:g} times as fast",
                     own_unit().name, rate);
}

}  // namespace firn
