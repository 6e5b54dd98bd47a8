#include <doctest/doctest.h>

#include <string>

#include "tests/kernels/guarded.h"

using namespace firn;

namespace {

struct Case {
  PoolGeometry g;
  Index n;
};

/// Ceil rounding adds a last window where it still touches the image or its padding before, as PyTorch has
/// it.
Index pooled(Index size, Index k, Index stride, Index pad, bool ceil) {
  Index out = (size + 2 * pad - k + (ceil ? stride - 1 : 0)) / stride + 1;
  if (ceil && (out - 1) * stride >= size + pad) --out;
  return out;
}

std::vector<Case> cases() {
  std::vector<Case> list;
  const auto add = [&](Index h, Index w, Index c, Index kh, Index kw, Index stride_h, Index stride_w,
                       Index pad_h, Index pad_w, bool ceil, Index n) {
    if (h + 2 * pad_h < kh || w + 2 * pad_w < kw || 2 * pad_h > kh || 2 * pad_w > kw) return;
    PoolGeometry g;
    g.h = h;
    g.w = w;
    g.c = c;
    g.kh = kh;
    g.kw = kw;
    g.stride_h = stride_h;
    g.stride_w = stride_w;
    g.pad_h = pad_h;
    g.pad_w = pad_w;
    g.oh = pooled(h, kh, stride_h, pad_h, ceil);
    g.ow = pooled(w, kw, stride_w, pad_w, ceil);
    list.push_back({g, n});
  };
  for (const Index k : {1, 2, 3}) {
    for (const Index stride : {1, 2, 3}) {
      for (const Index pad : {0, 1}) {
        for (const bool ceil : {false, true}) {
          for (const Index size : {1, 2, 5, 8})
            add(size, size + 1, 5, k, k, stride, stride, pad, pad, ceil, 2);
        }
      }
    }
  }
  for (const Index c : {0, 1, 3, 4, 7, 8, 9, 15, 16, 17, 40}) add(6, 6, c, 2, 2, 2, 2, 0, 0, false, 3);
  for (const Index c : {1, 2, 5, 6, 10}) add(7, 21, c, 2, 2, 2, 2, 0, 0, false, 2);  // windows share a vector
  add(9, 4, 18, 3, 2, 1, 2, 1, 0, true, 2);
  add(16, 15, 3, 15, 15, 1, 1, 0, 0, false, 1);
  add(4, 4, 3, 2, 2, 2, 2, 0, 0, false, 0);
  return list;
}

std::string text(const Case& c) {
  const PoolGeometry& g = c.g;
  const auto s = [](Index i) { return std::to_string(i); };
  return s(c.n) + " images " + s(g.h) + "x" + s(g.w) + "x" + s(g.c) + " -> " + s(g.oh) + "x" + s(g.ow) +
         " window " + s(g.kh) + "x" + s(g.kw) + " stride " + s(g.stride_h) + "x" + s(g.stride_w) + " pad " +
         s(g.pad_h) + "x" + s(g.pad_w);
}

constexpr std::uint8_t kGuardByte = 0xab;

struct Problem {
  Problem(const Case& c, const PoolKernels& kernel_table)
      : g(c.g),
        n(c.n),
        pool(kernel_table),
        x(n * g.h * g.w * g.c),
        y(n * g.oh * g.ow * g.c, 1),
        dy(y.count()),
        dx(x.count(), 1),
        average(y.count()),
        average_dx(x.count()),
        bytes(static_cast<std::size_t>(y.count() + 64), kGuardByte) {
    x.fill(1);
    dy.fill(2);
    spoil(y);
    spoil(dx);
    spoil(average);
    spoil(average_dx);
  }

  static void spoil(Guarded& block) {
    for (Index i = 0; i < block.count(); ++i) block[i] = std::numeric_limits<real>::quiet_NaN();
  }

  void run() {
    std::uint8_t* const position = bytes.data() + 32;
    pool.max_forward(g, n, x.data(), y.data(), position);
    pool.max_gradient(g, n, dy.data(), position, dx.data());
    pool.average_forward(g, n, x.data(), average.data());
    Guarded scaled = dy;  // divisible by every number of places of the small windows
    for (Index i = 0; i < scaled.count(); ++i) scaled[i] *= real(36);
    pool.average_gradient(g, n, scaled.data(), average_dx.data());
    CHECK((y.intact() && dx.intact() && average.intact() && average_dx.intact()));
    for (std::size_t i = 0; i < 32; ++i) {
      CHECK((bytes[i] == kGuardByte && bytes[bytes.size() - 1 - i] == kGuardByte));
    }
    Guarded without(y.count());
    pool.max_forward(g, n, x.data(), without.data(), nullptr);
    CHECK(without.equals(y));
  }

  PoolGeometry g;
  Index n;
  const PoolKernels& pool;
  Guarded x, y, dy, dx, average, average_dx;
  std::vector<std::uint8_t> bytes;
};

}  // namespace

TEST_CASE("naive pooling is the formula") {
  for (const bool count_padding : {true, false}) {
    for (Case c : cases()) {
      c.g.count_padding = count_padding;
      const PoolGeometry& g = c.g;
      Problem p(c, kernels(Isa::naive).pool);
      p.run();
      std::vector<double> dx(static_cast<std::size_t>(p.x.count())), average_dx(dx.size());
      bool good = true;
      for (Index y = 0; y < p.y.count(); ++y) {
        const Index channel = y % g.c, j = y / g.c % g.ow, i = y / g.c / g.ow % g.oh,
                    image = y / g.c / g.ow / g.oh;
        const auto at = [&](Index row, Index column) {
          return ((image * g.h + row) * g.w + column) * g.c + channel;
        };
        double greatest = -std::numeric_limits<double>::infinity(), sum = 0;
        Index place = -1, inside = 0, padded = 0;
        std::vector<Index> members;
        for (Index a = 0; a < g.kh; ++a) {
          for (Index b = 0; b < g.kw; ++b) {
            const Index row = i * g.stride_h - g.pad_h + a, column = j * g.stride_w - g.pad_w + b;
            padded += row < g.h + g.pad_h && column < g.w + g.pad_w;
            if (row < 0 || row >= g.h || column < 0 || column >= g.w) continue;
            ++inside;
            members.push_back(at(row, column));
            const double value = double(p.x[at(row, column)]);
            sum += value;
            if (value > greatest) {
              greatest = value;
              place = a * g.kw + b;
            }
          }
        }
        const double divisor = static_cast<double>(count_padding ? padded : inside);
        good = good && double(p.y[y]) == greatest && p.bytes[static_cast<std::size_t>(32 + y)] == place &&
               std::abs(double(p.average[y]) - sum / divisor) <= 1e-6;
        dx[static_cast<std::size_t>(at(i * g.stride_h - g.pad_h + place / g.kw,
                                       j * g.stride_w - g.pad_w + place % g.kw))] += double(p.dy[y]);
        for (const Index member : members)
          average_dx[static_cast<std::size_t>(member)] += 36 * double(p.dy[y]) / divisor;
      }
      for (std::size_t i = 0; i < dx.size(); ++i) {
        good = good && double(p.dx[static_cast<Index>(i)]) == dx[i] &&
               std::abs(double(p.average_dx[static_cast<Index>(i)]) - average_dx[i]) <= 1e-4;
      }
      CHECK_MESSAGE(good, text(c), " count_padding ", count_padding);
    }
  }
}

TEST_CASE("every set's pooling equals the naive one to the bit") {
  for (const bool count_padding : {true, false}) {
    for (Case c : cases()) {
      c.g.count_padding = count_padding;
      Problem naive(c, kernels(Isa::naive).pool);
      naive.run();
      for (const Isa isa : fast_sets()) {
        Problem fast(c, kernels(isa).pool);
        fast.run();
        CHECK_MESSAGE(fast.y.equals(naive.y), isa_name(isa), " ", text(c));
        CHECK_MESSAGE(fast.bytes == naive.bytes, isa_name(isa), " ", text(c));
        CHECK_MESSAGE(fast.dx.equals(naive.dx), isa_name(isa), " ", text(c));
        CHECK_MESSAGE(fast.average.equals(naive.average), isa_name(isa), " ", text(c));
        CHECK_MESSAGE(fast.average_dx.equals(naive.average_dx), isa_name(isa), " ", text(c));
      }
    }
  }
}

TEST_CASE("a NaN wins its window, the first of several; equals go to the first") {
  const real nan = std::numeric_limits<real>::quiet_NaN(), infinity = std::numeric_limits<real>::infinity();
  PoolGeometry g;
  g.h = g.w = g.kh = g.kw = g.stride_h = g.stride_w = 2;
  g.c = 4;
  g.oh = g.ow = 1;
  const real x[16] = {1,   2, -infinity, 7,    // the four channels of each place
                      nan, 2, -infinity, nan,  //
                      nan, 5, -infinity, 8,    //
                      3,   5, -infinity, 9};
  for (const Isa isa : kIsas) {
    if (!isa_available(isa)) continue;
    real y[4];
    std::uint8_t position[4];
    kernels(isa).pool.max_forward(g, 1, x, y, position);
    CHECK((std::isnan(y[0]) && position[0] == 1));
    CHECK((y[1] == 5 && position[1] == 2));
    CHECK((y[2] == -infinity && position[2] == 0));
    CHECK((std::isnan(y[3]) && position[3] == 1));
  }
}

TEST_CASE("global averages") {
  for (const Index c : {0, 1, 7, 8, 15, 16, 17, 33}) {
    for (const Index pixels : {1, 3, 4, 49}) {
      for (const Isa isa : kIsas) {
        if (!isa_available(isa)) continue;
        const PoolKernels& pool = kernels(isa).pool;
        Guarded x(2 * pixels * c), y(2 * c, 1), dx(x.count(), 1);
        x.fill(1);
        pool.global_forward(2, pixels, c, x.data(), y.data());
        pool.global_gradient(2, pixels, c, y.data(), dx.data());
        bool good = true;
        for (Index i = 0; i < y.count(); ++i) {
          real sum = 0;
          for (Index p = 0; p < pixels; ++p) {
            sum += x[(i / c * pixels + p) * c + i % c];
            good = good && dx[(i / c * pixels + p) * c + i % c] == y[i] / static_cast<real>(pixels);
          }
          good = good && y[i] == sum / static_cast<real>(pixels);
        }
        CHECK_MESSAGE(good, isa_name(isa), " c ", c, " pixels ", pixels);
        CHECK((y.intact() && dx.intact()));
      }
    }
  }
}
