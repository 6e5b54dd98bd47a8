// Any bytes: they are read, packed or not, or refused with Error(data).
#include "data/idx.h"
#include "engine/base/gzip.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return firn::test::fuzz(data, size, [](auto bytes) {
    if (!firn::is_gzip(bytes)) {
      firn::parse_idx(bytes, "fuzz");
      return;
    }
    constexpr std::uint64_t kMost = 1 << 24;
    firn::parse_idx(firn::gunzip(bytes, kMost, firn::Fault::data, "fuzz", firn::idx_size), "fuzz");
  });
}
