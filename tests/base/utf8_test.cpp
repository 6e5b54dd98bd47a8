#include "engine/base/utf8.h"

#include <doctest/doctest.h>

#include "tests/errors.h"

using namespace firn;
using test::fails_with;

TEST_CASE("what is UTF-8 is told from what is not") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
  for (const std::string_view bad : {"\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                                     "\xf4\x90\x80\x80", "\xff", "\xf0\x9f\x98", "\xf8\x88\x80\x80\x80"}) {
    const std::string text = "ab" + std::string(bad);
    CAPTURE(text.size());
    CHECK(utf8_prefix(text) == 2);
    CHECK(utf8_prefix(text + "c") == 2);
  }
}

TEST_CASE("text is clipped between characters") {
  CHECK(clipped_utf8("ab\xc3\xa9", 9) == "ab\xc3\xa9");
  CHECK(clipped_utf8("ab\xc3\xa9", 4) == "ab\xc3\xa9");
  CHECK(clipped_utf8("ab\xc3\xa9", 3) == "ab");
  CHECK(clipped_utf8("\xe2\x82\xac", 2).empty());
}

TEST_CASE("a file that is not UTF-8 is refused with its line and the way out") {
  require_utf8("a\n\xc3\xa9\n", "csv", "f.csv");
  CHECK(fails_with(Fault::data, "f.csv, line 3: the byte \\xe9 is not UTF-8",
                   [] { require_utf8("a\nb\ncaf\xe9\n", "csv", "f.csv"); }));
  CHECK(fails_with(Fault::data, "iconv -f LATIN1 -t UTF-8", [] { require_utf8("\xe9", "csv", "f.csv"); }));
  CHECK(fails_with(Fault::data, "iconv -f UTF-16 -t UTF-8", [] {
    require_utf8(std::string_view("\xff\xfe"
                                  "a\0",
                                  4),
                 "csv", "f.csv");
  }));
}

TEST_CASE("columns on a terminal") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("caf\xc3\xa9") == 4);
  CHECK(display_width("cafe\xcc\x81") == 4);              // a combining accent
  CHECK(display_width("\xe6\x97\xa5\xe6\x9c\xac") == 4);  // two ideographs
  CHECK(display_width("\xed\x95\x9c") == 2);              // a Hangul syllable
  CHECK(display_width("\xf0\x9f\x98\x80") == 2);          // a face
  CHECK(display_width("\xd0\xb6\xce\xb1") == 2);
  CHECK(display_width("") == 0);
}
