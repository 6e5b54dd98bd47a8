#include <doctest/doctest.h>

#include <bit>

#include "tests/kernels/close.h"

using namespace firn;

namespace {

/// The loss of one row of logits, straight from the definition.
double direct_loss(const CrossEntropy& rule, const std::vector<double>& x, int label) {
  const auto columns = static_cast<double>(x.size());
  double top = x[0], sum = 0, loss = 0;
  for (const double v : x) top = std::max(top, v);
  for (const double v : x) sum += std::exp(v - top);
  for (std::size_t c = 0; c < x.size(); ++c) {
    const double target =
        (static_cast<int>(c) == label ? 1.0 - rule.smoothing : 0.0) + rule.smoothing / columns;
    const double weight = rule.class_weights != nullptr ? rule.class_weights[c] : 1;
    loss -= weight * target * (x[c] - top - std::log(sum));
  }
  return loss;
}

}  // namespace

TEST_CASE("cross-entropy is the formula, its gradient the slope of the formula") {
  for (const Index rows : {0, 1, 5}) {
    for (const Index columns : {1, 2, 3, 7, 10, 15, 16, 17, 33, 100}) {
      for (const bool weighted : {false, true}) {
        for (const double smoothing : {0.0, 0.1}) {
          const Guarded x = random_block(rows * columns, 1, -5, 5, 1),
                        class_weights = random_block(columns, 2, 0.5, 2),
                        dlosses = random_block(rows, 3, 0.5, 2);
          const CrossEntropy rule{weighted ? class_weights.data() : nullptr, static_cast<real>(smoothing)};
          std::vector<std::int32_t> labels;
          for (Index r = 0; r < rows; ++r)
            labels.push_back(r == 3 ? -100 : static_cast<int>(r * 7 % columns));
          std::vector<double> losses, weights, gradient;
          for (Index r = 0; r < rows; ++r) {
            const int label = labels[static_cast<std::size_t>(r)];
            std::vector<double> row(x.data() + r * columns, x.data() + (r + 1) * columns);
            losses.push_back(label < 0 ? 0 : direct_loss(rule, row, label));
            weights.push_back(label < 0 ? 0 : weighted ? static_cast<double>(class_weights[label]) : 1);
            for (double& v : row) {
              constexpr double kStep = 1e-5;
              const double before = v;
              v = before + kStep;
              const double above = direct_loss(rule, row, label);
              v = before - kStep;
              const double slope = (above - direct_loss(rule, row, label)) / (2 * kStep);
              v = before;
              gradient.push_back(label < 0 ? 0 : slope * dlosses[r]);
            }
          }
          for (const Isa isa : all_sets()) {
            const LossKernels& k = kernels(isa).loss;
            CAPTURE(isa_name(isa));
            CAPTURE(columns);
            Guarded got(rows), got_weights(rows, 1), probabilities(rows * columns), alone(rows),
                dx(rows * columns);
            k.cross_entropy(rule, rows, columns, x.data(), labels.data(), got.data(), got_weights.data(),
                            probabilities.data());
            CHECK(worst_error(got, losses, 0.1) <= 4e-6);
            CHECK(worst_error(got_weights, weights, 0) == 0);
            k.cross_entropy(rule, rows, columns, x.data(), labels.data(), alone.data(), got_weights.data(),
                            nullptr);
            CHECK(alone.equals(got));
            Guarded softmax(rows * columns);
            kernels(isa).norm.softmax(rows, columns, x.data(), softmax.data());
            CHECK(worst_error(probabilities, softmax, 0) <= 1e-6);
            k.cross_entropy_gradient(rule, rows, columns, probabilities.data(), labels.data(), dlosses.data(),
                                     dx.data());
            CHECK(worst_error(dx, gradient, 1) <= 4e-6);
            CHECK((got.intact() && got_weights.intact() && probabilities.intact() && dx.intact()));
            Guarded in_place = probabilities;
            k.cross_entropy_gradient(rule, rows, columns, in_place.data(), labels.data(), dlosses.data(),
                                     in_place.data());
            CHECK(in_place.equals(dx));
          }
        }
      }
    }
  }
}

TEST_CASE("cross-entropy of great logits neither overflows nor hides a NaN") {
  const real x[] = {1000, -1000, 1000, -1000, std::numeric_limits<real>::quiet_NaN(), 0};
  const std::int32_t labels[] = {0, 1, 1};
  for (const Isa isa : all_sets()) {
    real losses[3], weights[3];
    kernels(isa).loss.cross_entropy({}, 3, 2, x, labels, losses, weights, nullptr);
    CHECK(losses[0] == 0);
    CHECK(losses[1] == 2000);
    CHECK(std::isnan(losses[2]));
  }
}

TEST_CASE("binary cross-entropy and its gradient") {
  for (const Index count : kSizes) {
    const Guarded x = random_block(count, 4, -8, 8, 1), target = random_block(count, 5, 0, 1),
                  dlosses = random_block(count, 6);
    std::vector<double> losses, gradient;
    for (Index i = 0; i < count; ++i) {
      const double p = 1 / (1 + std::exp(-static_cast<double>(x[i])));
      losses.push_back(-target[i] * std::log(p) - (1 - static_cast<double>(target[i])) * std::log1p(-p));
      gradient.push_back(dlosses[i] * (p - target[i]));
    }
    for (const Isa isa : all_sets()) {
      Guarded got(count), dx(count, 1);
      kernels(isa).loss.binary_cross_entropy(count, x.data(), target.data(), got.data());
      kernels(isa).loss.binary_cross_entropy_gradient(count, x.data(), target.data(), dlosses.data(),
                                                      dx.data());
      CHECK(worst_error(got, losses, 0.5) <= 4e-6);
      CHECK(worst_error(dx, gradient, 0.5) <= 4e-6);
      CHECK((got.intact() && dx.intact()));
    }
  }
}

TEST_CASE("log(1 + exp(x)), the loss of target 0, is within 8 ulp over all floats") {
  std::vector<real> x{0, real(-0.0), real(88.8), real(-88.8), real(-103.9)};
  for (std::uint64_t bits = 0; bits < (1ull << 32); bits += 3001) {
    x.push_back(static_cast<real>(std::bit_cast<float>(static_cast<std::uint32_t>(bits))));
  }
  const std::vector<real> zeros(x.size());
  std::vector<real> y(x.size());
  for (const Isa isa : fast_sets()) {
    kernels(isa).loss.binary_cross_entropy(static_cast<Index>(x.size()), x.data(), zeros.data(), y.data());
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (std::isinf(x[i])) continue;  // x * target is infinity * 0
      const double v = x[i];
      const double error =
          ulp_error(static_cast<float>(y[i]), (v > 0 ? v : 0) + std::log1p(std::exp(-std::abs(v))));
      if (!(error <= worst)) worst = error;
    }
    CHECK_MESSAGE(worst <= 8, isa_name(isa));
  }
}
