#include <doctest/doctest.h>

#include <string>

#include "engine/base/rng.h"
#include "tests/kernels/close.h"

using namespace firn;

namespace {

struct Case {
  ConvGeometry g;
  Index n;
};

Case make(Index n, Index h, Index w, Index c, Index oc, Index pad) {
  ConvGeometry g;
  g.h = h;
  g.w = w;
  g.c = c;
  g.oc = oc;
  g.kh = g.kw = 3;
  g.pad_h = g.pad_w = pad;
  g.oh = h + 2 * pad - 2;
  g.ow = w + 2 * pad - 2;
  return {g, n};
}

std::vector<Case> cases() {
  std::vector<Case> list;
  for (Index size = 1; size <= 17; ++size) {
    for (const Index pad : {0, 1, 2}) {
      if (size + 2 * pad < 3) continue;
      list.push_back(make(2, size, size, 3, 5, pad));
      list.push_back(make(3, size, 18 - size + (pad == 0 ? 2 : 0), 17, 16, pad));
    }
  }
  for (const Index c : {1, 3, 16, 17, 64}) {
    for (const Index oc : {1, 3, 16, 17, 33, 64}) list.push_back(make(2, 7, 6, c, oc, 1));
  }
  list.push_back(make(9, 14, 14, 20, 40, 1));  // many blocks of tiles
  list.push_back(make(3, 8, 8, 300, 260, 1));  // blocks of output channels, and a deep product
  list.push_back(make(0, 8, 8, 4, 4, 1));
  Case uneven = make(2, 9, 6, 5, 6, 1);
  uneven.g.pad_w = 0;
  uneven.g.ow = 4;
  list.push_back(uneven);
  return list;
}

std::string text(const Case& c, Index m) {
  const ConvGeometry& g = c.g;
  const auto s = [](Index i) { return std::to_string(i); };
  return "F(" + s(m) + ") " + s(c.n) + " images " + s(g.h) + "x" + s(g.w) + "x" + s(g.c) + " -> " + s(g.oh) +
         "x" + s(g.ow) + "x" + s(g.oc) + " pad " + s(g.pad_h) + "x" + s(g.pad_w);
}

/// Normal numbers.
Guarded normal_block(Index count, std::uint64_t seed, double deviation) {
  Guarded block(count);
  Random random(seed, "normal");
  for (Index i = 0; i < count; ++i) block[i] = static_cast<real>(deviation * random.normal());
  return block;
}

/// Operands as in a network: normal inputs, He weights.
struct Problem {
  explicit Problem(const Case& a_case)
      : g(a_case.g),
        n(a_case.n),
        x(normal_block(n * g.h * g.w * g.c, 1, 1)),
        weight(normal_block(g.weight_count(), 2, std::sqrt(2.0 / static_cast<double>(9 * g.c)))),
        dy(normal_block(n * g.oh * g.ow * g.oc, 3, 1)),
        residual(normal_block(dy.count(), 4, 1)),
        scale(normal_block(g.oc, 5, 1)),
        shift(normal_block(g.oc, 6, 1)) {}

  Epilogue epilogue(int terms, Activation activation) const {
    Epilogue e;
    e.scale = (terms & 1) != 0 ? scale.data() : nullptr;
    e.shift = (terms & 2) != 0 ? shift.data() : nullptr;
    e.residual = (terms & 4) != 0 ? residual.data() : nullptr;
    e.activation = activation;
    e.slope = real(0.5);
    return e;
  }

  ConvGeometry g;
  Index n;
  Guarded x, weight, dy, residual, scale, shift;
};

using Doubles = std::vector<double>;

/// The definition of the convolution and of its input gradient, in double.
void products(const Problem& p, Doubles& y, Doubles& dx) {
  const ConvGeometry& g = p.g;
  y.assign(static_cast<std::size_t>(p.dy.count()), 0);
  dx.assign(static_cast<std::size_t>(p.x.count()), 0);
  for (Index pixel = 0; pixel < p.n * g.oh * g.ow; ++pixel) {
    const Index image = pixel / (g.oh * g.ow), i = pixel / g.ow % g.oh, j = pixel % g.ow;
    for (Index tap = 0; tap < 9; ++tap) {
      const Index row = i - g.pad_h + tap / 3, column = j - g.pad_w + tap % 3;
      if (row < 0 || row >= g.h || column < 0 || column >= g.w) continue;
      const Index x0 = ((image * g.h + row) * g.w + column) * g.c, y0 = pixel * g.oc;
      for (Index c = 0; c < g.c; ++c) {
        const real* const w = p.weight.data() + (tap * g.c + c) * g.oc;
        double sum = 0;
        for (Index o = 0; o < g.oc; ++o) {
          y[static_cast<std::size_t>(y0 + o)] += double(p.x[x0 + c]) * double(w[o]);
          sum += double(p.dy[y0 + o]) * double(w[o]);
        }
        dx[static_cast<std::size_t>(x0 + c)] += sum;
      }
    }
  }
}

double activated(Activation a, double z) {
  switch (a) {
    case Activation::relu:
      return z > 0 ? z : 0;
    case Activation::leaky_relu:
      return z > 0 ? z : 0.5 * z;
    case Activation::gelu:
      return z * 0.5 * std::erfc(-z / std::sqrt(2.0));
    default:
      return z;
  }
}

Doubles finished(const Problem& p, Doubles y, int terms, Activation activation) {
  for (std::size_t i = 0; i < y.size(); ++i) {
    const Index at = static_cast<Index>(i), o = at % p.g.oc;
    if ((terms & 1) != 0) y[i] *= double(p.scale[o]);
    if ((terms & 2) != 0) y[i] += double(p.shift[o]);
    if ((terms & 4) != 0) y[i] += double(p.residual[at]);
    y[i] = activated(activation, y[i]);
  }
  return y;
}

Guarded spoiled(Index count) {
  Guarded block(count);
  for (Index i = 0; i < count; ++i) block[i] = std::numeric_limits<real>::quiet_NaN();
  return block;
}

Guarded run(const WinogradKernels& kernel, const ConvGeometry& g, Index m, Index n, const Guarded& x,
            const Guarded& transformed, const Epilogue& e) {
  Guarded y = spoiled(n * g.oh * g.ow * g.oc), scratch = spoiled(kernel.scratch(g, m, n));
  kernel.forward(g, m, n, x.data(), transformed.data(), e, y.data(), scratch.data());
  CHECK((y.intact() && scratch.intact() && transformed.intact()));
  return y;
}

Guarded forward(const WinogradKernels& kernel, const Problem& p, Index m, const Epilogue& e) {
  Guarded transformed = spoiled(kernel.weight_count(p.g, m));
  kernel.transform(p.g, m, p.weight.data(), transformed.data());
  return run(kernel, p.g, m, p.n, p.x, transformed, e);
}

Guarded input_gradient(const WinogradKernels& kernel, const Problem& p, Index m) {
  const ConvGeometry d = input_gradient_of(p.g);
  Guarded transformed = spoiled(kernel.weight_count(d, m));
  kernel.transform_dx(p.g, m, p.weight.data(), transformed.data());
  return run(kernel, d, m, p.n, p.dy, transformed, {});
}

struct Error {
  double largest = 0, usual = 0;  ///< over the root mean square of the wanted
};
Error error_of(const Guarded& got, const Doubles& want) {
  double scale = 0, largest = 0, sum = 0;
  for (const double w : want) scale += w * w;
  for (Index i = 0; i < got.count(); ++i) {
    const double d = std::abs(double(got[i]) - want[static_cast<std::size_t>(i)]);
    if (!(d <= largest)) largest = std::isnan(d) ? std::numeric_limits<double>::infinity() : d;
    sum += d * d;
  }
  const double unit = std::sqrt(scale / static_cast<double>(std::max<std::size_t>(1, want.size())));
  if (largest == 0) return {};
  return {largest / unit, std::sqrt(sum / static_cast<double>(got.count())) / unit};
}

double largest_of(const Doubles& values) {
  double top = 0;
  for (const double v : values) top = std::max(top, std::abs(v));
  return top;
}

}  // namespace

TEST_CASE("every set's Winograd convolution is the convolution within its tolerance") {
  constexpr Activation activations[] = {Activation::none, Activation::relu, Activation::leaky_relu,
                                        Activation::gelu};
  int turn = 0;
  for (const Case& c : cases()) {
    const Problem p(c);
    Doubles y, dx;
    products(p, y, dx);
    const double y_scale = std::max(1.0, largest_of(y)), dx_scale = std::max(1.0, largest_of(dx));
    const int terms = turn % 8;
    const Activation activation = activations[turn++ % 4];
    const Doubles want = finished(p, y, terms, activation);
    for (const Isa isa : all_sets()) {
      const WinogradKernels& kernel = kernels(isa).winograd;
      for (const Index m : {2, 4}) {
        CAPTURE(isa_name(isa));
        CAPTURE(text(c, m));
        const double y_error =
            worst_error(forward(kernel, p, m, p.epilogue(terms, activation)), want, y_scale);
        const double dx_error = worst_error(input_gradient(kernel, p, m), dx, dx_scale);
        CHECK(y_error <= winograd_tolerance(m));
        CHECK(dx_error <= winograd_tolerance(m));
      }
    }
  }
}

TEST_CASE("the rounding of wide convolutions") {
  for (const Index channels : {64, 128, 256, 512}) {
    const Problem p(make(1, 12, 12, channels, 64, 1));
    Doubles y, dx;
    products(p, y, dx);
    for (const Isa isa : fast_sets()) {
      Guarded packed(kernels(isa).conv.packed_count(p.g)), direct = spoiled(p.dy.count());
      kernels(isa).conv.pack(p.g, p.weight.data(), packed.data());
      Guarded scratch = spoiled(kernels(isa).conv.forward_scratch(p.g, p.n));
      kernels(isa).conv.forward(p.g, p.n, p.x.data(), packed.data(), {}, direct.data(), scratch.data());
      const Error plain = error_of(direct, y);
      MESSAGE(isa_name(isa), " ", channels, " channels, direct: ", plain.largest, " (", plain.usual, ")");
      for (const Index m : {2, 4}) {
        const Error e = error_of(forward(kernels(isa).winograd, p, m, {}), y);
        const Error d = error_of(input_gradient(kernels(isa).winograd, p, m), dx);
        MESSAGE(isa_name(isa), " ", channels, " channels, F(", m, "): ", e.largest, " (", e.usual, "), dx ",
                d.largest, " (", d.usual, ")");
        CHECK(e.largest <= winograd_tolerance(m));
        CHECK(d.largest <= winograd_tolerance(m));
      }
    }
  }
}

TEST_CASE("an image's bits do not depend on the images beside it") {
  const Problem all(make(23, 10, 9, 70, 40, 1));
  for (const Isa isa : fast_sets()) {
    for (const Index m : {2, 4}) {
      const Guarded together = forward(kernels(isa).winograd, all, m, {});
      for (const Index image : {0, 7, 22}) {
        Problem one(make(1, 10, 9, 70, 40, 1));
        std::memcpy(one.x.data(), all.x.data() + image * one.x.count(),
                    sizeof(real) * static_cast<std::size_t>(one.x.count()));
        const Guarded alone = forward(kernels(isa).winograd, one, m, {});
        CHECK(std::memcmp(alone.data(), together.data() + image * alone.count(),
                          sizeof(real) * static_cast<std::size_t>(alone.count())) == 0);
      }
    }
  }
}

TEST_CASE("a NaN reaches the outputs that depend on it and stays within its tiles") {
  for (const Isa isa : all_sets()) {
    for (const Index m : {2, 4}) {
      Problem p(make(1, 16, 16, 8, 8, 1));
      p.x[((5 * 16) + 5) * 8 + 3] = std::numeric_limits<real>::quiet_NaN();
      const Guarded y = forward(kernels(isa).winograd, p, m, {});
      for (Index i = 0; i < 16; ++i) {
        for (Index j = 0; j < 16; ++j) {
          const bool depends = std::abs(i - 5) <= 1 && std::abs(j - 5) <= 1;
          const bool far = i > 11 || j > 11;
          const real value = y[(i * 16 + j) * 8];
          CHECK((!depends || std::isnan(value)));
          CHECK((!far || !std::isnan(value)));
        }
      }
    }
  }
}
