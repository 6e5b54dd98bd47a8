#include <doctest/doctest.h>

#include <string>

#include "tests/kernels/close.h"
#include "tests/kernels/guarded.h"

using namespace firn;

namespace {

struct Case {
  ConvGeometry g;
  Index n;
};

/// With the output as large as padding on both sides makes it.
ConvGeometry geometry(Index h, Index w, Index c, Index oc, Index kh, Index kw, Index stride_h, Index stride_w,
                      Index pad_h, Index pad_w, Index groups = 1) {
  ConvGeometry g;
  g.h = h;
  g.w = w;
  g.c = c;
  g.oc = oc;
  g.kh = kh;
  g.kw = kw;
  g.stride_h = stride_h;
  g.stride_w = stride_w;
  g.pad_h = pad_h;
  g.pad_w = pad_w;
  g.groups = groups;
  g.oh = (h + 2 * pad_h - kh) / stride_h + 1;
  g.ow = (w + 2 * pad_w - kw) / stride_w + 1;
  return g;
}

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const Index k : {1, 3, 5}) {  // sizes, strides and paddings
    for (const Index stride : {1, 2, 3}) {
      for (const Index pad : {Index(0), k / 2, k}) {
        for (const Index size : {1, 2, 4, 7, 15}) {
          if (size + 2 * pad < k) continue;
          list.push_back({geometry(size, size, 3, 5, k, k, stride, stride, pad, pad), 2});
          list.push_back({geometry(size, size + 2, 7, 17, k, k, stride, stride, pad, pad), 3});
        }
      }
    }
  }
  for (const Index c : {1, 3, 8, 15, 16, 17, 32}) {  // widths of vectors and panels
    for (const Index oc : {1, 4, 10, 15, 16, 17, 31, 32, 33, 48, 65}) {
      list.push_back({geometry(5, 6, c, oc, 3, 3, 1, 1, 1, 1), 1});
      list.push_back({geometry(3, 4, c, oc, 1, 1, 1, 1, 0, 0), 2});
    }
  }
  list.push_back({geometry(14, 14, 64, 64, 3, 3, 1, 1, 1, 1), 2});
  list.push_back({geometry(23, 17, 3, 16, 7, 7, 2, 2, 3, 3), 2});
  list.push_back({geometry(28, 28, 1, 6, 5, 5, 1, 1, 2, 2), 3});
  list.push_back({geometry(40, 34, 4, 9, 3, 3, 1, 1, 1, 1), 1});
  list.push_back({geometry(9, 8, 6, 10, 3, 5, 2, 1, 1, 2), 2});  // nothing square
  list.push_back({geometry(8, 11, 6, 10, 4, 2, 1, 3, 0, 1), 2});
  list.push_back({geometry(1, 30, 20, 24, 1, 3, 1, 1, 0, 1), 2});  // a sequence
  list.push_back({geometry(6, 6, 4, 8, 1, 1, 2, 2, 0, 0), 2});     // inputs that nobody reads
  list.push_back({geometry(9, 9, 4, 8, 2, 2, 3, 3, 0, 0), 2});
  list.push_back({geometry(20, 20, 200, 24, 1, 1, 1, 1, 0, 0), 1});
  list.push_back({geometry(4, 4, 128, 40, 3, 3, 1, 1, 1, 1), 9});    // gathered
  list.push_back({geometry(16, 16, 48, 32, 3, 3, 1, 1, 1, 1), 20});  // more images than a chunk
  list.push_back({geometry(8, 8, 70, 68, 3, 3, 2, 2, 1, 1), 20});    // gathered for the weight gradient
  list.push_back({geometry(32, 32, 3, 16, 3, 3, 1, 1, 1, 1), 2});    // few outputs: lanes are pixels
  list.push_back({geometry(14, 14, 6, 16, 5, 5, 1, 1, 0, 0), 3});
  for (const Index out : {1, 2, 3, 5, 6, 7, 8, 9, 19}) {
    list.push_back({geometry(11, 9, 20, out, 3, 3, 1, 1, 1, 1), 2});
    list.push_back({geometry(8, 37, out, 18, 3, 4, 1, 1, 2, 0), 2});
    list.push_back({geometry(13, 20, 5, out, 3, 3, 2, 1, 1, 3), 2});
    list.push_back({geometry(6, 5, out, 3, 2, 2, 1, 1, 3, 2), 2});
  }
  for (const Index groups : {2, 3, 4}) {
    list.push_back({geometry(6, 7, 2 * groups, 3 * groups, 3, 3, 1, 1, 1, 1, groups), 2});
    list.push_back({geometry(7, 7, 17 * groups, 16 * groups, 3, 3, 2, 2, 1, 1, groups), 2});
    list.push_back({geometry(5, 5, 4 * groups, 33 * groups, 1, 1, 1, 1, 0, 0, groups), 2});
  }
  for (const Index c : {2, 7, 16, 17, 40}) {  // depthwise, and two outputs a channel
    list.push_back({geometry(7, 6, c, c, 3, 3, 1, 1, 1, 1, c), 2});
    list.push_back({geometry(9, 9, c, c, 5, 3, 2, 3, 2, 0, c), 2});
    list.push_back({geometry(5, 5, c, 2 * c, 3, 3, 1, 1, 1, 1, c), 2});
    list.push_back({geometry(6, 29, c, c, 5, 5, 1, 1, 2, 2, c), 2});
    list.push_back({geometry(4, 9, c, c, 3, 3, 1, 1, 0, 3, c), 2});
    list.push_back({geometry(3, 3, c, c, 4, 4, 1, 1, 2, 2, c), 2});
    list.push_back({geometry(5, 22, c, c, 1, 7, 1, 2, 0, 3, c), 2});
    list.push_back({geometry(3, 2, c, c, 5, 5, 1, 1, 2, 2, c), 2});  // no window lies inside
  }
  Case cut{geometry(9, 9, 5, 6, 3, 3, 2, 2, 0, 0), 2};  // an output cut short, and one beyond the padding
  cut.g.oh = 3;
  list.push_back(cut);
  cut.g.oh = 5;
  cut.g.ow = 6;
  list.push_back(cut);
  list.push_back({geometry(5, 5, 4, 6, 3, 3, 1, 1, 1, 1), 0});
  list.push_back({geometry(5, 5, 0, 3, 3, 3, 1, 1, 1, 1), 2});  // sums of nothing
  list.push_back({geometry(5, 5, 3, 0, 3, 3, 1, 1, 1, 1), 2});
  return list;
}

std::string text(const Case& c) {
  const ConvGeometry& g = c.g;
  const auto s = [](Index i) { return std::to_string(i); };
  return s(c.n) + " images " + s(g.h) + "x" + s(g.w) + "x" + s(g.c) + " -> " + s(g.oh) + "x" + s(g.ow) + "x" +
         s(g.oc) + " kernel " + s(g.kh) + "x" + s(g.kw) + " stride " + s(g.stride_h) + "x" + s(g.stride_w) +
         " pad " + s(g.pad_h) + "x" + s(g.pad_w) + " groups " + s(g.groups);
}

/// Operands and results of all passes.
struct Problem {
  Problem(const Case& a_case, const ConvKernels& kernel_table)
      : g(a_case.g),
        n(a_case.n),
        conv(kernel_table),
        x(n * g.h * g.w * g.c),
        weight(g.weight_count()),
        y(n * g.oh * g.ow * g.oc, 1),
        dy(y.count()),
        dx(x.count(), 3),
        dweight(weight.count(), 1),
        residual(y.count()),
        scale(g.oc),
        shift(g.oc) {
    x.fill(1, 2);
    weight.fill(2, 2);
    dy.fill(3, 2);
    dweight.fill(4);
    residual.fill(5);
    scale.fill(6, 2);
    shift.fill(7);
    spoil(y);
    spoil(dx);
  }

  static void spoil(Guarded& block) {
    for (Index i = 0; i < block.count(); ++i) block[i] = std::numeric_limits<real>::quiet_NaN();
  }
  /// What a scratch holds at first is nobody's business.
  static Guarded scratch(Index count) {
    Guarded block(count);
    spoil(block);
    return block;
  }

  void forward(int terms, Activation activation) {
    Guarded packed(conv.packed_count(g)), temporary = scratch(conv.forward_scratch(g, n));
    spoil(packed);
    conv.pack(g, weight.data(), packed.data());
    Epilogue e;
    e.scale = (terms & 1) != 0 ? scale.data() : nullptr;
    e.shift = (terms & 2) != 0 ? shift.data() : nullptr;
    e.residual = (terms & 4) != 0 ? residual.data() : nullptr;
    e.activation = activation;
    e.slope = real(0.5);
    conv.forward(g, n, x.data(), packed.data(), e, y.data(), temporary.data());
    CHECK((packed.intact() && temporary.intact() && y.intact()));
  }

  void input_gradient() {
    Guarded packed(conv.packed_dx_count(g)), temporary = scratch(conv.dx_scratch(g, n));
    spoil(packed);
    conv.pack_dx(g, weight.data(), packed.data());
    conv.dx(g, n, dy.data(), packed.data(), dx.data(), temporary.data());
    CHECK((packed.intact() && temporary.intact() && dx.intact()));
  }

  /// In two calls, the later units first.
  void weight_gradient(bool accumulate) {
    if (!accumulate) spoil(dweight);
    Guarded temporary = scratch(conv.dw_scratch(g, n));
    const Index units = conv.dw_units(g), middle = units / 3;
    conv.dw(g, n, x.data(), dy.data(), dweight.data(), accumulate, middle, units, temporary.data());
    conv.dw(g, n, x.data(), dy.data(), dweight.data(), accumulate, 0, middle, temporary.data());
    CHECK((temporary.intact() && dweight.intact()));
  }

  ConvGeometry g;
  Index n;
  const ConvKernels& conv;
  Guarded x, weight, y, dy, dx, dweight, residual, scale, shift;
};

/// Calls f(x index, weight index, y index) for every product in the definition of the convolution.
template <class F>
void for_each_product(const ConvGeometry& g, Index n, const F& f) {
  const Index in = g.c / g.groups, out = g.oc / g.groups;
  for (Index image = 0; image < n; ++image) {
    for (Index o = 0; o < g.oc; ++o) {
      for (Index i = 0; i < g.oh; ++i) {
        for (Index j = 0; j < g.ow; ++j) {
          for (Index q = 0; q < in; ++q) {
            for (Index a = 0; a < g.kh; ++a) {
              for (Index b = 0; b < g.kw; ++b) {
                const Index row = i * g.stride_h - g.pad_h + a, column = j * g.stride_w - g.pad_w + b;
                if (row < 0 || row >= g.h || column < 0 || column >= g.w) continue;
                f(((image * g.h + row) * g.w + column) * g.c + o / out * in + q,
                  ((a * g.kw + b) * in + q) * g.oc + o, ((image * g.oh + i) * g.ow + j) * g.oc + o);
              }
            }
          }
        }
      }
    }
  }
}

bool same(const Guarded& got, const std::vector<double>& want) {
  for (Index i = 0; i < got.count(); ++i) {
    if (!(double(got[i]) == want[static_cast<std::size_t>(i)])) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("the naive convolution is the formula") {
  for (const Case& c : cases()) {
    Problem p(c, kernels(Isa::naive).conv);
    const auto zeros = [](const Guarded& like) {
      return std::vector<double>(static_cast<std::size_t>(like.count()));
    };
    std::vector<double> y = zeros(p.y), dx = zeros(p.x), dweight = zeros(p.weight);
    for (Index i = 0; i < p.weight.count(); ++i) dweight[static_cast<std::size_t>(i)] = double(p.dweight[i]);
    for_each_product(c.g, c.n, [&](Index ix, Index iw, Index iy) {
      y[static_cast<std::size_t>(iy)] += double(p.x[ix]) * double(p.weight[iw]);
      dx[static_cast<std::size_t>(ix)] += double(p.dy[iy]) * double(p.weight[iw]);
      dweight[static_cast<std::size_t>(iw)] += double(p.x[ix]) * double(p.dy[iy]);
    });
    for (Index i = 0; i < p.y.count(); ++i) {
      const double z = y[static_cast<std::size_t>(i)] * double(p.scale[i % c.g.oc]) +
                       double(p.shift[i % c.g.oc]) + double(p.residual[i]);
      y[static_cast<std::size_t>(i)] = z > 0 ? z : 0;
    }
    p.forward(7, Activation::relu);
    p.input_gradient();
    p.weight_gradient(true);
    CHECK_MESSAGE(same(p.y, y), text(c));
    CHECK_MESSAGE(same(p.dx, dx), text(c));
    CHECK_MESSAGE(same(p.dweight, dweight), text(c));
  }
}

TEST_CASE("every set's convolution equals the naive one to the bit") {
  constexpr Activation activations[] = {Activation::none, Activation::relu, Activation::leaky_relu};
  int turn = 0;
  for (const Case& c : cases()) {
    ++turn;
    const auto run = [&](Problem& p) {
      p.forward(turn % 8, activations[turn % 3]);
      p.input_gradient();
      p.weight_gradient(turn % 2 == 0);
    };
    Problem naive(c, kernels(Isa::naive).conv);
    run(naive);
    for (const Isa isa : fast_sets()) {
      Problem fast(c, kernels(isa).conv);
      run(fast);
      CHECK_MESSAGE(fast.y.equals(naive.y), isa_name(isa), " y ", text(c));
      CHECK_MESSAGE(fast.dx.equals(naive.dx), isa_name(isa), " dx ", text(c));
      CHECK_MESSAGE(fast.dweight.equals(naive.dweight), isa_name(isa), " dweight ", text(c));
    }
  }
}

TEST_CASE("the weight gradient of some outputs is that of all, to the bit") {
  std::vector<Case> list = cases();
  for (const Index in : {16, 20, 32, 48}) {  // lanes along windows, their last vector whole or not
    list.push_back({geometry(9, 9, in, 32, 3, 3, 1, 1, 1, 1), 7});
    list.push_back({geometry(9, 9, in, 32, 3, 3, 2, 2, 0, 0), 3});
    list.push_back({geometry(6, 6, 2 * in, 40, 3, 3, 1, 1, 1, 1, 2), 7});
  }
  list.push_back({geometry(20, 20, 16, 40, 1, 1, 1, 1, 0, 0), 2});
  int turn = 0;
  for (const Case& c : list) {
    if (c.g.oc == 0) continue;
    ++turn;
    const Index oc = c.g.oc, quarter = (3 * oc) / 4, third = oc / 3;
    std::vector<std::vector<ChannelRange>> parts{{{quarter, oc}}, {{0, oc - quarter}}};
    if (third > 0) parts.push_back({{0, 1}, {third, third + (third + 1) / 2}, {oc - 1, oc}});
    for (const Isa isa : {Isa::naive, fast_sets()[static_cast<std::size_t>(turn) % fast_sets().size()]}) {
      const auto third_of = [](Guarded& block) {
        for (Index i = 0; i < block.count(); ++i) block[i] = block[i] / 3 + real(0.1);
      };
      Problem all(c, kernels(isa).conv);
      third_of(all.x);
      third_of(all.dy);
      const bool accumulate = turn % 2 == 0;
      const Guarded before = all.dweight;
      all.weight_gradient(accumulate);
      for (const std::vector<ChannelRange>& trains : parts) {
        Problem some(c, kernels(isa).conv);
        some.g.trains = trains.data();
        some.g.trainable_ranges = static_cast<Index>(trains.size());
        const Index count = some.g.trainable_count(), rows = c.g.weight_count() / oc;
        some.x = all.x;
        some.dy = all.dy;
        some.dweight = Guarded(rows * count, 1);
        const auto for_each = [&](const auto& f) {
          Index column = 0;
          for (const ChannelRange& range : trains) {
            for (Index o = range.first; o < range.last; ++o, ++column) {
              for (Index r = 0; r < rows; ++r) f(r * count + column, r * oc + o);
            }
          }
        };
        for_each([&](Index to, Index from) { some.dweight[to] = before[from]; });
        some.weight_gradient(accumulate);
        bool same_bits = true;
        for_each(
            [&](Index at, Index place) { same_bits = same_bits && some.dweight[at] == all.dweight[place]; });
        CHECK_MESSAGE(same_bits, isa_name(isa), " ", count, " of ", text(c));
      }
    }
  }
}

TEST_CASE("the other activations follow the convolution") {
  for (const Case& c :
       {Case{geometry(6, 6, 3, 5, 3, 3, 1, 1, 1, 1), 2}, Case{geometry(20, 20, 3, 20, 3, 3, 1, 1, 1, 1), 2},
        Case{geometry(4, 4, 6, 7, 1, 1, 1, 1, 0, 0), 2},
        Case{geometry(8, 8, 20, 20, 3, 3, 1, 1, 1, 1, 20), 2}}) {
    for (const Activation activation :
         {Activation::gelu, Activation::silu, Activation::sigmoid, Activation::tanh}) {
      const auto run = [&](Problem& p) {
        for (Index i = 0; i < p.x.count(); ++i) p.x[i] *= real(0.125);
        p.forward(6, activation);
      };
      Problem naive(c, kernels(Isa::naive).conv);
      run(naive);
      for (const Isa isa : fast_sets()) {
        Problem fast(c, kernels(isa).conv);
        run(fast);
        bool close = true;
        for (Index i = 0; i < naive.y.count(); ++i) {
          close = close && std::abs(fast.y[i] - naive.y[i]) <= real(2e-6) * (1 + std::abs(naive.y[i]));
        }
        CHECK_MESSAGE(close, isa_name(isa), " ", text(c));
      }
    }
  }
}

TEST_CASE("an image's bits do not depend on the images beside it") {
  for (const ConvGeometry& g :
       {geometry(16, 16, 48, 32, 3, 3, 1, 1, 1, 1), geometry(4, 4, 70, 40, 3, 3, 1, 1, 1, 1),
        geometry(9, 9, 20, 20, 3, 3, 2, 2, 1, 1), geometry(14, 14, 3, 5, 5, 5, 1, 1, 0, 0),
        geometry(5, 5, 30, 20, 1, 1, 1, 1, 0, 0)}) {
    for (const Isa isa : fast_sets()) {
      const auto unround = [](Problem& p) {
        for (Index i = 0; i < p.weight.count(); ++i) p.weight[i] = p.weight[i] / 3 + real(0.1);
      };
      Problem all({g, 13}, kernels(isa).conv), one({g, 1}, kernels(isa).conv);
      unround(all);
      unround(one);
      all.forward(0, Activation::none);
      all.input_gradient();
      for (Index image = 0; image < 13; ++image) {
        std::memcpy(one.x.data(), all.x.data() + image * one.x.count(),
                    sizeof(real) * static_cast<std::size_t>(one.x.count()));
        std::memcpy(one.dy.data(), all.dy.data() + image * one.dy.count(),
                    sizeof(real) * static_cast<std::size_t>(one.dy.count()));
        one.forward(0, Activation::none);
        one.input_gradient();
        CHECK(std::memcmp(one.y.data(), all.y.data() + image * one.y.count(),
                          sizeof(real) * static_cast<std::size_t>(one.y.count())) == 0);
        CHECK(std::memcmp(one.dx.data(), all.dx.data() + image * one.dx.count(),
                          sizeof(real) * static_cast<std::size_t>(one.dx.count())) == 0);
      }
    }
  }
}

TEST_CASE("an output's bits do not depend on how many outputs there are") {
  // Few outputs and many are computed by different kernels.
  for (const Index few : {1, 3, 6}) {
    constexpr Index kMany = 32;
    const auto third = [](Guarded& block) {
      for (Index i = 0; i < block.count(); ++i) block[i] = block[i] / 3 + real(0.1);
    };
    for (const Isa isa : fast_sets()) {
      Problem some({geometry(19, 30, 5, few, 3, 3, 1, 1, 1, 1), 2}, kernels(isa).conv);
      Problem all({geometry(19, 30, 5, kMany, 3, 3, 1, 1, 1, 1), 2}, kernels(isa).conv);
      third(all.weight);
      third(all.x);
      for (Index i = 0; i < some.weight.count(); ++i) some.weight[i] = all.weight[i / few * kMany + i % few];
      for (Index i = 0; i < some.x.count(); ++i) some.x[i] = all.x[i];
      some.forward(0, Activation::none);
      all.forward(0, Activation::none);
      bool same_bits = true;
      for (Index i = 0; i < some.y.count(); ++i) {
        same_bits = same_bits && some.y[i] == all.y[i / few * kMany + i % few];
      }
      CHECK_MESSAGE(same_bits, isa_name(isa), " forward ", few);

      Problem narrow({geometry(19, 30, few, 5, 3, 3, 1, 1, 1, 1), 2}, kernels(isa).conv);
      Problem wide({geometry(19, 30, kMany, 5, 3, 3, 1, 1, 1, 1), 2}, kernels(isa).conv);
      third(wide.weight);
      third(wide.dy);
      for (Index tap = 0; tap < 9; ++tap) {
        for (Index i = 0; i < few * 5; ++i)
          narrow.weight[tap * few * 5 + i] = wide.weight[tap * kMany * 5 + i];
      }
      for (Index i = 0; i < narrow.dy.count(); ++i) narrow.dy[i] = wide.dy[i];
      narrow.input_gradient();
      wide.input_gradient();
      same_bits = true;
      for (Index i = 0; i < narrow.dx.count(); ++i) {
        same_bits = same_bits && narrow.dx[i] == wide.dx[i / few * kMany + i % few];
      }
      CHECK_MESSAGE(same_bits, isa_name(isa), " dx ", few);
    }
  }
}

TEST_CASE("an output's bits do not depend on how many lie beside it: every tile sums in one order") {
  // Images of one row whose first columns are the same: their outputs' first ones, too. 40 columns and more
  // make tiles of all heights; so few that rows are gathered first sum in blocks.
  for (const Isa isa : fast_sets()) {
    const ConvKernels& conv = kernels(isa).conv;
    for (const Index c : {5, 16, 70}) {
      for (const Index oc : {12, 16, 32, 48, 64}) {
        constexpr Index kWide = 61, kSame = 20;
        std::vector<real> first;
        for (Index w = kSame + 1; w <= kWide; ++w) {
          const ConvGeometry g = geometry(3, w, c, oc, 3, 3, 1, 1, 1, 1);
          const Guarded weight = random_block(g.weight_count(), 1), all = random_block(3 * kWide * c, 2);
          Guarded x(3 * w * c), y(3 * w * oc), packed(conv.packed_count(g));
          Guarded scratch(conv.forward_scratch(g, 1));
          for (Index i = 0; i < 3; ++i) {
            for (Index at = 0; at < w * c; ++at) x[i * w * c + at] = all[i * kWide * c + at];
          }
          conv.pack(g, weight.data(), packed.data());
          conv.forward(g, 1, x.data(), packed.data(), {}, y.data(), scratch.data());
          std::vector<real> got(y.data(), y.data() + kSame * oc);
          if (first.empty()) first = got;
          CHECK_MESSAGE(got == first, isa_name(isa), " ", c, " -> ", oc, ", ", w, " columns");
        }
      }
    }
  }
}
