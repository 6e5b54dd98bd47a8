#include "data/tokens.h"

#include <doctest/doctest.h>

#include "data/memory.h"
#include "data/text.h"

using namespace firn;
using Views = std::vector<std::string_view>;
using Strings = std::vector<std::string>;

namespace {

Views split(std::string_view text, const TokenRule& rule) {
  static TokenSplitter splitter(rule);
  splitter = TokenSplitter(rule);
  return splitter.tokens(text);
}

DatasetPtr letters() {
  DataInfo info;
  info.name = "letters";
  info.vocabulary = {"", "a", "b", "c"};
  info.classes = {"x", "y"};
  return make_tokens(info, {1, 2, 3, 3, 2, 2, 2}, {0, 3, 4, 7}, {0, 1, 0});
}

Strings texts_of(const Dataset& data) {
  Strings texts;
  for (Index i = 0; i < data.size(); ++i) {
    std::vector<std::int32_t> tokens(static_cast<std::size_t>(data.length(i)));
    data.fill_tokens(i, tokens);
    texts.push_back(token_text(data.info(), tokens));
  }
  return texts;
}

}  // namespace

TEST_CASE("words are runs of letters and digits, all else stands alone") {
  const TokenRule words{.words = true};
  CHECK(split("What's  new, in 2024?", words) == Views{"What", "'", "s", "new", ",", "in", "2024", "?"});
  CHECK(split("na\xc3\xafve caf\xc3\xa9\xe2\x80\x94\xc3\x89t\xc3\xa9", words) ==
        Views{"na\xc3\xafve", "caf\xc3\xa9", "\xe2\x80\x94", "\xc3\x89t\xc3\xa9"});
  CHECK(split("\xd0\x9f\xd1\x80\xd0\xb8 \xc2\xa3"
              "5",
              words) == Views{"\xd0\x9f\xd1\x80\xd0\xb8", "\xc2\xa3", "5"});
  CHECK(split("\xe6\x97\xa5\xe6\x9c\xac", words) == Views{"\xe6\x97\xa5", "\xe6\x9c\xac"});
  CHECK(split("cafe\xcc\x81!", words) == Views{"cafe\xcc\x81", "!"});
  CHECK(split("a\xc2\xa0"
              "b\xe3\x80\x80"
              "c\t\n",
              words) == Views{"a", "b", "c"});
  CHECK(split("<unknown>", words) == Views{"<", "unknown", ">"});
  CHECK(split(" \t ", words).empty());
}

TEST_CASE("characters are taken as they are, capitals made small on request") {
  CHECK(split("a \xc3\xa4", {}) == Views{"a", " ", "\xc3\xa4"});
  CHECK(split("A\xc3\x84", {.lower_case = true}) == Views{"a", "\xc3\xa4"});
  CHECK(split("HELLO \xd0\x9c\xd0\x98\xd0\xa0", {.words = true, .lower_case = true}) ==
        Views{"hello", "\xd0\xbc\xd0\xb8\xd1\x80"});
  CHECK(small_character(U'\u0178') == U'\u00ff');
  CHECK(small_character(U'\u03a3') == U'\u03c3');
  CHECK(small_character(U'\u0389') == U'\u03ae');
  CHECK(small_character(U'\u0141') == U'\u0142');
  CHECK(small_character(U'\u1ea0') == U'\u1ea1');
  CHECK(small_character(U'\u00d7') == U'\u00d7');
  for (char32_t c = 0; c < 0x1100; ++c) CHECK(small_character(small_character(c)) == small_character(c));
}

TEST_CASE("tokens that a vocabulary lacks are passed over, or take the place for the unknown") {
  const DatasetPtr passed = with_vocabulary(letters(), {"", "c", "a"});
  CHECK(texts_of(*passed) == Strings{"ac", "c", ""});
  CHECK(passed->length(0) == 2);
  CHECK(passed->length(2) == 1);
  std::vector<std::int32_t> tokens(3, -1);
  passed->fill_tokens(0, tokens);
  CHECK(tokens == std::vector<std::int32_t>{2, 1, 0});
  CHECK(passed->label(1) == 1);

  const Strings with_place = {"", "<unknown>", "c"};
  CHECK(texts_of(*with_vocabulary(letters(), with_place)) ==
        Strings{"<unknown><unknown>c", "c", "<unknown><unknown><unknown>"});

  const UnknownTokens unknown = unknown_tokens(*letters(), {"", "c", "a"});
  CHECK(unknown.count == 4);
  CHECK(unknown.tokens == Strings{"b"});
  CHECK(unknown.empty == 1);
  CHECK(
      unknown.text(letters()->info(), {"", "c", "a"}) ==
      "4 characters (1 different: 'b') are not in the vocabulary and passed over; 1 texts hold nothing else");
  CHECK(unknown_tokens(*letters(), letters()->info().vocabulary).count == 0);
}

TEST_CASE("a vocabulary holds what is frequent") {
  CHECK(frequent_tokens(*letters(), 9) == Strings{"", "<unknown>", "b", "c"});
  CHECK(frequent_tokens(*letters(), 1) == Strings{"", "<unknown>", "b"});
}
