// Numbers of 16 bits.
#pragma once

#include <bit>
#include <cstdint>

namespace firn {

/// IEEE half precision, subnormals, infinities and NaN among them.
inline float half_number(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16;
  const std::uint32_t rest = half & 0x7fffu;
  // Subnormals are rest * 2^-24, exact in a float.
  if (rest < 0x0400u) {
    const float size = static_cast<float>(rest) * 0x1p-24f;
    return sign != 0 ? -size : size;
  }
  const std::uint32_t exponent = rest >= 0x7c00u ? 0x7f800000u : 0u;
  return std::bit_cast<float>(sign | exponent | ((rest << 13) + (exponent != 0 ? 0u : 112u << 23)));
}

/// The upper half of a float.
inline float bfloat_number(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

}  // namespace firn
