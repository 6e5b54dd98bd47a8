#include <doctest/doctest.h>

#include <bit>
#include <cmath>

#include "engine/kernels/bf16_rate.h"

#include "tests/kernels/close.h"

using namespace firn;

namespace {

float value_of(Bf16 x) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(x) << 16);
}

/// The nearest bf16 found by comparing distances with both neighbours, of two as near the even one.
Bf16 nearest(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const auto below = static_cast<Bf16>(bits >> 16);
  const auto above = static_cast<Bf16>(below + 1);  // by magnitude
  const auto magnitude = [](Bf16 b) {
    // Where infinity stands, the next number would: that far away rounding goes there.
    const auto exponent = (b >> 7) & 0xff;
    return std::ldexp(128.0 + (b & 0x7f), (exponent == 0 ? 1 : exponent) - 134) -
           (exponent == 0 ? std::ldexp(1.0, -126) : 0.0);
  };
  const double to_below = std::abs(static_cast<double>(x)) - magnitude(below & 0x7fff);
  const double to_above = magnitude(above & 0x7fff) - std::abs(static_cast<double>(x));
  if (to_below != to_above) return to_below < to_above ? below : above;
  return below % 2 == 0 ? below : above;
}

std::vector<float> all_kinds() {
  std::vector<float> list;
  for (std::uint32_t high = 0; high < 0x10000; high += 7) {
    for (const std::uint32_t low : {0x0000u, 0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
      const auto x = std::bit_cast<float>(high << 16 | low);
      if (std::isfinite(x)) list.push_back(x);
    }
  }
  for (const std::uint32_t bits :
       {0x7f7fffffu, 0xff7f8000u, 0x7f7f7fffu, 0x00000001u, 0x80007fffu, 0x807fffffu}) {
    list.push_back(std::bit_cast<float>(bits));
  }
  return list;
}

}  // namespace

TEST_CASE("to bf16: the nearest number, of two the even one, and beyond the greatest infinity") {
  const std::vector<float> numbers = all_kinds();
  const auto count = static_cast<Index>(numbers.size());
  for (const Isa isa : all_sets()) {
    const Bf16Kernels& k = kernels(isa).bf16;
    Guarded x(count, 1), rounded(count, 3);
    for (Index i = 0; i < count; ++i) x[i] = static_cast<real>(numbers[static_cast<std::size_t>(i)]);
    std::vector<Bf16> y(numbers.size());
    k.narrow(count, x.data(), y.data());
    k.round(count, x.data(), rounded.data());
    Index wrong = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const Bf16 want = nearest(numbers[i]);
      const auto got = static_cast<float>(rounded[static_cast<Index>(i)]);
      wrong +=
          y[i] == want && std::bit_cast<std::uint32_t>(got) == static_cast<std::uint32_t>(want) << 16 ? 0 : 1;
    }
    CAPTURE(isa_name(isa));
    CHECK(wrong == 0);
    CHECK(rounded.intact());
  }
}

TEST_CASE("every bf16 comes back; a NaN stays one, infinity too") {
  for (const Isa isa : all_sets()) {
    const Bf16Kernels& k = kernels(isa).bf16;
    std::vector<Bf16> all(0x10000), back(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<Bf16>(i);
    std::vector<real> wide(all.size());
    k.widen(0x10000, all.data(), wide.data());
    k.narrow(0x10000, wide.data(), back.data());
    Index wrong = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const float want = value_of(all[i]);
      const bool nan = std::isnan(want);
      wrong += nan ? (std::isnan(wide[i]) && std::isnan(value_of(back[i])) ? 0 : 1)
                   : (static_cast<float>(wide[i]) == want && back[i] == all[i] ? 0 : 1);
    }
    CAPTURE(isa_name(isa));
    CHECK(wrong == 0);
    // A NaN whose upper bits alone would be infinity.
    const auto small_nan = static_cast<real>(std::bit_cast<float>(0x7f800001u));
    Bf16 one = 0;
    k.narrow(1, &small_nan, &one);
    CHECK(std::isnan(value_of(one)));
  }
}

TEST_CASE("conversions of any length touch nothing else, and rounding works in place") {
  for (const Isa isa : all_sets()) {
    const Bf16Kernels& k = kernels(isa).bf16;
    for (const Index count : kSizes) {
      Guarded x = random_block(count, 1, -3, 3, 1), wide(count, 2);
      std::vector<Bf16> y(static_cast<std::size_t>(count) + 8, Bf16{0x1234});
      k.narrow(count, x.data(), y.data() + 4);
      k.widen(count, y.data() + 4, wide.data());
      k.round(count, x.data(), x.data());
      CAPTURE(isa_name(isa));
      CAPTURE(count);
      CHECK(wide.equals(x));
      CHECK((x.intact() && wide.intact()));
      for (std::size_t i = 0; i < 4; ++i)
        CHECK((y[i] == 0x1234 && y[static_cast<std::size_t>(count) + 4 + i] == 0x1234));
    }
  }
}

TEST_CASE("how fast products of pairs and by tiles are: a power of two, the same at each call, or none") {
  for (const Isa isa : kIsas) {
    if (!isa_available(isa)) continue;
    const double tiles = unit_rate(kernels(isa));
    CHECK((tiles > 0) == (isa == Isa::avx512 && (amx_unit() != nullptr || pairs_unit() != nullptr)));
    if (tiles > 0) CHECK(std::exp2(std::round(std::log2(tiles))) == tiles);
    CHECK(unit_rate(kernels(isa)) == tiles);
    set_unit_rate(4);  // another process has measured
    CHECK(unit_rate(kernels(isa)) == (tiles > 0 ? 4 : 0));
    set_unit_rate(0);
    CHECK(unit_rate(kernels(isa)) == tiles);
  }
  CHECK(!bf16_reason().empty());
}
