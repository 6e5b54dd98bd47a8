// Text to tokens, and the vocabularies that number them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/dataset.h"
#include "data/token_rule.h"

namespace firn {

/// Parts texts into tokens.
class TokenSplitter {
 public:
  explicit TokenSplitter(const TokenRule& rule) : rule_(rule) {}
  /// The tokens of `text`, which must be UTF-8; they are good until the next call and while `text` is there.
  const std::vector<std::string_view>& tokens(std::string_view text);

 private:
  TokenRule rule_;
  std::string small_;
  std::vector<std::string_view> tokens_;
};

/// The tokens of a sample as text again; between words stands a space.
std::string token_text(const DataInfo& info, std::span<const std::int32_t> tokens);

/// Numbers of tokens by their names.
class TokenNumbers {
 public:
  explicit TokenNumbers(const std::vector<std::string>& vocabulary);
  /// The number of a token; of one that is not in the vocabulary the place for those, -1 without one.
  std::int32_t number(std::string_view token) const {
    const auto at = numbers_.find(token);
    return at == numbers_.end() ? unknown_ : at->second;
  }
  bool knows(std::string_view token) const { return numbers_.contains(token); }

 private:
  std::unordered_map<std::string_view, std::int32_t> numbers_;
  std::int32_t unknown_ = -1;
};

/// `data` with the numbers of another vocabulary. A token that is not in it gets the place for the unknown;
/// where there is none it is passed over, and a sample with no token left is one of padding alone. `note` is
/// added to the notes.
DatasetPtr with_vocabulary(DatasetPtr data, const std::vector<std::string>& vocabulary,
                           const std::string& note = {});

/// The tokens of `data` that `vocabulary` lacks.
struct UnknownTokens {
  Index count = 0;                  ///< of tokens
  std::vector<std::string> tokens;  ///< the different ones
  Index empty = 0;                  ///< samples that hold no other
  void add(std::string_view token);
  /// "3 characters (2 different: 'x', 'y') are not in the vocabulary and passed over"; "" for none.
  std::string text(const DataInfo& info, const std::vector<std::string>& vocabulary) const;
};
UnknownTokens unknown_tokens(const Dataset& data, const std::vector<std::string>& vocabulary);

/// A vocabulary for what `train` holds: "" for padding, `kUnknownToken`, then the tokens that are in it at
/// least twice (where none is: once), the most frequent first, of equally frequent ones the lesser; at most
/// `limit` of them.
std::vector<std::string> frequent_tokens(const Dataset& train, Index limit);

}  // namespace firn
