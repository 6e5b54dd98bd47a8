#include <doctest/doctest.h>

#include <Eigen/Core>

#include "tests/kernels/close.h"
#include "tests/kernels/guarded.h"

using namespace firn;

namespace {

enum class Left { rows, columns, crowded };
enum class Right { packed, packed_transposed, plain, crowded };

struct Case {
  Index m, n, k;
  Left left;
  Right right;
  bool accumulate;
  int terms;  ///< bits: scale, shift, residual
  Activation activation;
};

/// One product with guarded operands; the same numbers whatever the table.
struct Problem {
  explicit Problem(const Case& a_case)
      : c(a_case),
        ams(c.left == Left::columns ? 1
            : c.left == Left::rows  ? c.k + 2
                                    : 512),
        aks(c.left == Left::columns ? c.m + 1 : 1),
        ldb(c.right == Right::crowded ? 512 : c.n + (c.right == Right::plain ? 5 : 0)),
        ldc(c.n + 3),
        a(extent(c.m, ams, c.k, aks)),
        b(extent(c.k, ldb, c.n, 1)),
        out(extent(c.m, ldc, c.n, 1), 1),
        residual(out.count()),
        scale(c.n),
        shift(c.n) {
    a.fill(1);
    b.fill(2);
    out.fill(3);
    residual.fill(4);
    scale.fill(5, 2);
    shift.fill(6);
  }

  static Index extent(Index rows, Index stride, Index columns, Index step) {
    return rows > 0 && columns > 0 ? (rows - 1) * stride + (columns - 1) * step + 1 : 0;
  }

  void run(const GemmKernels& gemm) {
    Guarded packed(gemm.packed_count(c.k, c.n)), transposed(c.k * c.n);
    Gemm call{.m = c.m,
              .n = c.n,
              .k = c.k,
              .a = a.data(),
              .ams = ams,
              .aks = aks,
              .b = b.data(),
              .ldb = ldb,
              .c = out.data(),
              .ldc = ldc,
              .accumulate = c.accumulate,
              .epilogue = {}};
    if (c.right == Right::packed) {
      gemm.pack(c.k, c.n, b.data(), ldb, packed.data());
    } else if (c.right == Right::packed_transposed) {
      for (Index i = 0; i < c.k; ++i) {
        for (Index j = 0; j < c.n; ++j) transposed[j * c.k + i] = b[i * ldb + j];
      }
      gemm.pack_transposed(c.k, c.n, transposed.data(), c.k, packed.data());
    }
    if (c.right == Right::packed || c.right == Right::packed_transposed) {
      call.b = packed.data();
      call.ldb = 0;
    }
    call.epilogue.scale = (c.terms & 1) != 0 ? scale.data() : nullptr;
    call.epilogue.shift = (c.terms & 2) != 0 ? shift.data() : nullptr;
    call.epilogue.residual = (c.terms & 4) != 0 ? residual.data() : nullptr;
    call.epilogue.activation = c.activation;
    call.epilogue.slope = real(0.5);
    gemm.product(call);
    CHECK(packed.intact());
    CHECK(out.intact());
  }

  Case c;
  Index ams, aks, ldb, ldc;
  Guarded a, b, out, residual, scale, shift;
};

template <class F>
void for_each_case(const F& f) {
  constexpr Activation activations[] = {Activation::none, Activation::relu, Activation::leaky_relu};
  int turn = 0;
  for (const Index m : {0, 1, 3, 7, 13, 14, 15, 28, 29, 61}) {
    for (const Index n : {0, 1, 3, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 48, 70}) {
      for (const Index k : {0, 1, 7, 64, 257, 520}) {
        if (m * n * k > 400000) continue;
        for (const Right right : {Right::packed, Right::packed_transposed, Right::plain}) {
          ++turn;
          f(Case{m, n, k, turn % 2 != 0 ? Left::rows : Left::columns, right, turn % 5 < 2, turn % 8,
                 activations[turn % 3]});
        }
      }
    }
  }
  for (const Index m : {1, 60, 130}) {
    for (const Index n : {5, 40, 64}) {
      f(Case{m, n, 511, Left::crowded, Right::crowded, false, 0, Activation::none});
      f(Case{m, n, 511, Left::columns, Right::crowded, true, 7, Activation::relu});
    }
  }
  f(Case{700, 9, 40, Left::rows, Right::packed, false, 7, Activation::relu});
}

}  // namespace

TEST_CASE("the naive product is the formula") {
  const GemmKernels& gemm = kernels(Isa::naive).gemm;
  for_each_case([&](const Case& c) {
    if (c.m * c.n == 0 || c.k == 0) return;
    Problem p(c);
    using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic>;
    Matrix a(c.m, c.k), b(c.k, c.n), want(c.m, c.n);
    for (Index i = 0; i < c.m; ++i) {
      for (Index k = 0; k < c.k; ++k) a(i, k) = double(p.a[i * p.ams + k * p.aks]);
    }
    for (Index k = 0; k < c.k; ++k) {
      for (Index j = 0; j < c.n; ++j) b(k, j) = double(p.b[k * p.ldb + j]);
    }
    want = a * b;
    for (Index i = 0; i < c.m; ++i) {
      for (Index j = 0; j < c.n; ++j) {
        double& z = want(i, j);
        if (c.accumulate) z += double(p.out[i * p.ldc + j]);
        if ((c.terms & 1) != 0) z *= double(p.scale[j]);
        if ((c.terms & 2) != 0) z += double(p.shift[j]);
        if ((c.terms & 4) != 0) z += double(p.residual[i * p.ldc + j]);
        if (z < 0 && c.activation == Activation::relu) z = 0;
        if (z < 0 && c.activation == Activation::leaky_relu) z *= 0.5;
      }
    }
    p.run(gemm);
    bool same = true;
    for (Index i = 0; i < c.m; ++i) {
      for (Index j = 0; j < c.n; ++j) same = same && double(p.out[i * p.ldc + j]) == want(i, j);
    }
    CHECK_MESSAGE(same, "m ", c.m, " n ", c.n, " k ", c.k);
  });
}

TEST_CASE("every set's product equals the naive one to the bit") {
  for_each_case([&](const Case& c) {
    Problem naive(c);
    naive.run(kernels(Isa::naive).gemm);
    for (const Isa isa : fast_sets()) {
      Problem fast(c);
      fast.run(kernels(isa).gemm);
      CHECK_MESSAGE(fast.out.equals(naive.out), isa_name(isa), " m ", c.m, " n ", c.n, " k ", c.k, " terms ",
                    c.terms, " right ", static_cast<int>(c.right));
    }
  });
}

TEST_CASE("the other activations follow the product") {
  for (const Activation activation :
       {Activation::gelu, Activation::silu, Activation::sigmoid, Activation::tanh}) {
    for (const Index n : {5, 40}) {
      const Case c{30, n, 20, Left::rows, Right::packed, false, 2, activation};
      Problem naive(c);
      for (Index i = 0; i < naive.a.count(); ++i) naive.a[i] *= real(0.0625);
      const Guarded a = naive.a;
      naive.run(kernels(Isa::naive).gemm);
      for (const Isa isa : fast_sets()) {
        Problem fast(c);
        fast.a = a;
        fast.run(kernels(isa).gemm);
        real worst = 0;
        for (Index i = 0; i < 30; ++i) {
          for (Index j = 0; j < n; ++j) {
            const real want = naive.out[i * naive.ldc + j];
            const real error = std::abs(fast.out[i * fast.ldc + j] - want) / (1 + std::abs(want));
            if (!(error <= worst)) worst = error;
          }
        }
        CHECK(worst <= real(2e-6));
      }
    }
  }
}

TEST_CASE("a NaN passes through relu") {
  for (const Isa isa : kIsas) {
    if (!isa_available(isa)) continue;
    Problem p(Case{2, 3, 2, Left::rows, Right::packed, false, 0, Activation::relu});
    p.a[0] = std::numeric_limits<real>::quiet_NaN();
    p.run(kernels(isa).gemm);
    CHECK(std::isnan(p.out[0]));
    CHECK(!std::isnan(p.out[p.ldc]));
  }
}

TEST_CASE("a row's bits do not depend on the number of rows") {
  for (const Isa isa : fast_sets()) {
    const GemmKernels& gemm = kernels(isa).gemm;
    constexpr Index m = 47, n = 40, k = 300;
    Guarded a(m * k), b(k * n), packed(gemm.packed_count(k, n)), all(m * n), one(n);
    a.fill(1);
    b.fill(2);
    for (Index i = 0; i < a.count(); ++i) a[i] = a[i] / 7 + real(0.1);
    for (Index i = 0; i < b.count(); ++i) b[i] = b[i] / 3 - real(0.2);
    gemm.pack(k, n, b.data(), n, packed.data());
    Gemm call{.m = m,
              .n = n,
              .k = k,
              .a = a.data(),
              .ams = k,
              .aks = 1,
              .b = packed.data(),
              .ldb = 0,
              .c = all.data(),
              .ldc = n,
              .accumulate = false,
              .epilogue = {}};
    gemm.product(call);
    call.m = 1;
    call.c = one.data();
    for (Index i = 0; i < m; ++i) {
      call.a = a.data() + i * k;
      gemm.product(call);
      CHECK(std::memcmp(one.data(), all.data() + i * n, n * sizeof(real)) == 0);
    }
  }
}

TEST_CASE("sums over k run in ascending order within blocks of a fixed length, whatever the tile") {
  // The truth, written once more: blocks of at most 256 terms, the shorter ones first, each summed from zero.
  const auto truth = [](Index k, const real* a, const real* b, Index ldb, bool fused) {
    const Index blocks = std::max<Index>(1, (k + 255) / 256);
    real total = 0;
    for (Index block = 0, p = 0; block < blocks; ++block) {
      const Index end = p + (k - p) / (blocks - block);
      real sum = 0;
      for (; p < end; ++p) {
        sum = fused ? std::fma(a[p], b[p * ldb], sum) : sum + static_cast<real>(a[p] * b[p * ldb]);
      }
      total = block == 0 ? sum : total + sum;
    }
    return total;
  };
  for (const Isa isa : fast_sets()) {
    const GemmKernels& gemm = kernels(isa).gemm;
    for (const Index k : {1, 5, 63, 192, 193, 256, 257, 511, 784}) {
      for (const Index n : {3, 16, 17, 32, 40, 64}) {
        for (const Index m : {1, 2, 5, 13, 14, 15, 27, 29, 61}) {
          const Guarded a = random_block(m * k, 1), b = random_block(k * n, 2);
          Guarded packed(gemm.packed_count(k, n)), c(m * n);
          gemm.pack(k, n, b.data(), n, packed.data());
          Gemm call;
          call.m = m;
          call.n = n;
          call.k = k;
          call.a = a.data();
          call.ams = k;
          call.b = packed.data();
          call.c = c.data();
          call.ldc = n;
          gemm.product(call);
          Index different = 0;
          for (Index i = 0; i < m; i += 3) {
            for (Index j = 0; j < n; ++j) {
              const real want = truth(k, a.data() + i * k, b.data() + j, n, isa != Isa::generic);
              different += c[i * n + j] != want;
            }
          }
          CHECK_MESSAGE(different == 0, isa_name(isa), " m ", m, " n ", n, " k ", k);
        }
      }
    }
  }
}

TEST_CASE("column sums") {
  for (const Index m : {0, 1, 3, 4, 7, 50}) {
    for (const Index n : {0, 1, 7, 8, 15, 16, 17, 40}) {
      for (const bool accumulate : {false, true}) {
        Guarded x(Problem::extent(m, n + 2, n, 1));
        Guarded want(n);
        x.fill(1);
        want.fill(2);
        const Guarded before = want;
        for (Index j = 0; j < n; ++j) {
          if (!accumulate) want[j] = 0;
          for (Index i = 0; i < m; ++i) want[j] += x[i * (n + 2) + j];
        }
        for (const Isa isa : kIsas) {
          if (!isa_available(isa)) continue;
          Guarded out = before;
          kernels(isa).gemm.column_sum(m, n, x.data(), n + 2, out.data(), accumulate);
          CHECK_MESSAGE(out.equals(want), isa_name(isa), " m ", m, " n ", n);
          CHECK(out.intact());
        }
      }
    }
  }
}
