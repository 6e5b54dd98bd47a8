// Characters: UTF-8, and the vocabularies that number them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/utf8.h"

namespace firn {

/// The character that begins at `text[at]`; moves `at` behind it. Throws Error through `reader`, at `start` +
/// `at`, on what is not UTF-8.
char32_t next_character(std::string_view text, std::size_t& at, const ByteReader& reader,
                        std::uint64_t start);

/// The small letter of a capital (Latin, Greek, Cyrillic, Armenian); any other character as it is.
char32_t small_character(char32_t c);

/// The characters in use.
class CharacterSet {
 public:
  void add(char32_t character) {
    if (character >= seen_.size()) seen_.resize(character + 1);
    seen_[character] = true;
  }
  /// In the order of their code points.
  std::vector<char32_t> sorted() const;

 private:
  std::vector<bool> seen_;
};

/// Characters to numbers.
class Vocabulary {
 public:
  /// Character i gets the number first + i.
  Vocabulary(std::span<const char32_t> characters, std::int32_t first);
  /// The number of a character; -1 when it has none.
  std::int32_t number(char32_t character) const;
  /// What each number stands for; "" for those below `first`.
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::unordered_map<char32_t, std::int32_t> numbers_;
  std::vector<std::string> names_;
};

}  // namespace firn
