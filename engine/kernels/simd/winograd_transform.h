// The one-dimensional transforms of Winograd's convolution, each lane a channel; the matrices of the two
// dimensions are products of these.
#pragma once

#include "engine/kernels/simd/vec.h"
#include "engine/kernels/winograd.h"

namespace firn::FIRN_ISA_SPACE {

template <int m>
struct WinogradLine;

/// Points 0, 1, -1, infinity.
template <>
struct WinogradLine<2> {
  __attribute__((always_inline)) static void input(const Vec* d, Vec* v) {
    v[0] = d[0] - d[2];
    v[1] = d[2] + d[1];
    v[2] = d[2] - d[1];
    v[3] = d[3] - d[1];
  }
  __attribute__((always_inline)) static void filter(const Vec* g, Vec* u) {
    const Vec even = 0.5f * (g[0] + g[2]), odd = 0.5f * g[1];
    u[0] = g[0];
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = g[2];
  }
  __attribute__((always_inline)) static void output(const Vec* p, Vec* y) {
    y[0] = p[0] + (p[1] + p[2]);
    y[1] = (p[1] - p[2]) + p[3];
  }
};

/// Points 0, a, -a, b, -b, infinity.
template <>
struct WinogradLine<4> {
  static constexpr double a = kWinogradNear, b = kWinogradFar;
  static constexpr float kA = float(a), kA2 = float(a * a), kA3 = float(a * a * a);
  static constexpr float kB = float(b), kB2 = float(b * b), kB3 = float(b * b * b);
  static constexpr float kA2B2 = float(a * a * b * b), kSum = float(a * a + b * b);

  __attribute__((always_inline)) static void input(const Vec* d, Vec* v) {
    const Vec even_a = d[4] - kB2 * d[2], odd_a = d[3] - kB2 * d[1];
    const Vec even_b = d[4] - kA2 * d[2], odd_b = d[3] - kA2 * d[1];
    v[0] = (d[4] - kSum * d[2]) + kA2B2 * d[0];
    v[1] = even_a + kA * odd_a;
    v[2] = even_a - kA * odd_a;
    v[3] = even_b + kB * odd_b;
    v[4] = even_b - kB * odd_b;
    v[5] = (d[5] - kSum * d[3]) + kA2B2 * d[1];
  }
  __attribute__((always_inline)) static void filter(const Vec* g, Vec* u) {
    constexpr float at_zero = float(1 / (a * a * b * b));
    constexpr float at_a = float(1 / (2 * a * a * (a * a - b * b)));
    constexpr float at_b = float(1 / (2 * b * b * (b * b - a * a)));
    const Vec even_a = g[0] + kA2 * g[2], odd_a = kA * g[1];
    const Vec even_b = g[0] + kB2 * g[2], odd_b = kB * g[1];
    u[0] = at_zero * g[0];
    u[1] = at_a * (even_a + odd_a);
    u[2] = at_a * (even_a - odd_a);
    u[3] = at_b * (even_b + odd_b);
    u[4] = at_b * (even_b - odd_b);
    u[5] = g[2];
  }
  __attribute__((always_inline)) static void output(const Vec* p, Vec* y) {
    const Vec even_a = p[1] + p[2], odd_a = p[1] - p[2];
    const Vec even_b = p[3] + p[4], odd_b = p[3] - p[4];
    y[0] = p[0] + (even_a + even_b);
    y[1] = kA * odd_a + kB * odd_b;
    y[2] = kA2 * even_a + kB2 * even_b;
    y[3] = (kA3 * odd_a + kB3 * odd_b) + p[5];
  }
};

}  // namespace firn::FIRN_ISA_SPACE
