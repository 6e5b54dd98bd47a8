#include "engine/kernels/simd/window_sums.h"

#include <utility>

namespace firn::FIRN_ISA_SPACE {

namespace {

template <int V, int O>
void window_tile(const WindowTile& t) {
  Vec sum[V][O] = {};
  const float* dy = t.dy;
  const Index step = t.step, dy_pixel = t.dy_pixel;
  for (Index image = 0; image < t.images; ++image) {
    for (Index row = 0; row < t.rows; ++row) {
      const float* x[V];
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) x[v] = t.x[v] + image * t.image + row * t.row;
      Index at = 0;
      for (Index pixel = t.pixels; pixel > 0; --pixel, at += step, dy += dy_pixel) {
        add_products(
            sum, [&](int v) { return load(x[v] + at); }, [&](int o) { return broadcast(dy[o]); });
      }
    }
  }
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) {
#pragma GCC unroll 8
    for (int o = 0; o < O; ++o) {
      float* const to = t.sums + v * t.sums_vector + o * kLanes;
      store(to, t.accumulate ? load(to) + sum[v][o] : sum[v][o]);
    }
  }
}

struct Column {
  void (*run[kMostRows])(const WindowTile&);
};

template <int O, int... before>
constexpr Column column_of(std::integer_sequence<int, before...>) {
  return {{window_tile<before + 1, O>...}};
}

template <int... before>
struct Table {
  static constexpr Column columns[] = {
      column_of<before + 1>(std::make_integer_sequence<int, int{kMost[before]}>{})...};
};

template <int... before>
constexpr const Column* table(std::integer_sequence<int, before...>) {
  return Table<before...>::columns;
}

}  // namespace

void sum_windows(Index outputs, Index vectors, const WindowTile& tile) {
  table(std::make_integer_sequence<int, int{kMostColumns}>{})[outputs - 1].run[vectors - 1](tile);
}

}  // namespace firn::FIRN_ISA_SPACE
