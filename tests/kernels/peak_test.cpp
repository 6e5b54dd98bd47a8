#include <doctest/doctest.h>

#include "tests/kernels/close.h"

using namespace firn;

TEST_CASE("multiply-adds: every chain runs every round") {
  for (const Isa isa : all_sets()) {
    CAPTURE(isa_name(isa));
    const PeakKernels& peak = kernels(isa).peak;
    const Index n = peak.chains;
    CHECK(n >= 8);
    const Index start = n * (n + 1) / 2;
    CHECK(peak.multiply_add(0, 5, 7) == static_cast<real>(start));
    CHECK(peak.multiply_add(9, 1, 3) == static_cast<real>(start + 9 * 3 * n));
    // x -> 2x + 1 in four rounds: 16x + 15.
    CHECK(peak.multiply_add(4, 2, 1) == static_cast<real>(16 * start + 15 * n));
  }
}

TEST_CASE("copy and triad move every element and no other") {
  for (const Index count : kSizes) {
    for (const Isa isa : all_sets()) {
      CAPTURE(isa_name(isa));
      CAPTURE(count);
      Guarded x1(count, 1), x2(count, 3), copied(count, 2), summed(count), want(count);
      x1.fill(1);
      x2.fill(2);
      for (Index i = 0; i < count; ++i) want[i] = x1[i] + 3 * x2[i];
      kernels(isa).peak.copy(count, x1.data(), copied.data());
      kernels(isa).peak.triad(count, 3, x1.data(), x2.data(), summed.data());
      CHECK(copied.equals(x1));
      CHECK(summed.equals(want));
      CHECK((copied.intact() && summed.intact()));
    }
  }
}
