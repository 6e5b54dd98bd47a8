#include "engine/base/float_mode.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace firn {

namespace {

#if defined(__x86_64__)
constexpr std::uint64_t kFlush = 0x8040;  // MXCSR: flush to zero, denormals are zero

std::uint64_t mode() {
  return _mm_getcsr();
}
void set_mode(std::uint64_t mode) {
  _mm_setcsr(static_cast<unsigned>(mode));
}
#elif defined(__aarch64__)
constexpr std::uint64_t kFlush = std::uint64_t{1} << 24;  // FPCR: FZ

std::uint64_t mode() {
  std::uint64_t mode = 0;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
void set_mode(std::uint64_t mode) {
  asm volatile("msr fpcr, %0" ::"r"(mode) : "memory");
}
#else
constexpr std::uint64_t kFlush = 0;

std::uint64_t mode() {
  return 0;
}
void set_mode(std::uint64_t) {}
#endif

/// Writing the mode takes longer than reading it.
void change(std::uint64_t from, std::uint64_t to) {
  if (from != to) set_mode(to);
}

}  // namespace

FlushSubnormals::FlushSubnormals() : before_(mode()) {
  change(before_, before_ | kFlush);
}

// What was raised meanwhile (MXCSR holds flags too) stays.
FlushSubnormals::~FlushSubnormals() {
  const std::uint64_t now = mode();
  change(now, (now & ~kFlush) | (before_ & kFlush));
}

void FlushSubnormals::for_good() {
  const std::uint64_t now = mode();
  change(now, now | kFlush);
}

bool FlushSubnormals::in_force() {
  return (mode() & kFlush) == kFlush;
}

}  // namespace firn
