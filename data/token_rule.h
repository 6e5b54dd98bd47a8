// What a token of text is.
#pragma once

#include <string>
#include <string_view>

namespace firn {

/// Characters, or words: a run of letters, digits and marks is a word; every other character that is no space
/// is a word of its own, and so is each of the scripts that are written without spaces (Han, Kana).
struct TokenRule {
  bool words = false;
  bool lower_case = false;  ///< capitals are made small first
  bool operator==(const TokenRule&) const = default;
  std::string name() const { return words ? "words" : "characters"; }
};

/// The entry of a vocabulary that stands for all tokens that are not in it: no character and no word.
constexpr std::string_view kUnknownToken = "<unknown>";

}  // namespace firn
