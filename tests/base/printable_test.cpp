#include "engine/base/printable.h"

#include <doctest/doctest.h>

using firn::printable;
using firn::shown_bytes;

TEST_CASE("what a terminal would obey is written out") {
  CHECK(printable("plain, caf\xc3\xa9, \xe6\xbc\xa2\xe5\xad\x97, \xf0\x9f\x90\x88") ==
        "plain, caf\xc3\xa9, \xe6\xbc\xa2\xe5\xad\x97, \xf0\x9f\x90\x88");
  CHECK(printable("\x1b]0;title\x07") == "\\x1b]0;title\\x07");
  CHECK(printable("a\rb\bc\x7f") == "a\\x0db\\x08c\\x7f");
  CHECK(printable(std::string_view("\0", 1)) == "\\x00");
  CHECK(printable("\xc2\x9b[31m") == "\\u009b[31m");             // CSI in one character
  CHECK(printable("\x9b[31m caf\xe9") == "\\x9b[31m caf\\xe9");  // and in one byte
  CHECK(printable("\xe2\x80\xae"
                  "exe.jpg") == "\\u202eexe.jpg");  // turned around
  CHECK(printable("\xc0\xaf \xed\xa0\x80 \xf5") == "\\xc0\\xaf \\xed\\xa0\\x80 \\xf5");
  CHECK(printable("\xe6\xbc") == "\\xe6\\xbc");  // cut
}

TEST_CASE("new lines and tabs stay where lines are meant") {
  CHECK(printable("a\n\tb") == "a\\x0a\\x09b");
  CHECK(printable("a\n\tb\x1b", true) == "a\n\tb\\x1b");
}

TEST_CASE("the bytes of what may be shown") {
  CHECK(shown_bytes("a") == 1);
  CHECK(shown_bytes("\xc3\xa9") == 2);
  CHECK(shown_bytes("\xf0\x9f\x90\x88") == 4);
  CHECK(shown_bytes("\n") == 0);
  CHECK(shown_bytes("\xc2\x85") == 0);
  CHECK(shown_bytes("\xff") == 0);
}
