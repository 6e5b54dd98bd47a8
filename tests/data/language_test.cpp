#include "data/language.h"

#include <doctest/doctest.h>

#include "data/loader.h"
#include "data/source.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using test::fails_with;

TEST_CASE("windows and the characters that follow") {
  const test::Folder folder;
  std::string text;
  for (int i = 0; i < 20; ++i) text += "abcde";
  const std::string path = folder.write("a.txt", text + "f");
  const DataParts parts = open_data("text:" + path, {.window = 4, .split = {.validation = false}});
  const DataInfo& info = parts.train->info();
  CHECK(info.label_each_step);
  CHECK(info.vocabulary == std::vector<std::string>{"a", "b", "c", "d", "e", "f"});
  CHECK(info.classes == info.vocabulary);
  CHECK(parts.train->size() == 23);
  CHECK(parts.test->size() == 2);

  std::vector<std::int32_t> x(4);
  std::vector<std::int32_t> y(4);
  parts.train->fill_tokens(1, x);
  parts.train->fill_labels(1, y);
  CHECK(x == std::vector<std::int32_t>{4, 0, 1, 2});
  CHECK(y == std::vector<std::int32_t>{0, 1, 2, 3});
  CHECK(parts.train->label(1) == 3);
  parts.test->fill_labels(1, y);
  CHECK(y == std::vector<std::int32_t>{2, 3, 4, 5});

  Loader loader(parts.train, {.batch = 5, .shuffle = false});
  loader.start(0);
  const Batch* batch = loader.next();
  REQUIRE(batch != nullptr);
  CHECK(batch->targets.shape() == Shape{5, 4});
  CHECK(batch->targets.indices()[4] == 0);
  CHECK(batch->lengths.indices()[0] == 4);
}

TEST_CASE("a given vocabulary") {
  const test::Folder folder;
  const std::string path = folder.write("a.txt", "ab?" + std::string(60, 'a') + "é");
  const DataParts parts = open_data(path, {.window = 5, .vocabulary = {"é", "b", "a"}});
  std::vector<std::int32_t> x(5);
  parts.train->fill_tokens(0, x);
  CHECK(x == std::vector<std::int32_t>{2, 1, 2, 2, 2});
  REQUIRE(parts.train->info().notes.size() == 1);
  CHECK(parts.train->info().notes[0] == "1 of 64 characters are not in the vocabulary and left out");
  CHECK(fails_with(Fault::data, "61 of 64", [&] { open_data(path, {.vocabulary = {"b", "?", "é"}}); }));
  CHECK(fails_with(Fault::usage, "not one character", [&] { open_data(path, {.vocabulary = {"ab"}}); }));
  CHECK(fails_with(Fault::data, "windows of 64", [&] { open_data(path); }));
  CHECK(fails_with(Fault::usage, "windows of 0", [&] { open_data(path, {.window = 0}); }));
}
