// What every fuzzer of a parser does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "engine/base/error.h"

namespace firn::test {

/// Gives the bytes to `parse`, which may return or throw Error(data); anything else ends the fuzzer.
template <class Parse>
int fuzz(const std::uint8_t* data, std::size_t size, Parse parse) {
  try {
    parse(std::as_bytes(std::span(data, size)));
  } catch (const Error& error) {
    if (error.fault() != Fault::data) std::abort();
  }
  return 0;
}

}  // namespace firn::test
