// Any bytes, the first two of them a size: they are read, or refused with Error(data).
#include "data/bitmaps.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto side = [](std::uint8_t byte) { return firn::Index{1} + byte; };
  return firn::test::fuzz(data + 2, size - 2, [&](auto bytes) {
    firn::parse_bitmaps(bytes, "fuzz", side(data[0]), side(data[1]));
  });
}
