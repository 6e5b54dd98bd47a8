// Any bytes: they are unpacked, or refused with Error(data).
#include "engine/base/gzip.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return firn::test::fuzz(data, size,
                          [](auto bytes) { firn::gunzip(bytes, 1 << 24, firn::Fault::data, "fuzz"); });
}
