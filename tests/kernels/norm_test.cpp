#include <doctest/doctest.h>

#include "tests/kernels/close.h"

using namespace firn;

namespace {

constexpr double kEps = std::numeric_limits<float>::epsilon();
constexpr real kEpsilon = real(1e-5);

/// Rows and columns on both sides of vectors, strips and blocks.
template <class F>
void for_each_size(const F& f) {
  for (const Index rows : {0, 1, 3, 31, 33, 100}) {
    for (const Index columns : {0, 1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 130, 1100})
      f(rows, columns);
  }
}

struct Moments {
  std::vector<double> mean, m2;
};

Moments direct_moments(Index rows, Index columns, const Guarded& x) {
  Moments m;
  for (Index c = 0; c < columns; ++c) {
    long double sum = 0, squares = 0;
    for (Index r = 0; r < rows; ++r) sum += x[r * columns + c];
    const long double mean = rows > 0 ? sum / rows : 0;
    for (Index r = 0; r < rows; ++r) squares += (x[r * columns + c] - mean) * (x[r * columns + c] - mean);
    m.mean.push_back(static_cast<double>(mean));
    m.m2.push_back(static_cast<double>(squares));
  }
  return m;
}

}  // namespace

TEST_CASE("moments are accurate for every mean") {
  for (const double center : {0.3, 1000.0}) {
    for_each_size([&](Index rows, Index columns) {
      const Guarded x = random_block(rows * columns, 1, center - 1, center + 1, 1);
      const Moments want = direct_moments(rows, columns, x);
      for (const Isa isa : all_sets()) {
        Guarded mean(columns), rest(columns, 2), m2(columns, 1);
        kernels(isa).norm.moments(rows, columns, x.data(), mean.data(), rest.data(), m2.data());
        CAPTURE(isa_name(isa));
        CAPTURE(rows);
        CAPTURE(columns);
        CHECK(worst_error(mean, want.mean, 0.05) <= 6e-7);
        CHECK(worst_error(m2, want.m2, 0.05) <= 6e-7);
        for (Index c = 0; c < columns; ++c) {
          const double whole = static_cast<double>(mean[c]) + static_cast<double>(rest[c]);
          CHECK(std::abs(whole - want.mean[static_cast<std::size_t>(c)]) <= 1e-7);
        }
        CHECK((mean.intact() && rest.intact() && m2.intact()));
      }
    });
  }
}

TEST_CASE("moments of many rows, with an outlier in front, do not drift") {
  constexpr Index kRows = 50000, kColumns = 5;
  Guarded x = random_block(kRows * kColumns, 2, 9, 11);
  for (Index c = 0; c < kColumns; ++c) x[c] = 1000;
  const Moments want = direct_moments(kRows, kColumns, x);
  for (const Isa isa : all_sets()) {
    Guarded mean(kColumns), rest(kColumns), m2(kColumns);
    kernels(isa).norm.moments(kRows, kColumns, x.data(), mean.data(), rest.data(), m2.data());
    CHECK(worst_error(mean, want.mean, 0) <= 6e-7);
    CHECK(worst_error(m2, want.m2, 0) <= 6e-7);
  }
}

TEST_CASE("the affine pass and its gradient are exact on small integers, in place too") {
  for_each_size([](Index rows, Index columns) {
    const Index count = rows * columns;
    const Guarded x = Guarded(count, 1).fill(3), dy = Guarded(count).fill(4), a = Guarded(columns).fill(5),
                  b = Guarded(columns, 2).fill(6), d = Guarded(columns).fill(7);
    for (const Isa isa : all_sets()) {
      const NormKernels& k = kernels(isa).norm;
      Guarded y(count), rectified(count), summed(count), unshifted(count), plain(count), dx(count),
          gated(count), in_place = x, centered(count), centered_sum(count);
      k.affine(rows, columns, x.data(), a.data(), b.data(), nullptr, false, y.data());
      k.affine(rows, columns, x.data(), a.data(), b.data(), nullptr, true, rectified.data());
      k.affine(rows, columns, x.data(), a.data(), b.data(), dy.data(), true, summed.data());
      k.affine(rows, columns, x.data(), a.data(), nullptr, dy.data(), false, unshifted.data());
      k.affine(rows, columns, x.data(), a.data(), nullptr, nullptr, false, plain.data());
      k.affine(rows, columns, in_place.data(), a.data(), b.data(), nullptr, false, in_place.data());
      k.gradient_apply(rows, columns, x.data(), dy.data(), {}, a.data(), b.data(), d.data(), dx.data());
      k.normalise(rows, columns, x.data(), d.data(), a.data(), b.data(), nullptr, false, centered.data());
      k.normalise(rows, columns, x.data(), d.data(), a.data(), b.data(), dy.data(), true,
                  centered_sum.data());
      k.gradient_apply(rows, columns, x.data(), dy.data(), {d.data(), a.data(), b.data()}, a.data(), b.data(),
                       d.data(), gated.data());
      bool same = true;
      for (Index i = 0; i < count; ++i) {
        const Index c = i % columns;
        const real z = x[i] * a[c] + b[c], from_center = (x[i] - d[c]) * a[c] + b[c];
        same = same && y[i] == z && rectified[i] == std::max(z, real(0)) && plain[i] == x[i] * a[c] &&
               summed[i] == std::max(z + dy[i], real(0)) && unshifted[i] == x[i] * a[c] + dy[i] &&
               in_place[i] == z && dx[i] == a[c] * dy[i] + b[c] * x[i] + d[c] && centered[i] == from_center &&
               centered_sum[i] == std::max(from_center + dy[i], real(0)) &&
               gated[i] == (from_center > 0 ? a[c] * dy[i] : real(0)) + b[c] * x[i] + d[c];
      }
      CHECK(same);
      CHECK((y.intact() && rectified.intact() && summed.intact() && unshifted.intact() && plain.intact() &&
             dx.intact() && gated.intact() && in_place.intact()));
    }
  });
}

TEST_CASE("gradient sums") {
  for_each_size([](Index rows, Index columns) {
    const Index count = rows * columns;
    const Guarded x = Guarded(count, 1).fill(8), dy = Guarded(count).fill(9),
                  mean = Guarded(columns).fill(10);
    const Guarded inverse_std = random_block(columns, 11, 0.5, 2);
    std::vector<double> sum(static_cast<std::size_t>(columns)), plain = sum, weighted = sum, passed = sum;
    const Guarded scale = Guarded(columns).fill(12), shift = Guarded(columns).fill(13);
    for (Index i = 0; i < count; ++i) {
      const auto c = static_cast<std::size_t>(i % columns);
      sum[c] += dy[i];
      if ((x[i] - mean[i % columns]) * scale[i % columns] + shift[i % columns] > 0) passed[c] += dy[i];
      plain[c] += static_cast<double>(dy[i]) * x[i];
      weighted[c] += static_cast<double>(dy[i]) * (x[i] - mean[i % columns]) * inverse_std[i % columns];
    }
    for (const Isa isa : all_sets()) {
      const NormKernels& k = kernels(isa).norm;
      Guarded sum_dy(columns), sum_dy_xhat(columns, 1);
      k.gradient_sums(rows, columns, x.data(), nullptr, nullptr, dy.data(), {}, sum_dy.data(),
                      sum_dy_xhat.data());
      CHECK(worst_error(sum_dy, sum, 1) == 0);
      CHECK(worst_error(sum_dy_xhat, plain, 1) == 0);
      k.gradient_sums(rows, columns, x.data(), nullptr, nullptr, dy.data(),
                      {mean.data(), scale.data(), shift.data()}, sum_dy.data(), sum_dy_xhat.data());
      CHECK(worst_error(sum_dy, passed, 1) == 0);
      k.gradient_sums(rows, columns, x.data(), mean.data(), inverse_std.data(), dy.data(), {}, sum_dy.data(),
                      sum_dy_xhat.data());
      CHECK(worst_error(sum_dy, sum, 1) == 0);
      CHECK(worst_error(sum_dy_xhat, weighted, static_cast<double>(rows)) <= 5e-6);
      CHECK((sum_dy.intact() && sum_dy_xhat.intact()));
    }
  });
}

TEST_CASE("layer norm and its gradients") {
  for (const double center : {0.0, 100.0}) {
    for_each_size([&](Index rows, Index columns) {
      if (columns == 0) return;
      const Index count = rows * columns;
      const Guarded x = random_block(count, 12, center - 1, center + 1, 1), dy = random_block(count, 13),
                    gamma = random_block(columns, 14, 0.5, 2), beta = random_block(columns, 15);
      const auto at = [](Index i) { return static_cast<std::size_t>(i); };
      std::vector<double> y(at(count)), dx(at(count)), means(at(rows)), scales(at(rows)), dgamma(at(columns)),
          dbeta(at(columns));
      for (Index r = 0; r < rows; ++r) {
        double mean = 0, squares = 0, plain = 0, weighted = 0;
        for (Index c = 0; c < columns; ++c) mean += x[r * columns + c] / static_cast<double>(columns);
        for (Index c = 0; c < columns; ++c) squares += std::pow(x[r * columns + c] - mean, 2);
        const double scale = 1 / std::sqrt(squares / static_cast<double>(columns) + kEpsilon);
        means[at(r)] = mean;
        scales[at(r)] = scale;
        for (Index c = 0; c < columns; ++c) {
          const Index i = r * columns + c;
          const double xhat = (x[i] - mean) * scale;
          y[at(i)] = xhat * gamma[c] + beta[c];
          plain += static_cast<double>(dy[i]) * gamma[c] / static_cast<double>(columns);
          weighted += static_cast<double>(dy[i]) * gamma[c] * xhat / static_cast<double>(columns);
          dgamma[at(c)] += dy[i] * xhat;
          dbeta[at(c)] += dy[i];
        }
        for (Index c = 0; c < columns; ++c) {
          const Index i = r * columns + c;
          dx[at(i)] =
              scale * (static_cast<double>(dy[i]) * gamma[c] - plain - (x[i] - mean) * scale * weighted);
        }
      }
      for (const Isa isa : all_sets()) {
        const NormKernels& k = kernels(isa).norm;
        CAPTURE(isa_name(isa));
        CAPTURE(rows);
        CAPTURE(columns);
        CAPTURE(center);
        Guarded got(count), mean(rows), inverse_std(rows), got_dx(count), got_dgamma(columns),
            got_dbeta(columns);
        k.layer_norm(rows, columns, kEpsilon, x.data(), gamma.data(), beta.data(), got.data(), mean.data(),
                     inverse_std.data());
        // With one column xhat is 0 times a great number, and what rounding leaves of it.
        const double rounding = 1 + center * kEps * (columns == 1 ? 0 : 4) / 4e-6;
        CHECK(worst_error(got, y, 1) <= 4e-6 * rounding);
        CHECK(worst_error(mean, means, 0.1) <= 6e-7);
        CHECK(worst_error(inverse_std, scales, 0) <= 6e-7 * rounding);
        Guarded in_place = x;
        k.layer_norm(rows, columns, kEpsilon, in_place.data(), gamma.data(), beta.data(), in_place.data(),
                     nullptr, nullptr);
        CHECK(in_place.equals(got));
        if (center != 0) continue;  // the gradients are given the rounded mean
        k.layer_norm_dx(rows, columns, x.data(), gamma.data(), mean.data(), inverse_std.data(), dy.data(),
                        got_dx.data());
        k.layer_norm_dparameters(rows, columns, x.data(), mean.data(), inverse_std.data(), dy.data(),
                                 got_dgamma.data(), got_dbeta.data());
        CHECK(worst_error(got_dx, dx, columns == 1 ? 300 : columns == 3 ? 100 : 5) <= 4e-6);
        CHECK(worst_error(got_dgamma, dgamma, 1 + static_cast<double>(rows)) <= 5e-6);
        CHECK(worst_error(got_dbeta, dbeta, 1 + static_cast<double>(rows)) <= 5e-6);
        Guarded in_place_dx = dy;
        k.layer_norm_dx(rows, columns, x.data(), gamma.data(), mean.data(), inverse_std.data(),
                        in_place_dx.data(), in_place_dx.data());
        CHECK(in_place_dx.equals(got_dx));
        Guarded alone(columns);
        k.layer_norm_dparameters(rows, columns, x.data(), mean.data(), inverse_std.data(), dy.data(), nullptr,
                                 alone.data());
        CHECK(alone.equals(got_dbeta));
        CHECK((got.intact() && mean.intact() && inverse_std.intact() && got_dx.intact() &&
               got_dgamma.intact()));
      }
    });
  }
}

TEST_CASE("softmax and its gradient are within 10 eps, in place too") {
  for (const double spread : {1.0, 40.0}) {
    for_each_size([&](Index rows, Index columns) {
      const Index count = rows * columns;
      const Guarded x = random_block(count, 16, 500 - spread, 500 + spread, 1), dy = random_block(count, 17);
      std::vector<double> want(static_cast<std::size_t>(count)), gradient = want;
      for (Index r = 0; r < rows; ++r) {
        double sum = 0, dot = 0;
        for (Index c = 0; c < columns; ++c) sum += std::exp(x[r * columns + c] - 500.0);
        for (Index c = 0; c < columns; ++c) {
          const auto i = static_cast<std::size_t>(r * columns + c);
          want[i] = std::exp(x[r * columns + c] - 500.0) / sum;
          dot += want[i] * dy[r * columns + c];
        }
        for (Index c = 0; c < columns; ++c) {
          const auto i = static_cast<std::size_t>(r * columns + c);
          gradient[i] = want[i] * (dy[r * columns + c] - dot);
        }
      }
      for (const Isa isa : all_sets()) {
        const NormKernels& k = kernels(isa).norm;
        CAPTURE(isa_name(isa));
        CAPTURE(columns);
        Guarded y(count), dx(count), in_place = x, in_place_dy = dy;
        k.softmax(rows, columns, x.data(), y.data());
        CHECK(worst_error(y, want, 1e-37) <= 10 * kEps);
        k.softmax(rows, columns, in_place.data(), in_place.data());
        CHECK(in_place.equals(y));
        k.softmax_gradient(rows, columns, y.data(), dy.data(), dx.data());
        CHECK(worst_error(dx, gradient, 1) <= 10 * kEps);
        k.softmax_gradient(rows, columns, y.data(), in_place_dy.data(), in_place_dy.data());
        CHECK(in_place_dy.equals(dx));
        CHECK((y.intact() && dx.intact()));
      }
    });
  }
}

TEST_CASE("softmax: what is minus infinity gets nothing, a NaN spoils its own row alone") {
  const real infinity = std::numeric_limits<real>::infinity();
  for (const Isa isa : all_sets()) {
    const real x[] = {1, -infinity, 1, std::numeric_limits<real>::quiet_NaN(), 2, 3, -1000, 1000, 0};
    real y[9];
    kernels(isa).norm.softmax(3, 3, x, y);
    CHECK((y[0] == real(0.5) && y[1] == 0 && y[2] == real(0.5)));
    CHECK((std::isnan(y[3]) && std::isnan(y[4]) && std::isnan(y[5])));
    CHECK((y[6] == 0 && y[7] == 1 && y[8] == 0));
  }
}
