// The first bytes of any file.
#include "engine/base/foreign.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return firn::test::fuzz(data, size, [](auto bytes) { firn::foreign_file(bytes); });
}
