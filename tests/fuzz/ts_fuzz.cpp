// Any bytes: they are read, or refused with Error(data).
#include "data/ts.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return firn::test::fuzz(data, size, [](auto bytes) { firn::parse_ts(bytes, "fuzz"); });
}
