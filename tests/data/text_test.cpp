#include "data/text.h"

#include <doctest/doctest.h>

#include "tests/errors.h"

using namespace firn;

namespace {

std::vector<char32_t> decode(std::string_view text) {
  const ByteReader reader(as_bytes(text), Fault::data, "text", "file");
  std::vector<char32_t> characters;
  for (std::size_t at = 0; at < text.size();) characters.push_back(next_character(text, at, reader, 100));
  return characters;
}

}  // namespace

TEST_CASE("every character survives UTF-8") {
  for (char32_t c = 1; c <= 0x10ffff; c += c < 0x1000 ? 1 : 97) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    const std::vector<char32_t> back = decode(utf8(c));
    if (back != std::vector<char32_t>{c}) FAIL_CHECK("U+" << static_cast<unsigned>(c));
  }
  CHECK(utf8(0xe9) == "é");
  CHECK(utf8(0x20ac) == "€");
  CHECK(decode("aé€😀") == std::vector<char32_t>{'a', 0xe9, 0x20ac, 0x1f600});
}

TEST_CASE("what is not UTF-8") {
  for (const std::string_view text : {"\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80", "\xff", "\xf0\x9f\x98", "\xf8\x88\x80\x80\x80"}) {
    CAPTURE(text.size());
    CHECK(
        test::fails_with(Fault::data, "offset 102: is not UTF-8", [&] { decode("ab" + std::string(text)); }));
  }
}

TEST_CASE("a vocabulary numbers its characters") {
  CharacterSet set;
  for (const char32_t c : U"banana") {
    if (c != 0) set.add(c);
  }
  const Vocabulary from_one(set.sorted(), 1);
  CHECK(from_one.names() == std::vector<std::string>{"", "a", "b", "n"});
  CHECK(from_one.number('a') == 1);
  CHECK(from_one.number('z') == -1);
  CHECK(Vocabulary(set.sorted(), 0).number('a') == 0);
}
