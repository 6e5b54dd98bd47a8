// Any bytes: they are unpacked, or refused with Error(data).
#include "data/npz.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return firn::test::fuzz(data, size, [](auto bytes) {
    for (const firn::ZipEntry& entry : firn::read_zip(bytes, "fuzz", firn::kNpzRule))
      firn::unpack(entry, "fuzz", firn::kNpzRule);
  });
}
