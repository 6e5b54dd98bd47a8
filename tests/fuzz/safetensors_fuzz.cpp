// Any bytes: they are read, or refused with the one typed error.
#include <cstdint>
#include <cstdlib>

#include "engine/base/error.h"
#include "engine/tensor/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto read = firn::read_safetensors({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
    // What was read can be written, and is then read again as it was.
    const auto again = firn::read_safetensors(firn::write_safetensors(read.tensors, read.metadata), "again");
    if (again.tensors.size() != read.tensors.size()) std::abort();
  } catch (const firn::Error& error) {
    if (error.fault() != firn::Fault::model_file) std::abort();
  }
  return 0;
}
