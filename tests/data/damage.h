// Damaged files: whatever is done to the bytes, a parser gives a result or an Error(data).
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "tests/errors.h"

namespace firn::test {

inline std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

/// What became of the damaged files.
struct Damage {
  int refused_cuts = 0;   ///< of all lengths below the whole
  int refused_flips = 0;  ///< of three flips a byte
};

/// Gives `parse` every shorter length of `whole`, and the whole with each byte changed in three ways. Each
/// damaged file is parsed from a block of its own size, so that a sanitizer sees a read beyond it.
template <class Parse>
Damage damage(const std::vector<std::byte>& whole, Parse parse) {
  Damage damage;
  const auto refused = [&](const std::vector<std::byte>& bytes) {
    const auto error = error_of([&] { parse(std::span<const std::byte>(bytes)); });
    if (error) CHECK(error->fault() == Fault::data);
    if (error) CHECK(std::string_view(error->what()).find("] file") != std::string_view::npos);
    return error.has_value();
  };
  CHECK_FALSE(refused(whole));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const auto end = whole.begin() + static_cast<std::ptrdiff_t>(n);
    damage.refused_cuts += refused(std::vector<std::byte>(whole.begin(), end));
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int mask : {0x01, 0x80, 0xff}) {
      std::vector<std::byte> changed = whole;
      changed[i] ^= std::byte(mask);
      damage.refused_flips += refused(changed);
    }
  }
  return damage;
}

}  // namespace firn::test
