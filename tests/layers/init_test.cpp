#include "layers/init.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "engine/tensor/eigen.h"
#include "layers/conv2d.h"
#include "layers/dense.h"
#include "layers/embedding.h"
#include "layers/norm.h"
#include "layers/recurrent.h"
#include "layers/sequential.h"
#include "tests/layers/support.h"

using namespace firn;
using namespace firn::test;

namespace {

struct Moments {
  double mean = 0, variance = 0, greatest = 0;
};

Moments moments(const Tensor& t) {
  Moments m;
  const auto n = static_cast<double>(t.count());
  for (const real x : t.values()) m.mean += static_cast<double>(x) / n;
  for (const real x : t.values()) {
    m.variance += (static_cast<double>(x) - m.mean) * (static_cast<double>(x) - m.mean) / n;
    m.greatest = std::max(m.greatest, std::abs(static_cast<double>(x)));
  }
  return m;
}

/// Five standard errors of the mean and of the variance of `n` draws.
void check_moments(const Tensor& t, double variance) {
  const Moments m = moments(t);
  const auto n = static_cast<double>(t.count());
  CHECK(std::abs(m.mean) <= 5 * std::sqrt(variance / n));
  CHECK(std::abs(m.variance - variance) <= 5 * variance * std::sqrt(2 / n));
}

void check_uniform(const Tensor& t, double bound) {
  check_moments(t, bound * bound / 3);
  const double greatest = moments(t).greatest;
  CHECK(greatest <= bound * (1 + 1e-6));
  CHECK(greatest >= bound * (1 - 20.0 / static_cast<double>(t.count())));
}

const Tensor& value(const Layer& layer, std::size_t i) {
  return layer.parameters()[i].parameter->value();
}

void check_orthogonal(const Tensor& t) {
  const auto w = matrix(t);
  const Index small = std::min(w.rows(), w.cols());
  const Matrix product = w.rows() >= w.cols() ? Matrix(w.transpose() * w) : Matrix(w * w.transpose());
  CHECK((product - Matrix::Identity(small, small)).cwiseAbs().maxCoeff() <= real(2e-6));
}

}  // namespace

TEST_CASE("by default layers start as PyTorch's do") {
  const auto conv = make<Conv2d>({.in = 16, .out = 32, .kernel = {3, 5}, .groups = 2});
  conv->initialise(1);
  check_uniform(value(*conv, 0), 1 / std::sqrt(8.0 * 15));
  CHECK(moments(value(*conv, 1)).greatest <= 1 / std::sqrt(8.0 * 15));
  CHECK(moments(value(*conv, 1)).greatest > 0);

  const auto dense = make<Dense>({.in = 100, .out = 50});
  dense->initialise(1);
  check_uniform(value(*dense, 0), 0.1);
  check_uniform(value(*dense, 1), 0.1);

  const auto lstm = make<Lstm>({.in = 10, .hidden = 64, .layers = 2});
  lstm->initialise(1);
  for (std::size_t i = 0; i < 8; ++i) check_uniform(value(*lstm, i), 1.0 / 8);

  const auto table = make<Embedding>({.vocabulary = 100, .features = 64});
  table->initialise(1);
  check_moments(value(*table, 0), 1);

  const auto norm = make<BatchNorm>({.channels = 5});
  norm->initialise(1);
  for (const std::size_t i : {0u, 3u}) CHECK(matrix(value(*norm, i)).isOnes(0));
  for (const std::size_t i : {1u, 2u}) CHECK(matrix(value(*norm, i)).isZero(0));
}

TEST_CASE("He, Xavier and orthogonal starts") {
  const auto conv = make<Conv2d>({.in = 16, .out = 64});
  const Tensor bias = [&] {
    conv->initialise(1);
    return value(*conv, 1).clone();
  }();
  conv->initialise(1, Scheme::he);
  check_moments(value(*conv, 0), 2.0 / (16 * 9));
  CHECK(std::memcmp(bias.raw(), value(*conv, 1).raw(), static_cast<std::size_t>(bias.bytes())) == 0);
  conv->initialise(1, Scheme::xavier);
  check_uniform(value(*conv, 0), std::sqrt(6.0 / (16 * 9 + 64 * 9)));
  conv->initialise(1, Scheme::orthogonal);
  check_orthogonal(value(*conv, 0));

  // The scheme stays: what a policy begins anew begins as the rest did.
  conv->initialise(1, Scheme::he);
  conv->initialise(2);
  check_moments(value(*conv, 0), 2.0 / (16 * 9));
  conv->zero_initialise();
  conv->initialise(3);
  for (const std::size_t i : {0, 1}) CHECK(matrix(value(*conv, i)).isZero(0));
  const auto norm = make<BatchNorm>({.channels = 5});
  norm->zero_initialise();
  norm->initialise(1);
  CHECK(matrix(value(*norm, 0)).isOnes(0));

  const auto lstm = make<Lstm>({.in = 16, .hidden = 32});
  lstm->initialise(1);
  const Tensor gates = value(*lstm, 0).clone();
  lstm->initialise(1, Scheme::he);
  CHECK(std::memcmp(gates.raw(), value(*lstm, 0).raw(), static_cast<std::size_t>(gates.bytes())) == 0);

  for (const Shape& shape : {Shape{7, 7}, Shape{20, 3}, Shape{3, 20}, Shape{1, 1}, Shape{5}}) {
    CAPTURE(shape.text());
    Tensor t(shape);
    fill_orthogonal(t, Random(3, "test"));
    check_orthogonal(t);
    Tensor doubled(shape);
    fill_orthogonal(doubled, Random(3, "test"), 2);
    for (Index i = 0; i < t.count(); ++i) CHECK(doubled.data()[i] == 2 * t.data()[i]);
  }
}

TEST_CASE("the same seed gives the same bytes, whatever stands beside") {
  const auto same = [](const Tensor& a, const Tensor& b) {
    return std::memcmp(a.raw(), b.raw(), static_cast<std::size_t>(a.bytes())) == 0;
  };
  const auto dense = [] { return make<Dense>({.in = 8, .out = 8}); };
  Sequential one;
  one.add("a", dense()).add("b", dense());
  one.initialise(7);
  Sequential two;
  two.add("new", dense()).add("b", dense()).add("a", dense());
  two.initialise(7);
  CHECK(same(value(one, 0), value(two, 4)));
  CHECK(same(value(one, 2), value(two, 2)));
  CHECK_FALSE(same(value(one, 0), value(one, 2)));
  const Tensor before = value(one, 0).clone();
  one.initialise(8);
  CHECK_FALSE(same(before, value(one, 0)));
  one.initialise(7);
  CHECK(same(before, value(one, 0)));
}
