#include "data/csv.h"

#include <doctest/doctest.h>

#include "data/source.h"
#include "tests/data/damage.h"
#include "tests/folder.h"

using namespace firn;
using test::fails_with;

namespace {

CsvTable parse(std::string_view text) {
  return parse_csv(as_bytes(text), "file");
}
using Texts = std::vector<std::string>;
using Floats = std::vector<float>;

}  // namespace

TEST_CASE("headers, label columns, separators and quotes") {
  CHECK(parse("1,2,a\n3,4,b\n").labels == Texts{"a", "b"});
  CHECK(parse("1,2,a\n3,4,b\n").values == Floats{1, 2, 3, 4});
  CHECK(parse("x,y,kind\n1,2,a").values == Floats{1, 2});
  const CsvTable named = parse("x,Label,y\r\n1,a,2\r\n\r\n3,b,4\r\n");
  CHECK(named.labels == Texts{"a", "b"});
  CHECK(named.values == Floats{1, 2, 3, 4});
  CHECK(parse("1;2;a").values == Floats{1, 2});
  CHECK(parse("\"1\", +2.5e1 ,\"say \"\"so\"\", yes\"").labels == Texts{"say \"so\", yes"});
  CHECK(parse("1,0\n2,1\n").labels == Texts{"0", "1"});
}

TEST_CASE("what is no table of numbers") {
  const struct {
    const char* text;
    const char* message;
    std::uint64_t offset;
  } cases[] = {
      {"", "no rows", 0},
      {"\n\n", "no rows", 2},
      {"x,y,label\n", "no rows", 10},
      {"alone\n", "one column", 0},
      {"1,2,a\n3,b\n", "2 fields, the first line has 3", 6},
      {"1,2,a\n3,,b\n", "'' is no finite number", 8},
      {"1,2,a\n3,nan,b\n", "'nan' is no finite number", 8},
      {"1,2,a\n1e99,2,b\n", "'1e99' is no finite number", 6},
      {"1,2,a\n0x1,2,b\n", "'0x1' is no finite number", 6},
      {"1,2,a\n3,4,\n", "without label", 10},
      {"1,2,\"a\n", "does not end", 4},
      {"1,\"2\"3,a\n", "follows a quoted field", 5},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    const auto error = test::error_of([&] { parse(c.text); });
    REQUIRE(error);
    CAPTURE(error->what());
    CHECK(error->fault() == Fault::data);
    CHECK(std::string(error->what()).find(c.message) != std::string::npos);
    CHECK(error->offset() == c.offset);
  }
}

TEST_CASE("a damaged table is refused or read") {
  const auto result = test::damage(test::bytes_of("x,\"y\",label\n1,\"2\",a\n-3.5,4e2,\"b\"\"\"\n"),
                                   [](auto bytes) { parse_csv(bytes, "file"); });
  CHECK(result.refused_cuts > 10);
  CHECK(result.refused_flips > 10);
}

TEST_CASE("classes in the order of numbers, else of names") {
  const test::Folder folder;
  folder.write("numbers.csv", "1,10\n2,9\n3,-1\n4,10\n");
  const DataParts numbers = open_csv(folder / "numbers.csv", {});
  CHECK(numbers.train->info().classes == Texts{"-1", "9", "10"});
  CHECK(numbers.train->label(0) == 2);
  CHECK(numbers.train->info().kind == DataKind::vector);
  folder.write("set/train.csv", "1,b\n2,a\n");
  folder.write("set/test.csv", "3,c\n");
  const DataParts parts = open_data(folder / "set", {.split = {.validation = false}});
  CHECK(parts.test->info().classes == Texts{"a", "b", "c"});
  CHECK(parts.train->size() == 2);
  CHECK(parts.test->label(0) == 2);
  folder.write("set/test.csv", "3,4,c\n");
  CHECK(fails_with(Fault::data, "2 features, those for training have 1", [&] { open_data(folder / "set"); }));
}
