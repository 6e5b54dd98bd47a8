// Products of bf16 by a matrix unit: its order of sums, and every set against the plain loops, to the bit.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "engine/base/cpu.h"
#include "engine/kernels/kernels.h"
#include "tests/kernels/close.h"
#include "tests/kernels/square_geometry.h"

using namespace firn;
using firn::test::geometry;

namespace {

std::vector<Bf16> narrowed(const Guarded& x) {
  std::vector<Bf16> y(static_cast<std::size_t>(x.count()) + 1);
  kernels(Isa::naive).bf16.narrow(x.count(), x.data(), y.data());
  return y;
}

/// An order of sums: plain loops, and the processor's unit or null.
struct Units {
  const MatrixUnit* plain;
  const MatrixUnit* own;

  /// What multiplies fast, else the loops.
  const MatrixUnit& best() const { return own != nullptr ? *own : *plain; }
  /// Of pairs the loops, which are slow, only where nothing else is.
  std::vector<const MatrixUnit*> all() const {
    if (own == nullptr) return {plain};
    if (own->in_pairs) return {own};
    return {plain, own};
  }
};

std::vector<Units> orders() {
  return {{&plain_unit(), amx_unit()}, {&plain_pairs_unit(), pairs_unit()}};
}

bool has_amx() {
  if (amx_unit() != nullptr) return true;
  MESSAGE("skipped: this processor has no AMX; the plain loops stand in for it");
  return false;
}

std::vector<MatrixConvolution> convolutions() {
  std::vector<MatrixConvolution> list;
  for (const ConvGeometry& g :
       {geometry(1, 1, 7, 5, 1, 1, 0), geometry(1, 1, 64, 10, 1, 1, 0), geometry(8, 9, 3, 17, 3, 1, 1),
        geometry(7, 7, 16, 33, 3, 2, 1), geometry(5, 6, 5, 16, 3, 3, 0), geometry(15, 4, 1, 1, 5, 1, 2),
        geometry(7, 7, 32, 48, 3, 1, 1), geometry(4, 4, 8, 70, 2, 2, 1), geometry(9, 9, 6, 8, 1, 2, 0),
        geometry(14, 14, 33, 32, 3, 1, 1), geometry(2, 2, 40, 20, 3, 1, 1), geometry(8, 8, 0, 3, 3, 1, 1),
        geometry(6, 5, 4, 9, 2, 3, 1)}) {
    list.push_back({g, 1, 1});
  }
  MatrixConvolution spread{geometry(9, 7, 5, 6, 3, 1, 1), 2, 3};
  list.push_back(spread);
  ConvGeometry oblong = geometry(6, 8, 4, 6, 3, 1, 1);
  oblong.kw = 2;
  oblong.stride_w = 2;
  oblong.pad_w = 0;
  oblong.ow = 4;
  list.push_back({oblong, 1, 1});
  return list;
}

Index pixels_in(const MatrixConvolution& c) {
  return (c.g.h + c.spread_h - 1) / c.spread_h * ((c.g.w + c.spread_w - 1) / c.spread_w);
}

/// How numbers lie in memory and what the epilogue is.
struct Form {
  bool narrow_in = false, narrow_out = false, residual = false, narrow_residual = false;
  Activation activation = Activation::none;
};
const Form kForms[] = {{},
                       {.narrow_in = true, .narrow_out = true},
                       {.narrow_out = true, .residual = true, .activation = Activation::relu},
                       {.narrow_in = true, .narrow_residual = true, .activation = Activation::leaky_relu},
                       {.residual = true, .activation = Activation::relu_to}};

/// A convolution on guarded data.
struct Forward {
  Forward(const MatrixConvolution& convolution, Index images)
      : c(convolution),
        n(images),
        x(n * pixels_in(c) * c.g.c),
        weight(c.g.weight_count(), 1),
        scale(c.g.oc),
        shift(c.g.oc),
        residual(n * c.g.oh * c.g.ow * c.g.oc, 1) {}
  void fill(double range, std::uint32_t seed) {
    for (Guarded* block : {&x, &weight, &shift, &residual}) fill_real(*block, ++seed, -range, range);
    for (Index o = 0; o < scale.count(); ++o)
      scale[o] = o % 2 == 0 ? 1 : 2;  // products that need no rounding
  }

  Guarded run(const Kernels& set, const MatrixUnit& unit, const Form& form) const {
    const MatrixKernels& k = set.matrix;
    const std::vector<Bf16> low = narrowed(x), low_residual = narrowed(residual);
    Guarded packed(k.weight_count(c.g)), scratch(k.scratch(c, n)), y(residual.count(), 2);
    fill_real(scratch, 9, -1e30, 1e30);
    std::vector<Bf16> low_y(static_cast<std::size_t>(y.count()) + 8, Bf16{0x1234});
    k.pack(c.g, weight.data(), packed.data());
    MatrixEpilogue e;
    e.terms.activation = form.activation;
    e.terms.slope = static_cast<real>(form.activation == Activation::relu_to ? 2 : 0.5);
    if (form.residual || form.narrow_residual) {
      e.terms.scale = scale.data();
      e.terms.shift = shift.data();
    }
    if (form.residual) e.terms.residual = residual.data();
    if (form.narrow_residual) e.residual = low_residual.data();
    const Numbers in = form.narrow_in ? Numbers{low.data(), true} : Numbers{x.data(), false};
    void* out = form.narrow_out ? static_cast<void*>(low_y.data() + 4) : y.data();
    k.forward(unit, c, n, in, packed.data(), e, out, form.narrow_out, scratch.data());
    CHECK((packed.intact() && scratch.intact() && y.intact()));
    if (form.narrow_out) {
      set.bf16.widen(y.count(), low_y.data() + 4, y.data());
      for (std::size_t i = 0; i < 4; ++i)
        CHECK((low_y[i] == 0x1234 && low_y[static_cast<std::size_t>(y.count()) + 4 + i] == 0x1234));
    }
    return y;
  }

  MatrixConvolution c;
  Index n;
  Guarded x, weight, scale, shift, residual;
};

/// A weight gradient on guarded data.
struct Backward {
  Backward(const ConvGeometry& geometry, Index images)
      : g(geometry), n(images), x(n * g.h * g.w * g.c), dy(n * g.oh * g.ow * g.oc, 1) {}
  Guarded run(const Kernels& set, const MatrixUnit& unit, bool narrow_x, bool narrow_dy,
              Index unit_step = 100) const {
    const std::vector<Bf16> low_x = narrowed(x), low_dy = narrowed(dy);
    const MatrixKernels& k = set.matrix;
    Guarded scratch(k.gradient_scratch(g, n)), dweight(g.kh * g.kw * g.c * g.trainable_count(), 1);
    fill_real(scratch, 9, -1e30, 1e30);
    MatrixGradient call;
    call.g = g;
    call.n = n;
    call.x = narrow_x ? Numbers{low_x.data(), true} : Numbers{x.data(), false};
    call.dy = narrow_dy ? Numbers{low_dy.data(), true} : Numbers{dy.data(), false};
    call.x_pixel = g.c;
    call.x_image = g.h * g.w * g.c;
    call.dy_pixel = g.oc;
    call.dy_image = g.oh * g.ow * g.oc;
    call.dweight = dweight.data();
    call.row = g.trainable_count();
    for (Index first = 0; first < k.gradient_units(g); first += unit_step) {
      call.first = first;
      call.last = std::min(first + unit_step, k.gradient_units(g));
      k.gradient(unit, call, scratch.data());
    }
    CHECK((scratch.intact() && dweight.intact()));
    return dweight;
  }

  ConvGeometry g;
  Index n;
  Guarded x, dy;
};

/// Any bits that are no NaN and no infinity, subnormal numbers among them; `spread` exponents around 1.
std::vector<Bf16> numbers(std::size_t count, std::uint32_t seed, std::uint32_t spread) {
  std::vector<Bf16> list(count);
  std::uint64_t state = seed * 0x9E3779B97F4A7C15ull + 1;
  for (Bf16& x : list) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    const auto random = static_cast<std::uint32_t>(state >> 33);
    const std::uint32_t exponent = 127 - spread / 2 + random % spread;
    x = static_cast<Bf16>((random >> 16 & 0x807f) | exponent << 7);
  }
  return list;
}

}  // namespace

TEST_CASE("the unit's order: even and odd products of a step apart, then together, then onto the sum") {
  // Within a step 1 + 2^24 loses the 1 if both are even, not if one is odd.
  Forward p({geometry(1, 1, 64, 1, 1, 1, 0), 1, 1}, 1);
  p.x.fill(0);
  p.weight.fill(0);
  for (Index i = 0; i < 64; ++i) p.x[i] = p.weight[i] = 0;
  const auto at = [&](Index i, double x, double w) {
    p.x[i] = static_cast<real>(x);
    p.weight[i] = static_cast<real>(w);
  };
  at(0, 4096, 4096);  // even: 2^24, then + 1 is lost, then - 2^24
  at(2, 1, 1);
  at(4, -4096, 4096);
  at(1, 3, 1);       // odd: 3
  at(32, 4096, 64);  // the next step: 2^18
  for (const Isa isa : all_sets()) {
    for (const MatrixUnit* unit : orders()[0].all()) CHECK(p.run(kernels(isa), *unit, {})[0] == 3 + 262144);
    // 2^24, twice + 1 is lost, - 2^24; or 3 + 2^24, which is 2^24 + 4, and so on.
    for (const MatrixUnit* unit : orders()[1].all()) CHECK(p.run(kernels(isa), *unit, {})[0] == 4 + 262144);
  }
}

/// The processor's unit against the plain loops of its order.
void check_blocks(const Units& units) {
  for (const std::uint32_t spread : {8u, 40u, 252u}) {
    for (Index tiles = 0; tiles < 4; ++tiles) {
      for (const bool accumulate : {false, true}) {
        const UnitSegment segments[] = {{0, 2}, {96, 1}, {64, 0}, {32, 3}};
        const std::vector<Bf16> a = numbers(32 * 200 + 200, 1 + spread, spread);
        const std::vector<Bf16> b = numbers(6 * 2 * kUnitTile, 2 + spread, spread);
        std::vector<float> want(32 * 40), got;
        for (std::size_t i = 0; i < want.size(); ++i) want[i] = static_cast<float>(static_cast<int>(i) - 600);
        got = want;
        UnitBlock t;
        t.row_tiles = 1 + tiles / 2;
        t.column_tiles = 1 + tiles % 2;
        t.a = a.data();
        t.lda = 200;
        t.segments = segments;
        t.segment_count = 4;
        t.b = b.data();
        t.ldc = 40;
        t.accumulate = accumulate;
        t.c = want.data();
        units.plain->multiply(t);
        t.c = got.data();
        units.own->begin();
        units.own->multiply(t);
        units.own->end();
        int wrong = 0;
        for (std::size_t i = 0; i < want.size(); ++i) {
          const bool nans = std::isnan(want[i]) && std::isnan(got[i]);
          wrong +=
              nans || std::bit_cast<std::uint32_t>(want[i]) == std::bit_cast<std::uint32_t>(got[i]) ? 0 : 1;
        }
        CAPTURE(spread);
        CAPTURE(tiles);
        CHECK(wrong == 0);
      }
    }
  }
}

TEST_CASE("AMX multiplies blocks as the plain loops do, to the bit, subnormal numbers and overflow too") {
  if (has_amx()) check_blocks(orders()[0]);
}

TEST_CASE("products of pairs multiply blocks as the plain loops do, to the bit") {
  if (pairs_unit() == nullptr) {
    MESSAGE("skipped: this processor has no AVX512-BF16; the plain loops stand in for it");
    return;
  }
  check_blocks(orders()[1]);
}

TEST_CASE("the unit is that of the products in force") {
  const MatrixUnit* const best = amx_unit() != nullptr ? amx_unit() : pairs_unit();
  const bool pinned = bf16_products() == Bf16Products::by_tiles || bf16_products() == Bf16Products::in_pairs;
  if (pinned) {
    CHECK(matrix_unit().in_pairs == (bf16_products() == Bf16Products::in_pairs));
  } else if (bf16_products() == Bf16Products::where_faster && best != nullptr) {
    CHECK(&matrix_unit() == best);
  }
}

TEST_CASE("products by a unit equal the plain convolution on small integers") {
  for (const MatrixConvolution& c : convolutions()) {
    if (c.spread_h > 1) continue;
    Forward p(c, 3);
    p.x.fill(1);
    p.weight.fill(2);
    const ConvKernels& conv = kernels(Isa::naive).conv;
    Guarded packed(conv.packed_count(c.g)), want(p.residual.count());
    conv.pack(c.g, p.weight.data(), packed.data());
    conv.forward(c.g, p.n, p.x.data(), packed.data(), {}, want.data(), nullptr);
    for (const Units& order : orders()) {
      CHECK(p.run(kernels(Isa::naive), *order.plain, {}).equals(want));
      for (const MatrixUnit* unit : order.all()) CHECK(p.run(kernels(), *unit, {}).equals(want));
    }
  }
}

TEST_CASE("convolutions: every set and unit gives the bits of the plain loops, in any form") {
  for (const MatrixConvolution& c : convolutions()) {
    for (const Index n : {0, 1, 5}) {
      Forward p(c, n);
      p.fill(2, 3);
      if (p.x.count() > 3 && p.weight.count() > 3) {
        p.x[0] = static_cast<real>(1e-39);  // subnormal, and products that are
        p.x[1] = p.weight[1] = static_cast<real>(3e-20);
        p.weight[0] = static_cast<real>(1e30);
      }
      for (const Form& form : kForms) {
        for (const Units& order : orders()) {
          const Guarded want = p.run(kernels(Isa::naive), *order.plain, form);
          for (const Isa isa : fast_sets()) {
            for (const MatrixUnit* unit : order.all()) {
              CAPTURE(isa_name(isa));
              CAPTURE(unit->name);
              CAPTURE(unit->in_pairs);
              CAPTURE(c.g.c);
              CAPTURE(c.g.oc);
              CHECK(p.run(kernels(isa), *unit, form).equals(want));
            }
          }
        }
      }
    }
  }
}

TEST_CASE("an activation of its own rows, such as GELU, is applied to sums that are not rounded yet") {
  Forward p({geometry(6, 6, 8, 20, 3, 1, 1), 1, 1}, 2);
  p.fill(1, 5);
  for (const Units& order : orders()) {
    const Guarded want = p.run(kernels(Isa::naive), *order.plain, {.activation = Activation::gelu});
    for (const Isa isa : fast_sets()) {
      const Guarded got = p.run(kernels(isa), order.best(), {.activation = Activation::gelu});
      CHECK(worst_error(got, want, 1e-3) < 1e-5);
    }
  }
}

TEST_CASE("many images, more than are worked on together, give the bits of each by itself") {
  const MatrixConvolution c{geometry(30, 30, 32, 16, 3, 1, 1), 1, 1};
  const Index n = 7, pixels = 30 * 30;
  Forward all(c, n);
  all.fill(1, 1);
  for (const Units& order : orders()) {
    const MatrixUnit& unit = order.best();
    const Guarded y = all.run(kernels(), unit, {});
    for (const Index i : {Index{0}, Index{4}, n - 1}) {
      Forward one(c, 1);
      std::copy_n(all.x.data() + i * pixels * 32, pixels * 32, one.x.data());
      std::copy_n(all.weight.data(), all.weight.count(), one.weight.data());
      const Guarded single = one.run(kernels(), unit, {});
      CHECK(std::memcmp(single.data(), y.data() + i * pixels * 16, sizeof(real) * pixels * 16) == 0);
    }
  }
}

TEST_CASE("weight gradients: every set and unit gives the bits of the plain loops, whole and in pieces") {
  const ChannelRange ranges[] = {{0, 2}, {3, 5}};
  for (const MatrixConvolution& c : convolutions()) {
    if (c.spread_h > 1) continue;
    for (const Index n : {0, 1, 5}) {
      Backward p(c.g, n);
      for (const bool part : {false, true}) {
        if (part && c.g.oc < 5) continue;
        p.g.trains = part ? ranges : nullptr;
        p.g.trainable_ranges = part ? 2 : 0;
        fill_real(p.x, 1, -2, 2);
        fill_real(p.dy, 2, -1, 1);
        for (const Units& order : orders()) {
          const Guarded want = p.run(kernels(Isa::naive), *order.plain, false, false);
          for (const Isa isa : fast_sets()) {
            for (const MatrixUnit* unit : order.all()) {
              CAPTURE(isa_name(isa));
              CAPTURE(unit->name);
              CAPTURE(unit->in_pairs);
              CAPTURE(c.g.c);
              CAPTURE(c.g.oc);
              CAPTURE(n);
              CHECK(p.run(kernels(isa), *unit, false, true).equals(want));
              CHECK(p.run(kernels(isa), *unit, true, false, 1).equals(want));
            }
          }
        }
      }
    }
  }
}

TEST_CASE("weight gradients of more images than are worked on together") {
  Backward p(geometry(40, 40, 48, 20, 1, 1, 0), 9);
  fill_real(p.x, 1, -2, 2);
  fill_real(p.dy, 2, -1, 1);
  for (const Units& order : orders()) {
    const Guarded want = p.run(kernels(Isa::naive), *order.plain, true, true);
    CHECK(p.run(kernels(), order.best(), true, true).equals(want));
    CHECK(p.run(kernels(), order.best(), false, true, 1).equals(want));
  }
}

TEST_CASE("weight gradients on small integers equal the plain ones") {
  for (const MatrixConvolution& c : convolutions()) {
    if (c.spread_h > 1) continue;
    Backward p(c.g, 4);
    p.x.fill(1);
    p.dy.fill(2);
    const ConvKernels& conv = kernels(Isa::naive).conv;
    Guarded want(c.g.weight_count());
    conv.dw(c.g, 4, p.x.data(), p.dy.data(), want.data(), false, 0, conv.dw_units(c.g), nullptr);
    for (const Units& order : orders()) CHECK(p.run(kernels(), order.best(), true, true).equals(want));
  }
}
