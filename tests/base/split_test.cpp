#include "engine/base/split.h"

#include <doctest/doctest.h>

namespace firn {

TEST_CASE("text is split at every mark, empty parts kept") {
  using Parts = std::vector<std::string>;
  CHECK(split("a,b,c", ',') == Parts{"a", "b", "c"});
  CHECK(split("", ',') == Parts{""});
  CHECK(split(",a,,", ',') == Parts{"", "a", "", ""});
  CHECK(split("a,b", '+') == Parts{"a,b"});
}

}  // namespace firn
