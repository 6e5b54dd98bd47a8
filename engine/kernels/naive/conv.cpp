#include "engine/kernels/conv.h"

#include "engine/kernels/naive/epilogue.h"

namespace firn::naive {

namespace {

void copy(Index count, const real* from, real* to) {
  for (Index i = 0; i < count; ++i) to[i] = from[i];
}

void zero(Index count, real* to) {
  for (Index i = 0; i < count; ++i) to[i] = 0;
}

Index no_scratch(const ConvGeometry&, Index) {
  return 0;
}

Index packed_count(const ConvGeometry& g) {
  return g.weight_count();
}

void pack(const ConvGeometry& g, const real* weight, real* packed) {
  copy(g.weight_count(), weight, packed);
}

/// Calls f(x offset, y offset) for each output pixel of n images whose tap (a,b) lies inside of the input.
template <class F>
void for_each_tap(const ConvGeometry& g, Index n, Index a, Index b, const F& f) {
  for (Index image = 0; image < n; ++image) {
    for (Index i = 0; i < g.oh; ++i) {
      const Index row = i * g.stride_h - g.pad_h + a;
      if (row < 0 || row >= g.h) continue;
      for (Index j = 0; j < g.ow; ++j) {
        const Index column = j * g.stride_w - g.pad_w + b;
        if (column < 0 || column >= g.w) continue;
        f(((image * g.h + row) * g.w + column) * g.c, ((image * g.oh + i) * g.ow + j) * g.oc);
      }
    }
  }
}

/// Calls f(input channel, its row of weights, first output channel of its group) for a tap.
template <class F>
void for_each_channel(const ConvGeometry& g, Index tap, const F& f) {
  const Index in = g.c / g.groups, out = g.oc / g.groups;
  for (Index group = 0; group < g.groups; ++group) {
    for (Index q = 0; q < in; ++q) f(group * in + q, (tap * in + q) * g.oc + group * out, group * out);
  }
}

void forward(const ConvGeometry& g, Index n, const real* x, const real* packed, const Epilogue& epilogue,
             real* y, real*) {
  const Index out = g.oc / g.groups;
  zero(n * g.oh * g.ow * g.oc, y);
  for (Index tap = 0; tap < g.kh * g.kw; ++tap) {
    for_each_tap(g, n, tap / g.kw, tap % g.kw, [&](Index x0, Index y0) {
      for_each_channel(g, tap, [&](Index c, Index w0, Index o0) {
        for (Index o = 0; o < out; ++o) y[y0 + o0 + o] += x[x0 + c] * packed[w0 + o];
      });
    });
  }
  for (Index pixel = 0; pixel < n * g.oh * g.ow; ++pixel) {
    finish_row(epilogue, pixel * g.oc, g.oc, y + pixel * g.oc);
  }
}

void dx(const ConvGeometry& g, Index n, const real* dy, const real* packed_dx, real* dx, real*) {
  const Index out = g.oc / g.groups;
  zero(n * g.h * g.w * g.c, dx);
  for (Index tap = 0; tap < g.kh * g.kw; ++tap) {
    for_each_tap(g, n, tap / g.kw, tap % g.kw, [&](Index x0, Index y0) {
      for_each_channel(g, tap, [&](Index c, Index w0, Index o0) {
        real sum = 0;
        for (Index o = 0; o < out; ++o) sum += dy[y0 + o0 + o] * packed_dx[w0 + o];
        dx[x0 + c] += sum;
      });
    });
  }
}

Index dw_units(const ConvGeometry& g) {
  return g.kh * g.kw;
}

void dw(const ConvGeometry& g, Index n, const real* x, const real* dy, real* dweight, bool accumulate,
        Index first, Index last, real*) {
  const Index in = g.c / g.groups, out = g.oc / g.groups, trains = g.trainable_count();
  const ChannelRange all{0, g.oc};
  const ChannelRange* const ranges = g.trains != nullptr ? g.trains : &all;
  if (!accumulate) zero((last - first) * in * trains, dweight + first * in * trains);
  for (Index tap = first; tap < last; ++tap) {
    for_each_tap(g, n, tap / g.kw, tap % g.kw, [&](Index x0, Index y0) {
      Index column = 0;
      for (const ChannelRange* range = ranges; column < trains; ++range) {
        for (Index o = range->first; o < range->last; ++o, ++column) {
          for (Index q = 0; q < in; ++q) {
            dweight[(tap * in + q) * trains + column] += x[x0 + o / out * in + q] * dy[y0 + o];
          }
        }
      }
    });
  }
}

}  // namespace

extern const ConvKernels conv;
const ConvKernels conv{packed_count, pack, packed_count, pack,       no_scratch, forward,
                       no_scratch,   dx,   dw_units,     no_scratch, dw};

}  // namespace firn::naive
