// What the verbs are made of: views of data, JSON, tables.
#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "data/memory.h"
#include "data/subset.h"
#include "engine/base/error.h"
#include "tools/app/cli/json.h"
#include "tools/app/cli/table.h"
#include "tools/app/run/adapt.h"

namespace {

using namespace firn;
using namespace firn::cli;

DataInfo image_info(Index channels) {
  DataInfo info;
  info.name = "images";
  info.kind = DataKind::image;
  info.shape = Shape({1, 2, channels});
  info.classes = {"a", "b"};
  return info;
}

TEST_CASE("grey becomes colour, colour becomes grey") {
  const DatasetPtr grey = make_byte_images(image_info(1), {0, 255}, {1});
  const DatasetPtr colour = with_channels(grey, 3);
  CHECK(colour->info().shape == Shape({1, 2, 3}));
  std::array<real, 6> values{};
  colour->fill_numbers(0, values);
  CHECK(values == std::array<real, 6>{0, 0, 0, 1, 1, 1});
  CHECK(colour->label(0) == 1);

  const DatasetPtr back = with_channels(make_byte_images(image_info(3), {255, 0, 0, 0, 255, 0}, {0}), 1);
  std::array<real, 2> bright{};
  back->fill_numbers(0, bright);
  CHECK(bright[0] == doctest::Approx(0.299));
  CHECK(bright[1] == doctest::Approx(0.587));
  CHECK_THROWS_AS(with_channels(grey, 2), Error);
}

DatasetPtr words() {
  DataInfo info;
  info.name = "words";
  info.kind = DataKind::tokens;
  info.vocabulary = {"", "a", "b", "c"};
  info.classes = {"x", "y"};
  return make_tokens(info, {1, 2, 3, 3}, {0, 3, 4}, {0, 1});
}

TEST_CASE("classes are matched by name") {
  const DatasetPtr relabelled = with_labels(words(), {"y", "z", "x"}, {2, -1});
  CHECK(relabelled->label(0) == 2);
  CHECK(relabelled->label(1) == -1);
  const DatasetPtr both = concatenated(words(), words());
  CHECK(both->size() == 4);
  CHECK(both->label(3) == 1);
  CHECK(both->length(2) == 3);
}

TEST_CASE("JSON is written on one line and read strictly") {
  JsonObject object = json_line("test");
  object.add("text", "a\"\n\xff").add("number", 0.5).add("nan", std::nan("")).add("yes", true);
  object.add("list", std::vector<double>{1, 2.5});
  CHECK(object.text() ==
        "{\"schema\":1,\"kind\":\"test\",\"text\":\"a\\\"\\n\xef\xbf\xbd\",\"number\":0.5,\"nan\":null,"
        "\"yes\":true,\"list\":[1,2.5]}");
  const std::vector<std::string> strings = {"a", "\"", "\xc3\xa9"};
  CHECK(parse_strings(format_strings(strings), Fault::model_file, "here") == strings);
  for (const char* bad :
       {"", "{}", "[1]", "[[\"a\"]]", "[\"a\"", "\"a\"", "[\"a\"] x", "[{\"a\":\"b\"}]", "null"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_strings(bad, Fault::model_file, "here"), Error);
  }
}

TEST_CASE("a table is aligned by characters, not bytes") {
  Table table({"<name", "n"});
  table.row({"\xc3\xa9\xc3\xa9", "1"});
  table.row({"abc", "12"});
  CHECK(table.text() == "name   n\n\xc3\xa9\xc3\xa9     1\nabc   12");
}

}  // namespace
