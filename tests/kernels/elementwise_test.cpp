#include <doctest/doctest.h>

#include <bit>

#include "engine/base/rng.h"
#include "tests/kernels/close.h"

using namespace firn;

namespace {

constexpr Activation kActivations[] = {Activation::none,       Activation::relu,     Activation::leaky_relu,
                                       Activation::gelu,       Activation::silu,     Activation::sigmoid,
                                       Activation::tanh,       Activation::relu_to,  Activation::hard_sigmoid,
                                       Activation::hard_swish, Activation::gelu_tanh};
constexpr real kSlope = real(0.25);

double phi(double x) {
  return 0.5 * std::erfc(-x / std::sqrt(2.0));
}

double formula(Activation a, double x) {
  switch (a) {
    case Activation::none:
      return x;
    case Activation::relu:
      return std::isnan(x) ? x : std::max(x, 0.0);
    case Activation::leaky_relu:
      return x > 0 ? x : kSlope * x;
    case Activation::gelu:
      return x * phi(x);
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::tanh:
      return std::tanh(x);
    case Activation::relu_to:
      return std::isnan(x) ? x : std::min(std::max(x, 0.0), double{kSlope});
    case Activation::hard_sigmoid:
      return std::isnan(x) ? x : std::min(std::max(kSlope * x + 0.5, 0.0), 1.0);
    case Activation::hard_swish:
      return std::isnan(x) ? x : x * std::min(std::max(x / 6 + 0.5, 0.0), 1.0);
    case Activation::gelu_tanh:
      return x / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
  }
  return 0;
}

/// Every `stride`-th of all bit patterns, the ends of the ranges and the special ones.
std::vector<real> sweep(std::uint64_t stride) {
  std::vector<real> values{
      0, real(-0.0), 1, -1, real(88.72283), real(-88.72283), real(-87.33655), real(-103.972), real(-103.98),
      9};
  for (const float limit : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::max(),
                            std::numeric_limits<float>::min(), std::numeric_limits<float>::denorm_min()}) {
    values.push_back(limit);
    values.push_back(-limit);
  }
  values.push_back(std::numeric_limits<float>::quiet_NaN());
  for (std::uint64_t bits = 0; bits < (1ull << 32); bits += stride) {
    values.push_back(static_cast<real>(std::bit_cast<float>(static_cast<std::uint32_t>(bits))));
  }
  return values;
}

}  // namespace

TEST_CASE("gelu, silu, sigmoid and tanh are within 8 ulp over all floats") {
  const std::vector<real> x = sweep(1511);
  const auto count = static_cast<Index>(x.size());
  std::vector<real> y(x.size());
  for (const Activation a : {Activation::gelu, Activation::silu, Activation::sigmoid, Activation::tanh}) {
    std::vector<double> want(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) want[i] = formula(a, x[i]);
    const bool at_minus_infinity =
        a == Activation::sigmoid || a == Activation::tanh;  // else it is 0 * infinity
    for (const Isa isa : fast_sets()) {
      kernels(isa).elementwise.activate(a, 0, count, x.data(), y.data());
      double worst = 0;
      real where = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const bool spared = std::isinf(x[i]) && x[i] < 0 && !at_minus_infinity;
        const double error = spared ? 0 : ulp_error(static_cast<float>(y[i]), want[i]);
        if (!(error <= worst)) {
          worst = error;
          where = x[i];
        }
      }
      CHECK_MESSAGE(worst <= 8, isa_name(isa), " activation ", static_cast<int>(a), " at ", where);
    }
  }
}

TEST_CASE("activations keep the sign of zero, infinities and NaN") {
  const real infinity = std::numeric_limits<real>::infinity();
  for (const Isa isa : all_sets()) {
    const auto of = [&](Activation a, real x) {
      real y = 7;
      kernels(isa).elementwise.activate(a, kSlope, 1, &x, &y);
      return y;
    };
    CHECK(of(Activation::tanh, infinity) == 1);
    CHECK(of(Activation::tanh, -infinity) == -1);
    CHECK(std::signbit(of(Activation::tanh, real(-0.0))));
    CHECK(of(Activation::sigmoid, infinity) == 1);
    CHECK(of(Activation::sigmoid, -infinity) == 0);
    CHECK(of(Activation::relu, infinity) == infinity);
    CHECK(of(Activation::gelu, infinity) == infinity);
    CHECK(of(Activation::silu, infinity) == infinity);
    for (const Activation a : kActivations) CHECK(std::isnan(of(a, std::numeric_limits<real>::quiet_NaN())));
  }
}

TEST_CASE("activations and their gradients are the formula on every size, in place too") {
  for (const Activation a : kActivations) {
    for (const Index count : kSizes) {
      const Guarded x = random_block(count, 1, -6, 6, 1);
      const Guarded dy = random_block(count, 2, 0.5, 2);
      std::vector<double> forward, gradient, size;
      for (Index i = 0; i < count; ++i) {
        const double at = x[i];
        constexpr double kStep = 1e-5;
        const double slope = (formula(a, at + kStep) - formula(a, at - kStep)) / (2 * kStep);
        forward.push_back(formula(a, at));
        gradient.push_back(slope * dy[i]);
      }
      for (const Isa isa : all_sets()) {
        const ElementwiseKernels& k = kernels(isa).elementwise;
        CAPTURE(isa_name(isa));
        CAPTURE(static_cast<int>(a));
        CAPTURE(count);
        Guarded y(count), dx(count, 2);
        k.activate(a, kSlope, count, x.data(), y.data());
        CHECK(worst_error(y, forward, 1e-30) <= 4e-6);
        k.activate_gradient(a, kSlope, count, gradient_uses_output(a) ? y.data() : x.data(), dy.data(),
                            dx.data());
        CHECK(worst_error(dx, gradient, 0.1) <= 4e-6);
        Guarded in_place = x;
        k.activate(a, kSlope, count, in_place.data(), in_place.data());
        CHECK(in_place.equals(y));
        Guarded in_place_dy = dy;
        k.activate_gradient(a, kSlope, count, gradient_uses_output(a) ? y.data() : x.data(),
                            in_place_dy.data(), in_place_dy.data());
        CHECK(in_place_dy.equals(dx));
        CHECK((y.intact() && dx.intact() && in_place.intact() && in_place_dy.intact()));
      }
    }
  }
}

TEST_CASE("relu and leaky relu equal the naive ones to the bit") {
  for (const Activation a : {Activation::relu, Activation::leaky_relu}) {
    for (const Index count : kSizes) {
      const Guarded x = Guarded(count).fill(3), dy = Guarded(count).fill(4);
      Guarded y(count), dx(count);
      kernels(Isa::naive).elementwise.activate(a, kSlope, count, x.data(), y.data());
      kernels(Isa::naive).elementwise.activate_gradient(a, kSlope, count, y.data(), dy.data(), dx.data());
      for (const Isa isa : fast_sets()) {
        Guarded fast_y(count), fast_dx(count);
        kernels(isa).elementwise.activate(a, kSlope, count, x.data(), fast_y.data());
        kernels(isa).elementwise.activate_gradient(a, kSlope, count, y.data(), dy.data(), fast_dx.data());
        CHECK((fast_y.equals(y) && fast_dx.equals(dx)));
      }
    }
  }
}

TEST_CASE("sums, products, scaled sums and rows are exact on small integers, in place too") {
  for (const Index count : kSizes) {
    for (const Isa isa : all_sets()) {
      const ElementwiseKernels& k = kernels(isa).elementwise;
      CAPTURE(isa_name(isa));
      CAPTURE(count);
      const Guarded x1 = Guarded(count, 1).fill(5), x2 = Guarded(count).fill(6),
                    start = Guarded(count).fill(7);
      Guarded sum(count), product(count), scaled = start, fresh(count, 3), in_place = x1, rows(3 * count);
      for (Index i = 0; i < count; ++i) fresh[i] = std::numeric_limits<real>::quiet_NaN();
      const Guarded x3 = Guarded(3 * count).fill(8);
      k.add(count, x1.data(), x2.data(), sum.data());
      k.multiply(count, x1.data(), x2.data(), product.data());
      k.axpby(count, 3, x1.data(), -2, scaled.data());
      k.axpby(count, 3, x1.data(), 0, fresh.data());
      k.add(count, in_place.data(), x2.data(), in_place.data());
      k.add_row(3, count, x3.data(), x1.data(), rows.data());
      bool same = true;
      for (Index i = 0; i < count; ++i) {
        same = same && sum[i] == x1[i] + x2[i] && product[i] == x1[i] * x2[i] && in_place[i] == sum[i] &&
               scaled[i] == 3 * x1[i] - 2 * start[i] && fresh[i] == 3 * x1[i];
        for (Index r = 0; r < 3; ++r) same = same && rows[r * count + i] == x3[r * count + i] + x1[i];
      }
      CHECK(same);
      CHECK((sum.intact() && product.intact() && scaled.intact() && fresh.intact() && in_place.intact()));
      CHECK(rows.intact());
    }
  }
}

TEST_CASE("sum and sum of squares are exact on small integers and lose nothing on many numbers") {
  std::vector<Index> sizes = kSizes;
  sizes.push_back(100003);
  for (const Index count : sizes) {
    const Guarded x = Guarded(count, 1).fill(9);
    double sum = 0, squares = 0;
    for (Index i = 0; i < count; ++i) {
      sum += x[i];
      squares += x[i] * x[i];
    }
    const Guarded tenths = random_block(count, 10, 0.05, 0.15);
    double sum_of_tenths = 0;
    for (Index i = 0; i < count; ++i) sum_of_tenths += tenths[i];
    for (const Isa isa : all_sets()) {
      const ElementwiseKernels& k = kernels(isa).elementwise;
      CHECK(k.sum(count, x.data()) == static_cast<real>(sum));
      CHECK(k.sum_squares(count, x.data()) == squares);
      CHECK(std::abs(k.sum(count, tenths.data()) - sum_of_tenths) <= 2e-7 * sum_of_tenths);
      CHECK(k.sum(count, tenths.data()) == k.sum(count, tenths.data()));
    }
  }
  const real huge[] = {real(1e30), real(-1e30), real(1e30)};
  for (const Isa isa : all_sets())
    CHECK(kernels(isa).elementwise.sum_squares(3, huge) == doctest::Approx(3e60));
}

TEST_CASE("parts are summed in ascending order") {
  for (const Index count : kSizes) {
    for (const Index parts : {0, 1, 2, 7}) {
      for (const bool accumulate : {false, true}) {
        const Index stride = count + 5;
        // Not integers: the order shows in the last bits.
        const Guarded x = random_block(parts > 0 ? (parts - 1) * stride + count : 0, 12);
        const Guarded start = random_block(count, 13);
        Guarded want = start;
        for (Index i = 0; i < count; ++i) {
          if (!accumulate) want[i] = 0;
          for (Index p = 0; p < parts; ++p) want[i] += x[p * stride + i];
        }
        for (const Isa isa : all_sets()) {
          Guarded out = start;
          kernels(isa).elementwise.reduce_parts(parts, stride, count, x.data(), out.data(), accumulate);
          CHECK((out.equals(want) && out.intact()));
        }
      }
    }
  }
}

TEST_CASE("dropout is the formula to the bit, however the range is cut") {
  constexpr std::array<std::uint32_t, 2> kKey{0x12345678u, 0x9abcdef0u};
  for (const std::uint64_t first : {0ull, 1ull, 6ull, 4000000000ull, 17179869179ull, (1ull << 40) + 3}) {
    for (const std::uint64_t step : {0ull, 1ull, (1ull << 33) + 5}) {
      for (const double p : {0.0, 0.1, 0.5, 0.99999994}) {
        for (const Index count : kSizes) {
          const auto rate = static_cast<real>(p);
          const Guarded x = random_block(count, 14, 1, 2, 1);
          Guarded want(count);
          for (Index i = 0; i < count; ++i) {
            const std::uint64_t j = first + static_cast<std::uint64_t>(i);
            const auto words =
                philox({static_cast<std::uint32_t>(j / 4), static_cast<std::uint32_t>(j / 4 >> 32),
                        static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32)},
                       kKey);
            if (static_cast<double>(words[j % 4]) >= static_cast<double>(rate) * 4294967296.0) {
              want[i] = x[i] / (1 - rate);
            }
          }
          for (const Isa isa : all_sets()) {
            const ElementwiseKernels& k = kernels(isa).elementwise;
            Guarded y(count), cut(count), in_place = x;
            k.dropout(count, first, rate, kKey, step, x.data(), y.data());
            k.dropout(count, first, rate, kKey, step, in_place.data(), in_place.data());
            for (Index i = 0, n = 1; i < count; i += n, n = 2 * n + 1) {
              k.dropout(std::min(n, count - i), first + static_cast<std::uint64_t>(i), rate, kKey, step,
                        x.data() + i, cut.data() + i);
            }
            CHECK((y.equals(want) && cut.equals(want) && in_place.equals(want)));
            CHECK((y.intact() && cut.intact() && in_place.intact()));
          }
        }
      }
    }
  }
}

TEST_CASE("dropout keeps the share it should") {
  constexpr Index kCount = 100000;
  const std::vector<real> ones(kCount, 1);
  std::vector<real> y(kCount);
  for (const Isa isa : all_sets()) {
    kernels(isa).elementwise.dropout(kCount, 0, real(0.3), {1, 2}, 3, ones.data(), y.data());
    CHECK(std::abs(kernels(isa).elementwise.sum(kCount, y.data()) / kCount - 1) < 0.01);
  }
}

TEST_CASE("rows are gathered and scattered") {
  const std::vector<std::int32_t> tokens{4, 0, 2, 2, 4, 4, 1};
  const auto rows = static_cast<Index>(tokens.size());
  for (const Index columns : kSizes) {
    const Guarded table = Guarded(5 * columns).fill(15), dy = Guarded(rows * columns).fill(16);
    for (const Isa isa : all_sets()) {
      Guarded y(rows * columns), dtable = Guarded(5 * columns).fill(17), want = dtable;
      kernels(isa).elementwise.gather(rows, columns, table.data(), tokens.data(), y.data());
      kernels(isa).elementwise.scatter_add(rows, columns, dy.data(), tokens.data(), dtable.data());
      bool same = true;
      for (Index r = 0; r < rows; ++r) {
        for (Index c = 0; c < columns; ++c) {
          const Index at = tokens[static_cast<std::size_t>(r)] * columns + c;
          same = same && y[r * columns + c] == table[at];
          want[at] += dy[r * columns + c];
        }
      }
      CHECK((same && dtable.equals(want) && y.intact() && dtable.intact()));
    }
  }
}

TEST_CASE("transpose") {
  for (const Isa isa : fast_sets()) {
    for (const Index rows : {1, 2, 3, 5, 16, 17, 40}) {
      for (const Index columns : {1, 2, 4, 7, 16, 31, 50}) {
        const Index ldx = columns + rows % 3;
        Guarded x(rows * ldx), y(rows * columns);
        for (Index i = 0; i < x.count(); ++i) x[i] = static_cast<real>(i);
        kernels(isa).elementwise.transpose(rows, columns, x.data(), ldx, y.data());
        CAPTURE(isa_name(isa));
        CAPTURE(rows);
        CAPTURE(columns);
        bool same = true;
        for (Index r = 0; r < rows; ++r) {
          for (Index c = 0; c < columns; ++c) same = same && y[c * rows + r] == x[r * ldx + c];
        }
        CHECK(same);
        CHECK((x.intact() && y.intact()));
      }
    }
  }
}
