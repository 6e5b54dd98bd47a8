// FIRN_COUNTS_NEW: 1 where a test may put operators new and delete of its own in the place of the library's.
// The thread sanitizer brings its own, and none can be put in their place.
#pragma once

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
