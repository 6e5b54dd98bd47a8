#include "data/text.h"

namespace firn {

char32_t next_character(std::string_view text, std::size_t& at, const ByteReader& reader,
                        std::uint64_t start) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::uint64_t offset = start + at;
  const unsigned lead = byte(at++);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  if (lead < 0xc2 || lead > 0xf4) reader.fail_at(offset, "is not UTF-8");
  char32_t character = lead & (0x3fu >> more);
  for (int i = 0; i < more; ++i) {
    if (at >= text.size() || (byte(at) & 0xc0) != 0x80) reader.fail_at(offset, "is not UTF-8");
    character = character << 6 | (byte(at++) & 0x3fu);
  }
  constexpr char32_t kLeast[] = {0, 0x80, 0x800, 0x10000};
  const bool surrogate = character >= 0xd800 && character <= 0xdfff;
  if (character < kLeast[more] || surrogate || character > 0x10ffff) reader.fail_at(offset, "is not UTF-8");
  return character;
}

std::string utf8(char32_t character) {
  const auto tail = [character](int shift) { return static_cast<char>(0x80 | (character >> shift & 0x3f)); };
  if (character < 0x80) return {static_cast<char>(character)};
  if (character < 0x800) return {static_cast<char>(0xc0 | character >> 6), tail(0)};
  if (character < 0x10000) return {static_cast<char>(0xe0 | character >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | character >> 18), tail(12), tail(6), tail(0)};
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
