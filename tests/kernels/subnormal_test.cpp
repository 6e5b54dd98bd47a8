// The stated arithmetic of every set and of the naive loops: what is subnormal counts as zero and becomes
// zero.
#include <doctest/doctest.h>

#include <algorithm>

#include "engine/base/float_mode.h"
#include "tests/kernels/close.h"

using namespace firn;

#if (defined(__x86_64__) || defined(__aarch64__)) && !defined(FIRN_DOUBLE)

namespace {

constexpr real kSubnormal = std::numeric_limits<real>::denorm_min() * 1000;
constexpr real kLeast = std::numeric_limits<real>::min();

Guarded block_of(Index count, real value, Index shift = 0) {
  Guarded block(count, shift);
  std::fill_n(block.data(), count, value);
  return block;
}

/// Elements whose bits are those of a subnormal number; comparisons would call it zero.
Index subnormals(const Guarded& block) {
  return std::count_if(block.data(), block.data() + block.count(),
                       [](real x) { return std::fpclassify(x) == FP_SUBNORMAL; });
}

Index zeros(const Guarded& block) {
  return std::count_if(block.data(), block.data() + block.count(),
                       [](real x) { return std::fpclassify(x) == FP_ZERO; });
}

}  // namespace

TEST_CASE("softmax of far apart logits has zeros for its small probabilities") {
  for (const Isa isa : all_sets()) {
    for (const Index columns : {2, 7, 16, 65, 111}) {
      INFO(isa_name(isa) << " " << columns);
      Guarded x(3 * columns), y(3 * columns), dx(3 * columns);
      for (Index i = 0; i < x.count(); ++i)
        x[i] = i % columns == 0 ? 0 : real(-87.5) - static_cast<real>(i % 16);
      kernels(isa).norm.softmax(3, columns, x.data(), y.data());
      CHECK(subnormals(y) > 0);  // without the mode they are there
      const FlushSubnormals flush;
      kernels(isa).norm.softmax(3, columns, x.data(), y.data());
      CHECK(subnormals(y) == 0);
      CHECK(zeros(y) == 3 * (columns - 1));
      const Guarded dy = block_of(3 * columns, 1);
      kernels(isa).norm.softmax_gradient(3, columns, y.data(), dy.data(), dx.data());
      CHECK(subnormals(dx) == 0);
    }
  }
}

TEST_CASE("the loss's probabilities and gradients of far apart logits") {
  for (const Isa isa : all_sets()) {
    const Index columns = 111;
    INFO(isa_name(isa));
    Guarded x = block_of(columns, -90), p(columns), losses(1), weights(1), dx(columns);
    x[5] = 0;
    const std::int32_t label = 5;
    const Guarded dlosses = block_of(1, real(0.125));
    const FlushSubnormals flush;
    const LossKernels& loss = kernels(isa).loss;
    loss.cross_entropy({}, 1, columns, x.data(), &label, losses.data(), weights.data(), p.data());
    CHECK(zeros(p) == columns - 1);
    loss.cross_entropy_gradient({}, 1, columns, p.data(), &label, dlosses.data(), dx.data());
    CHECK(subnormals(dx) == 0);
    CHECK(std::isfinite(losses[0]));
  }
}

TEST_CASE("what goes over memory once takes them for zero") {
  const FlushSubnormals flush;
  for (const Isa isa : all_sets()) {
    const ElementwiseKernels& k = kernels(isa).elementwise;
    for (const Index count : kSizes) {
      INFO(isa_name(isa) << " " << count);
      const Guarded tiny = block_of(count, kSubnormal, 1), least = block_of(count, kLeast),
                    ones = block_of(count, 1);
      Guarded y(count);
      k.multiply(count, tiny.data(), ones.data(), y.data());
      CHECK(zeros(y) == count);
      k.axpby(count, real(0.5), least.data(), 0, y.data());
      CHECK(zeros(y) == count);
      k.add(count, tiny.data(), tiny.data(), y.data());
      CHECK(zeros(y) == count);
      CHECK(k.sum_squares(count, tiny.data()) == 0);
    }
  }
}

TEST_CASE("a product of them is zero") {
  const FlushSubnormals flush;
  for (const Isa isa : all_sets()) {
    const GemmKernels& k = kernels(isa).gemm;
    for (const Index n : {1, 5, 33}) {
      INFO(isa_name(isa) << " " << n);
      const Guarded a = block_of(4 * 9, kSubnormal), b = block_of(9 * n, 1),
                    small = block_of(9 * n, real(1e-30));
      Guarded c(4 * n);
      Gemm call;
      call.m = 4, call.n = n, call.k = 9;
      call.a = a.data(), call.ams = 9;
      call.b = b.data(), call.ldb = n;
      call.c = c.data(), call.ldc = n;
      k.product(call);
      CHECK(zeros(c) == 4 * n);
      const Guarded a2 = block_of(4 * 9, real(1e-10));
      call.a = a2.data(), call.b = small.data();
      k.product(call);
      CHECK(zeros(c) == 4 * n);
    }
  }
}

TEST_CASE("the moments of rows without a gradient never become subnormal") {
  const Index count = 37;
  const Guarded gradient(count);
  for (const Isa isa : all_sets()) {
    INFO(isa_name(isa));
    const UpdateKernels& k = kernels(isa).update;
    Guarded value = block_of(count, 1), first = block_of(count, kLeast * 4),
            second = block_of(count, kLeast * 2), square = block_of(count, kLeast * 4),
            momentum = block_of(count, kLeast * 4);
    AdamRule adam;
    adam.rate = real(1e-3), adam.beta1 = real(0.9), adam.beta2 = real(0.5), adam.epsilon = real(1e-8);
    RmspropRule rmsprop;
    rmsprop.rate = real(1e-3), rmsprop.alpha = real(0.5), rmsprop.epsilon = real(1e-8);
    SgdRule sgd;
    sgd.rate = real(1e-3), sgd.momentum = real(0.5);
    const FlushSubnormals flush;
    for (int step = 0; step < 20; ++step) {
      k.adam(adam, count, gradient.data(), value.data(), first.data(), second.data());
      k.rmsprop(rmsprop, count, gradient.data(), value.data(), square.data(), nullptr);
      k.sgd(sgd, count, gradient.data(), value.data(), momentum.data());
      for (const Guarded* moment : {&first, &second, &square, &momentum}) CHECK(subnormals(*moment) == 0);
    }
    CHECK(zeros(second) == count);
    CHECK(zeros(square) == count);
    CHECK(zeros(momentum) == count);
    CHECK((value.intact() && first.intact() && second.intact()));
  }
}

#endif
