// AMX: tiles of 16 rows of 64 bytes, and the one instruction that multiplies them. These functions alone are
// compiled for it, each by its own attribute.
#include "engine/kernels/matrix_unit.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace firn {

#if defined(__x86_64__) && defined(__linux__)

namespace {

#define FIRN_AMX __attribute__((target("amx-tile,amx-bf16")))

/// What ldtilecfg reads: the shape of each of the eight tiles (Intel SDM, volume 1, 18.2).
struct alignas(64) TileConfig {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

FIRN_AMX void begin() {
  static constexpr TileConfig kConfig{};
  _tile_loadconfig(&kConfig);
}

FIRN_AMX void end() {
  _tile_release();
}

// Tiles 0 to 3 hold C, 4 and 5 A's, 6 and 7 B's. Their numbers must be literals.
template <int rows, int columns>
FIRN_AMX void multiply_block(const UnitBlock& t) {
  asm volatile("" ::: "memory");  // the compiler does not see that tiles read memory
  const Index c_bytes = t.ldc * Index{sizeof(float)}, a_bytes = t.lda * Index{sizeof(Bf16)};
  float* const lower = t.c + kUnitRows * t.ldc;
  if (t.accumulate) {
    _tile_loadd(0, t.c, c_bytes);
    if constexpr (columns > 1) _tile_loadd(1, t.c + kUnitRows, c_bytes);
    if constexpr (rows > 1) _tile_loadd(2, lower, c_bytes);
    if constexpr (rows > 1 && columns > 1) _tile_loadd(3, lower + kUnitRows, c_bytes);
  } else {
    _tile_zero(0);
    if constexpr (columns > 1) _tile_zero(1);
    if constexpr (rows > 1) _tile_zero(2);
    if constexpr (rows > 1 && columns > 1) _tile_zero(3);
  }
  const Bf16* b = t.b;
  for (const UnitSegment* s = t.segments; s != t.segments + t.segment_count; ++s) {
    const Bf16* a = t.a + s->offset;
    for (Index k = s->steps; k > 0; --k, a += kUnitDepth, b += columns * kUnitTile) {
      _tile_loadd(6, b, 64);
      _tile_loadd(4, a, a_bytes);
      _tile_dpbf16ps(0, 4, 6);
      if constexpr (columns > 1) {
        _tile_loadd(7, b + kUnitTile, 64);
        _tile_dpbf16ps(1, 4, 7);
      }
      if constexpr (rows > 1) {
        _tile_loadd(5, a + kUnitRows * t.lda, a_bytes);
        _tile_dpbf16ps(2, 5, 6);
        if constexpr (columns > 1) _tile_dpbf16ps(3, 5, 7);
      }
    }
  }
  _tile_stored(0, t.c, c_bytes);
  if constexpr (columns > 1) _tile_stored(1, t.c + kUnitRows, c_bytes);
  if constexpr (rows > 1) _tile_stored(2, lower, c_bytes);
  if constexpr (rows > 1 && columns > 1) _tile_stored(3, lower + kUnitRows, c_bytes);
}

void multiply(const UnitBlock& t) {
  if (t.row_tiles > 1) {
    t.column_tiles > 1 ? multiply_block<2, 2>(t) : multiply_block<2, 1>(t);
  } else {
    t.column_tiles > 1 ? multiply_block<1, 2>(t) : multiply_block<1, 1>(t);
  }
}

constexpr Index kPeakSteps = 4;

FIRN_AMX void peak(Index rounds) {
  for (Index r = 0; r < rounds; ++r) {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
}

/// XCR0: what the operating system saves of a thread.
std::uint64_t saved_state() {
  std::uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
}

bool has_amx() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kOsSaves = 1U << 27, kTile = 1U << 24, kTileBf16 = 1U << 22;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kOsSaves) == 0) return false;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & kTile) == 0 || (d & kTileBf16) == 0) return false;
  constexpr std::uint64_t kTiles = std::uint64_t{3} << 17;
  if ((saved_state() & kTiles) != kTiles) return false;
  // Linux grants the tiles' state to a process that asks (5.16, Documentation/arch/x86/xstate.rst); threads
  // started later have it.
  constexpr long kAskForState = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kAskForState, kTileData) == 0;
}

constexpr MatrixUnit kAmx{"AMX", false, begin, end, multiply, kPeakSteps, peak};

#undef FIRN_AMX

}  // namespace

const MatrixUnit* amx_unit() {
  static const bool available = has_amx();
  return available ? &kAmx : nullptr;
}

#else

const MatrixUnit* amx_unit() {
  return nullptr;
}

#endif

}  // namespace firn
