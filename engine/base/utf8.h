// UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing beyond U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/error.h"

namespace firn {

/// The character that begins at `text[at]`, which must exist; moves `at` behind it. Nothing, and `at` as it
/// was, on what is not UTF-8.
std::optional<char32_t> decode_utf8(std::string_view text, std::size_t& at);

/// UTF-8 of one character.
std::string utf8(char32_t character);

/// Bytes of `text` before the first that is not UTF-8; all of them when all is.
std::size_t utf8_prefix(std::string_view text);
inline bool is_utf8(std::string_view text) {
  return utf8_prefix(text) == text.size();
}

/// The longest beginning of `text` that has at most `most` bytes and does not end within a character.
std::string_view clipped_utf8(std::string_view text, std::size_t most);

/// Throws Error(data) with the line, and with what makes UTF-8 of it, unless all of a file's text is UTF-8.
void require_utf8(std::string_view text, std::string_view operation, const std::string& path);
/// Throws that of the first `byte` that is not UTF-8, in a line counted from 1; `wide`: the text is UTF-16.
[[noreturn]] void fail_no_utf8(std::uint64_t line, char byte, std::string_view operation,
                               const std::string& path, bool wide = false);

/// Columns of a terminal: two for the wide characters of East Asia and for pictographs, none for marks that
/// stand on the character before.
std::size_t display_width(std::string_view text);

}  // namespace firn
