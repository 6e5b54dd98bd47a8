// Operators new and delete that count, in the place of the library's: link tests/counting.cpp.
#pragma once

#include <cstddef>

namespace firn::test {

#if defined(__SANITIZE_THREAD__)
#define FIRN_COUNTS_NEW 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FIRN_COUNTS_NEW 0
#endif
#endif
#if !defined(FIRN_COUNTS_NEW)
#define FIRN_COUNTS_NEW 1
#endif

/// False under the thread sanitizer, which brings operators of its own: then all counts are 0.
inline constexpr bool counts_new = FIRN_COUNTS_NEW != 0;

/// Calls of operator new.
long allocations();
/// Bytes that operator new holds; tensors' own blocks are not among them.
std::size_t held();
/// The most that was held since forget_most().
std::size_t most_held();
void forget_most();

}  // namespace firn::test
