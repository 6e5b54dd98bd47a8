#include "tests/counting.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<long> calls{0};
std::atomic<std::size_t> bytes{0};
std::atomic<std::size_t> most{0};

}  // namespace

#if FIRN_COUNTS_NEW
// Every form that the library has is replaced, or a sanitizer finds pairs that do not match. Inlined, GCC
// finds some.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++calls;
  void* block = std::malloc(size > 0 ? size : 1);
  if (block == nullptr) return nullptr;
  const std::size_t now = bytes += malloc_usable_size(block);
  std::size_t seen = most;
  while (now > seen && !most.compare_exchange_weak(seen, now)) {
  }
  return block;
}
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (void* block = operator new(size, std::nothrow)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept {
  if (block != nullptr) bytes -= malloc_usable_size(block);
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept {
  operator delete(block);
}
[[gnu::noinline]] void operator delete(void* block, const std::nothrow_t&) noexcept {
  operator delete(block);
}
#endif

namespace firn::test {

long allocations() {
  return calls;
}
std::size_t held() {
  return bytes;
}
std::size_t most_held() {
  return most;
}
void forget_most() {
  most = bytes.load();
}

}  // namespace firn::test
