#include "data/ts.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "data/source.h"
#include "tests/data/damage.h"
#include "tests/data/shared.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using test::fails_with;

namespace {

using Floats = std::vector<float>;
using Starts = std::vector<Index>;

constexpr std::string_view kHead =
    "@problemName Test\n@timeStamps false\n@univariate false\n@classLabel true a b\n@data\n";

TsFile parse(const std::string& text) {
  return parse_ts(as_bytes(text), "file");
}
std::string with_head(const std::string& data) {
  return std::string(kHead) + data;
}

}  // namespace

TEST_CASE("series of one dimension and of several, of different lengths") {
  const TsFile one =
      parse("# a comment\r\n@problemName T\r\n@classLabel true 1 2\r\n@data\r\n1,2,3:1\r\n4,5.5:2.0\r\n");
  CHECK(one.dimensions == 1);
  CHECK(one.values == Floats{1, 2, 3, 4, 5.5});
  CHECK(one.starts == Starts{0, 3, 5});
  CHECK(one.labels.classes.size() == 3);
  const TsFile two = parse(with_head("1,2:10,20:b\n\n3:30:a\n"));
  CHECK(two.dimensions == 2);
  CHECK(two.values == Floats{1, 10, 2, 20, 3, 30});
  CHECK(two.labels.labels == std::vector<std::int32_t>{1, 0});
  CHECK(parse("@classLabel false\n@data\n1,2:3,4\n").dimensions == 2);
}

TEST_CASE("missing values end a series or are filled in") {
  const TsFile file = parse(with_head("?,2,?,4,?:1,NaN,3,?,?:a\n1,2:3,4:b\n"));
  CHECK(file.values == Floats{2, 1, 2, 2, 3, 3, 4, 3, 1, 3, 2, 4});
  CHECK(file.starts == Starts{0, 4, 6});
  REQUIRE(file.notes.size() == 1);
  CHECK(file.notes[0] == "file: 4 missing values in 1 series are filled in between their neighbours");
}

TEST_CASE("what is no .ts file") {
  const struct {
    std::string text;
    const char* message;
  } cases[] = {
      {"", "line 0: no @data"},
      {"1,2,3\n", "line 1: want a tag"},
      {"@timeStamps true\n@data\n", "line 1: series with time stamps are not read"},
      {"@timeStamps\n@data\n", "line 1: @timeStamps wants true or false"},
      {"@targetLabel true\n@data\n", "firn learns classes"},
      {with_head(""), "line 5: holds no series"},
      {with_head("1,2:3,4:c\n"), "line 6: class 'c' is none of the 2"},
      {with_head("1,2\n"), "line 6: want a series, a colon and its class"},
      {with_head("1,2:3:a\n"), "line 6: dimension 2 has 1 values, the first has 2"},
      {with_head("1,2:3,4:a\n1,2:a\n"), "line 7: 1 dimensions, the series before have 2"},
      {with_head("1,x:3,4:a\n"), "line 6: 'x' is no number"},
      {with_head("1,:3,4:a\n"), "line 6: '' is no number"},
      {with_head("1,1e99:3,4:a\n"), "line 6: '1e99' is infinite"},
      {with_head("?,?:?,?:a\n"), "line 6: a series without values"},
      {with_head("1,2:?,?:a\n"), "line 6: dimension 2 has no values"},
      {with_head("(1,2),(2,3):a\n"), "line 6: series with time stamps"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    CHECK(fails_with(Fault::data, c.message, [&] { parse(c.text); }));
  }
}

TEST_CASE("a damaged .ts file is refused or read") {
  const auto result = test::damage(test::bytes_of(with_head("1,2:10,20:b\n3,?:30,4:a\n")),
                                   [](auto bytes) { parse_ts(bytes, "file"); });
  CHECK(result.refused_cuts > 50);
  CHECK(result.refused_flips > 50);
}

TEST_CASE("train and test files beside each other") {
  const test::Folder folder;
  folder.write("T_TRAIN.ts", with_head("1,2:3,4:a\n1:2:b\n"));
  folder.write("T_TEST.ts", with_head("1,2,3:3,4,5:b\n"));
  for (const std::string& spec : {folder.path(), folder / "T_TRAIN.ts"}) {
    const DataParts parts = open_data(spec);
    CHECK(parts.train->size() == 2);
    CHECK(parts.test->size() == 1);
    CHECK(parts.train->info().shape == Shape{3, 2});
    CHECK(parts.train->length(1) == 1);
    CHECK(parts.test->label(0) == 1);
    CHECK(parts.train->info().notes[0] == "series of 1 to 3 steps of 2 numbers");
  }
  folder.write("T_TEST.ts", std::string("@classLabel true a b\n@data\n1,2:a\n"));
  CHECK(fails_with(Fault::data, "series of 1 dimensions, those for training have 2",
                   [&] { open_data(folder.path()); }));
  folder.write("U_TRAIN.ts", with_head("1,2:3,4:a\n"));
  CHECK(fails_with(Fault::data, "holds several sets (T_TRAIN.ts, U_TRAIN.ts",
                   [&] { open_data(folder.path()); }));
}

TEST_CASE("the archive's Japanese vowels") {
  const std::string folder = test::shared_data("timeseries");
  if (folder.empty()) return;
  const DataParts parts = open_data(folder + "/JapaneseVowels_TRAIN.ts", {.split = {.validation = false}});
  CHECK(parts.train->size() == 270);
  CHECK(parts.test->size() == 370);
  CHECK(parts.train->info().shape == Shape{29, 12});
  CHECK(parts.train->info().classes.size() == 9);
  CHECK(class_counts(*parts.train) == std::vector<Index>(9, 30));
}
