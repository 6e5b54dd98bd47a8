// Products by a matrix unit as plain loops: what the order of sums of engine/kernels/matrix.h means.
#include "engine/kernels/matrix.h"

#include "engine/kernels/naive/epilogue.h"
#include "engine/kernels/naive/unit_sum.h"

namespace firn::naive {

extern const Bf16Kernels bf16;

namespace {

float number(Numbers x, Index i) {
  real value = 0;
  if (x.narrow) {
    bf16.widen(1, static_cast<const Bf16*>(x.data) + i, &value);
  } else {
    bf16.round(1, static_cast<const real*>(x.data) + i, &value);
  }
  return flushed(static_cast<float>(value));
}

Index weight_count(const ConvGeometry& g) {
  return g.weight_count();
}

void pack(const ConvGeometry& g, const real* weight, real* packed) {
  bf16.round(g.weight_count(), weight, packed);
}

Index no_scratch(const MatrixConvolution&, Index) {
  return 0;
}

/// Element (row, column, channel) of an image that begins at element `at`; zero outside and between pixels.
float pixel(const MatrixConvolution& c, Numbers x, Index at, Index row, Index column, Index channel) {
  const ConvGeometry& g = c.g;
  if (row < 0 || row >= g.h || column < 0 || column >= g.w) return 0;
  if (row % c.spread_h != 0 || column % c.spread_w != 0) return 0;
  const Index width = (g.w + c.spread_w - 1) / c.spread_w;
  return number(x, at + (row / c.spread_h * width + column / c.spread_w) * g.c + channel);
}

float output(const MatrixUnit& unit, const MatrixConvolution& c, Numbers x, Index at, Index i, Index j,
             const real* weight) {
  const ConvGeometry& g = c.g;
  UnitSum sum(unit);
  for (Index a = 0; a < g.kh; ++a) {
    for (Index q = 0; q < std::min(g.stride_w, g.kw); ++q) {
      for (Index b = q; b < g.kw; b += g.stride_w) {
        for (Index k = 0; k < g.c; ++k) {
          const Index row = i * g.stride_h - g.pad_h + a, column = j * g.stride_w - g.pad_w + b;
          sum.add(pixel(c, x, at, row, column, k),
                  flushed(static_cast<float>(weight[((a * g.kw + b) * g.c + k) * g.oc])));
        }
      }
      sum.fill_up();
    }
  }
  return sum.total();
}

void forward(const MatrixUnit& unit, const MatrixConvolution& c, Index n, Numbers x, const real* packed,
             const MatrixEpilogue& epilogue, void* y, bool narrow, real*) {
  const ConvGeometry& g = c.g;
  const Index height = (g.h + c.spread_h - 1) / c.spread_h, width = (g.w + c.spread_w - 1) / c.spread_w;
  const Epilogue& e = epilogue.terms;
  for (Index p = 0; p < n * g.oh * g.ow; ++p) {
    const Index image = p / (g.oh * g.ow), i = p / g.ow % g.oh, j = p % g.ow;
    for (Index o = 0; o < g.oc; ++o) {
      real z = output(unit, c, x, image * height * width * g.c, i, j, packed + o);
      const Index at = p * g.oc + o;
      if (e.scale != nullptr) z *= e.scale[o];
      if (e.shift != nullptr) z += e.shift[o];
      if (e.residual != nullptr) z += e.residual[at];
      if (epilogue.residual != nullptr) {
        real other = 0;
        bf16.widen(1, epilogue.residual + at, &other);
        z += other;
      }
      z = activated(e.activation, e.slope, z);
      if (narrow) {
        bf16.narrow(1, &z, static_cast<Bf16*>(y) + at);
      } else {
        static_cast<real*>(y)[at] = z;
      }
    }
  }
}

Index gradient_units(const ConvGeometry& g) {
  return (g.c + kUnitBlock - 1) / kUnitBlock;
}

Index no_gradient_scratch(const ConvGeometry&, Index) {
  return 0;
}

/// Of the weight (a,b,channel,o).
float weight_gradient(const MatrixUnit& unit, const MatrixGradient& call, Index a, Index b, Index channel,
                      Index o) {
  const ConvGeometry& g = call.g;
  const Index padded = std::max(g.w + g.pad_w, (g.ow - 1) * g.stride_w + g.kw);
  const Index line = (padded + g.stride_w - 1) / g.stride_w;
  UnitSum sum(unit);
  for (Index image = 0; image < call.n; ++image) {
    for (Index v = 0; v < (g.oh - 1) * line + g.ow; ++v) {
      const Index i = v / line, j = v % line;
      const Index row = i * g.stride_h - g.pad_h + a, column = j * g.stride_w - g.pad_w + b;
      const bool inside = row >= 0 && row < g.h && column >= 0 && column < g.w;
      if (j >= g.ow || !inside) {
        sum.add(0, 0);
      } else {
        sum.add(number(call.x, image * call.x_image + (row * g.w + column) * call.x_pixel + channel),
                number(call.dy, image * call.dy_image + (i * g.ow + j) * call.dy_pixel + o));
      }
    }
    sum.fill_up();
  }
  return sum.total();
}

void gradient(const MatrixUnit& unit, const MatrixGradient& call, real*) {
  const ConvGeometry& g = call.g;
  const ChannelRange whole{0, g.oc};
  const ChannelRange* ranges = g.trains != nullptr ? g.trains : &whole;
  const Index count = g.trains != nullptr ? g.trainable_ranges : 1;
  for (Index k = 0; k < g.kh * g.kw; ++k) {
    for (Index c = call.first * kUnitBlock; c < std::min(g.c, call.last * kUnitBlock); ++c) {
      real* to = call.dweight + (k * g.c + c) * call.row;
      for (const ChannelRange* r = ranges; r != ranges + count; ++r) {
        for (Index o = r->first; o < r->last; ++o)
          *to++ = weight_gradient(unit, call, k / g.kw, k % g.kw, c, o);
      }
    }
  }
}

}  // namespace

extern const MatrixKernels matrix;
const MatrixKernels matrix{weight_count,        pack,    no_scratch, forward, gradient_units,
                           no_gradient_scratch, gradient};

}  // namespace firn::naive
