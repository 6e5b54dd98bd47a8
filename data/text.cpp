#include "data/text.h"

#include <optional>

namespace firn {

char32_t next_character(std::string_view text, std::size_t& at, const ByteReader& reader,
                        std::uint64_t start) {
  const std::optional<char32_t> character = decode_utf8(text, at);
  if (!character) reader.fail_at(start + at, "is not UTF-8");
  return *character;
}

char32_t small_character(char32_t c) {
  const auto in = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
  if (c < 0x80) return in('A', 'Z') ? c + 32 : c;
  if (in(0xc0, 0xde)) return c == 0xd7 ? c : c + 32;
  if (in(0x100, 0x17e)) {
    // Pairs of capital and small; between 0x139 and 0x148, and from 0x179 on, the capitals are the odd ones.
    if (c == 0x178) return 0xff;
    if (c == 0x130 || c == 0x131 || c == 0x138 || c == 0x149) return c;
    const bool odd_capitals = in(0x139, 0x148) || c >= 0x179;
    return (c % 2 == 1) == odd_capitals ? c + 1 : c;
  }
  if (c == 0x1a0 || c == 0x1af) return c + 1;
  if (in(0x391, 0x3ab)) return c == 0x3a2 ? c : c + 32;
  if (in(0x386, 0x38f)) return c == 0x386 ? 0x3ac : c <= 0x38a ? c + 37 : c == 0x38c ? 0x3cc : c + 63;
  if (in(0x410, 0x42f)) return c + 32;
  if (in(0x400, 0x40f)) return c + 80;
  if (in(0x531, 0x556)) return c + 48;
  if (c == 0x1e9e) return 0xdf;
  const bool pairs = in(0x200, 0x21f) || in(0x460, 0x481) || in(0x48a, 0x4bf) || in(0x4d0, 0x52f) ||
                     in(0x1e00, 0x1e95) || in(0x1ea0, 0x1eff);
  if (pairs) return c % 2 == 0 ? c + 1 : c;
  return in(0xff21, 0xff3a) ? c + 32 : c;
}

std::vector<char32_t> CharacterSet::sorted() const {
  std::vector<char32_t> characters;
  for (std::size_t c = 0; c < seen_.size(); ++c) {
    if (seen_[c]) characters.push_back(static_cast<char32_t>(c));
  }
  return characters;
}

Vocabulary::Vocabulary(std::span<const char32_t> characters, std::int32_t first)
    : names_(static_cast<std::size_t>(first)) {
  for (const char32_t c : characters) {
    numbers_.emplace(c, static_cast<std::int32_t>(names_.size()));
    names_.push_back(utf8(c));
  }
}

std::int32_t Vocabulary::number(char32_t character) const {
  const auto at = numbers_.find(character);
  return at == numbers_.end() ? -1 : at->second;
}

}  // namespace firn
