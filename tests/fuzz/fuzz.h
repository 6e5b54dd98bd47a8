// What every fuzzer of a parser does.
#pragma once

#include <stdlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/error.h"

namespace firn::test {

/// Gives the bytes to `parse`, which may return or throw an Error of one of these faults; anything else ends
/// the fuzzer.
template <class Parse>
int fuzz(const std::uint8_t* data, std::size_t size, Parse parse,
         std::initializer_list<Fault> allowed = {Fault::data}) {
  try {
    parse(std::as_bytes(std::span(data, size)));
  } catch (const Error& error) {
    if (std::find(allowed.begin(), allowed.end(), error.fault()) == allowed.end()) std::abort();
  }
  return 0;
}

/// A folder of the fuzzer's own, in memory where the system has such a place.
inline const std::string& fuzz_folder() {
  static const std::string path = [] {
    std::error_code code;
    std::string name = std::filesystem::is_directory("/dev/shm", code) ? "/dev/shm/firn-fuzz-XXXXXX"
                                                                       : "/tmp/firn-fuzz-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    static const std::string kept = name;
    std::atexit([] {
      std::error_code ignored;
      std::filesystem::remove_all(kept, ignored);
    });
    return name;
  }();
  return path;
}

/// Writes a file into it.
inline void put_file(const std::string& name, std::string_view text) {
  std::ofstream(fuzz_folder() + "/" + name, std::ios::binary) << text;
}

}  // namespace firn::test
