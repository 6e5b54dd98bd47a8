#include "data/image_folder.h"

#include <doctest/doctest.h>

#include "data/digits.h"
#include "data/source.h"
#include "tests/data/shared.h"
#include "tests/data/stb_write.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using test::fails_with;

namespace {

std::vector<std::byte> png(std::uint8_t value) {
  return test::make_png(6, 5, 1, std::vector<std::uint8_t>(30, value));
}

}  // namespace

TEST_CASE("folders are classes, files are sorted") {
  const test::Folder folder;
  for (int i = 0; i < 6; ++i) {
    folder.write("cats/" + std::to_string(i) + ".png", png(static_cast<std::uint8_t>(51 * i)));
  }
  folder.write("ants/a.PNG", png(255));
  folder.write("ants/b.jpeg", test::make_jpeg(8, 8, 1, std::vector<std::uint8_t>(64, 0)));
  folder.write("ants/notes.md", "no picture");
  const DataParts parts = open_image_folder(folder.path(), {.size = 3});
  CHECK(parts.train->info().classes == std::vector<std::string>{"ants", "cats"});
  CHECK(parts.train->info().shape == Shape{3, 3, 3});
  CHECK(parts.train->size() == 8);
  CHECK(parts.names ==
        std::vector<std::string>{"a.PNG", "b.jpeg", "0.png", "1.png", "2.png", "3.png", "4.png", "5.png"});
  std::vector<real> pixels(27);
  parts.train->fill_numbers(6, pixels);
  CHECK(pixels == std::vector<real>(27, real(204) / 255));
  CHECK(open_data("folder:" + folder.path()).train->info().shape == Shape{64, 64, 3});
  CHECK(parts.train->info().notes.back().find("1 files are neither") != std::string::npos);
}

TEST_CASE("an outline lists the same samples and reads a few, to tell how long all would take") {
  const test::Folder folder;
  for (int i = 0; i < 12; ++i) {
    const std::string name = std::to_string(i) + ".png";
    folder.write("a/" + name, png(9));
    folder.write("b/" + name, png(8));
  }
  const DataParts read = open_data(folder.path(), {.size = 4});
  folder.write("b/3.png", "no picture any more");
  const DataParts outline = open_data(folder.path(), {.size = 4, .outline = true});
  CHECK(outline.train->info().shape == read.train->info().shape);
  CHECK(outline.train->info().classes == read.train->info().classes);
  CHECK(outline.train->info().notes == read.train->info().notes);
  CHECK(outline.train->size() == read.train->size());
  CHECK(outline.train->info().unread_seconds > 0);
  CHECK(read.train->info().unread_seconds == 0);
  CHECK(outline.test->size() == read.test->size());
  for (Index i = 0; i < read.train->size(); ++i) CHECK(outline.train->label(i) == read.train->label(i));
  std::vector<real> pixels(48, 1);
  outline.train->fill_numbers(0, pixels);
  CHECK(pixels == std::vector<real>(48, 0));
}

TEST_CASE("bad pictures are named and counted, or left out") {
  const test::Folder folder;
  auto cut = png(1);
  cut.resize(cut.size() - 5);
  folder.write("train/a/good.png", png(1));
  folder.write("train/b/good.png", png(2));
  folder.write("train/b/cut.png", cut);
  folder.write("train/b/fake.png", "not a picture");
  folder.write("val/a/good.png", png(3));
  const auto error = test::error_of([&] { open_data(folder.path(), {.size = 4}); });
  REQUIRE(error);
  CHECK(error->fault() == Fault::data);
  const std::string what = error->what();
  CHECK(what.find("2 of 4 pictures cannot be read") != std::string::npos);
  CHECK(what.find("cut.png") != std::string::npos);
  CHECK(what.find("fake.png") != std::string::npos);
  CHECK(what.find("good.png") == std::string::npos);

  const DataParts parts =
      open_data(folder.path(), {.size = 4, .skip_bad = true, .split = {.validation = false}});
  CHECK(parts.train->size() == 2);
  CHECK(parts.test->size() == 1);
  CHECK(parts.train->label(1) == 1);
  CHECK(parts.train->info().notes[0].find("2 of 4 pictures") != std::string::npos);
}

TEST_CASE("folders that are no data") {
  const test::Folder folder;
  folder.write("train/a/x.png", png(1));
  folder.write("val/c/x.png", png(1));
  CHECK(fails_with(Fault::data, "class 'c'", [&] { open_data(folder.path()); }));
  CHECK(fails_with(Fault::usage, "size 5000", [&] { open_data(folder.path(), {.size = 5000}); }));
  folder.write("empty/b/readme.txt", "x");
  CHECK(fails_with(Fault::data, "holds no PNG", [&] { open_data("folder:" + folder / "empty"); }));
  CHECK(fails_with(Fault::data, "nothing in it is known", [&] { open_data(folder / "empty"); }));
}

TEST_CASE("images of any set are resized on demand") {
  const DataParts digits = open_data("digits", {.size = 16, .split = {.validation = false}});
  CHECK(digits.train->info().shape == Shape{16, 16, 1});
  CHECK(digits.train->size() == 1437);
  const DataParts same = open_data("digits", {.size = 8, .split = {.validation = false}});
  CHECK(fingerprint(*same.train) == fingerprint(*open_digits().train));
}

TEST_CASE("ants and bees") {
  const std::string path = test::shared_data("hymenoptera");
  if (path.empty()) return;
  const DataParts parts = open_data(path, {.size = 32, .split = {.validation = false}});
  CHECK(class_counts(*parts.train) == std::vector<Index>{123, 121});
  CHECK(class_counts(*parts.test) == std::vector<Index>{70, 83});
}
