#include "engine/base/printable.h"

#include <fmt/core.h>

#include <cstdint>

#include "engine/base/utf8.h"

namespace firn {

namespace {

struct Character {
  char32_t code = 0;
  std::size_t bytes = 0;  ///< 0: no UTF-8
};

Character first_character(std::string_view text) {
  Character first;
  if (const auto code = decode_utf8(text, first.bytes)) first.code = *code;
  return first;
}

bool is_control(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

/// Marks of direction, separators of lines, and what is no character.
bool hides(char32_t code) {
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
      out += fmt::format("\\u{:04x}", static_cast<std::uint32_t>(character.code));
    } else {
      out += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(text[0]));
    }
    text.remove_prefix(bytes > 0 ? bytes : character.bytes > 0 ? character.bytes : 1);
  }
  return out;
}

}  // namespace firn
