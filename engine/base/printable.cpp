#include "engine/base/printable.h"

#include <fmt/core.h>

#include <cstdint>

namespace firn {

namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 0;  ///< 0: no UTF-8
};

Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < bytes) return {};
  std::uint32_t code = lead & (0x7Fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code < 0xE000;
  return code < kLeast[bytes] || code > 0x10FFFF || surrogate ? Character{} : Character{code, bytes};
}

bool is_control(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

/// Marks of direction, separators of lines, and what is no character.
bool hides(std::uint32_t code) {
  return code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF || code == 0xFFFE || code == 0xFFFF;
}

}  // namespace

std::size_t shown_bytes(std::string_view text) {
  const Character character = first_character(text);
  return is_control(character.code) || hides(character.code) ? 0 : character.bytes;
}

std::string printable(std::string_view text, bool lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character character = first_character(text);
    std::size_t bytes = shown_bytes(text);
    if (bytes == 0 && lines && (text[0] == '\n' || text[0] == '\t')) bytes = 1;
    if (bytes > 0) {
      out += text.substr(0, bytes);
    } else if (character.code >= 0x80) {
      out += fmt::format("\\u{:04x}", character.code);
    } else {
      out += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(text[0]));
    }
    text.remove_prefix(bytes > 0 ? bytes : character.bytes > 0 ? character.bytes : 1);
  }
  return out;
}

}  // namespace firn
