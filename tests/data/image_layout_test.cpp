// How people lay out folders of pictures, and what is made of it.
#include <doctest/doctest.h>

#include <algorithm>

#include "data/image_folder.h"
#include "data/source.h"
#include "tests/data/picture_bytes.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using test::fails_with;

namespace {

using Names = std::vector<std::string>;

void add(const test::Folder& folder, const std::string& where, int count) {
  for (int i = 0; i < count; ++i)
    folder.write((where.empty() ? "" : where + "/") + std::to_string(i) + ".png",
                 test::write_png({.width = 2, .height = 2}));
}

/// Both classes of six in `where`, which ends in '/' or is empty.
void add_classes(const test::Folder& folder, const std::string& where) {
  add(folder, where + "cat", 6);
  add(folder, where + "dog", 6);
}

DataParts opened(const test::Folder& folder, const std::string& within = "") {
  return open_data(within.empty() ? folder.path() : folder / within, {.size = 4});
}

bool notes_say(const DataParts& parts, std::string_view text) {
  const Names& notes = parts.train->info().notes;
  return std::any_of(notes.begin(), notes.end(),
                     [&](const std::string& note) { return note.find(text) != std::string::npos; });
}

Index samples(const DataParts& parts) {
  Index all = 0;
  for (const DatasetPtr& part : {parts.train, parts.validation, parts.test}) all += part ? part->size() : 0;
  return all;
}

const Names kBoth = {"cat", "dog"};

}  // namespace

TEST_CASE("a class may be called train where others lie beside it") {
  const test::Folder folder;
  add(folder, "bus", 6);
  add(folder, "car", 6);
  add(folder, "train", 6);
  const DataParts parts = opened(folder);
  CHECK(parts.train->info().classes == Names{"bus", "car", "train"});
  CHECK(notes_say(parts, "'train' holds pictures itself, beside bus, car: it is read as a class"));
}

TEST_CASE("what systems leave behind is passed over and said") {
  const test::Folder folder;
  add_classes(folder, "");
  folder.write("__MACOSX/cat/._0.png", "x");
  folder.write("cat/._0.png", "x");
  folder.write("cat/._1.png", "x");
  folder.write("dog/.DS_Store", "x");
  folder.write("dog/Thumbs.db", "x");
  const DataParts parts = opened(folder);
  CHECK(parts.train->info().classes == kBoth);
  CHECK(samples(parts) == 12);
  CHECK(notes_say(parts, "passed over .DS_Store, ._* (2 times), Thumbs.db, __MACOSX"));
}

TEST_CASE("an empty class is left out, in training and in a part") {
  const test::Folder folder;
  add_classes(folder, "train/");
  add(folder, "val/cat", 3);
  folder.write("train/bird/readme.txt", "none yet");
  std::filesystem::create_directories(folder / "val/dog");
  const DataParts parts = opened(folder);
  CHECK(parts.train->info().classes == kBoth);
  CHECK(notes_say(parts, "train: no picture in bird"));
  CHECK(notes_say(parts, "val: no picture of dog"));
  CHECK(notes_say(parts, "train: 1 files are neither PNG nor JPEG"));
}

TEST_CASE("a flat test folder has no labels and is no part") {
  const test::Folder folder;
  add_classes(folder, "train/");
  add(folder, "test", 4);
  const DataParts parts = opened(folder);
  CHECK(samples(parts) == 12);
  CHECK(notes_say(parts, "test/ holds pictures but no folders"));
  // Nor is it a class beside classes.
  const test::Folder beside;
  add_classes(beside, "");
  add(beside, "test", 4);
  CHECK(opened(beside).train->info().classes == kBoth);
  CHECK(samples(opened(beside)) == 12);
}

TEST_CASE("parts are told by their names in capitals or not") {
  const test::Folder folder;
  add_classes(folder, "Train/");
  add(folder, "Test/cat", 2);
  add(folder, "Test/dog", 3);
  const DataParts parts = opened(folder);
  CHECK(parts.test->size() == 5);
  CHECK(notes_say(parts, "parts: train from Train/, test from Test/"));
  CHECK(parts.train->info().classes == kBoth);
  // A test part beside the classes themselves.
  const test::Folder beside;
  add_classes(beside, "");
  add(beside, "TEST/cat", 2);
  CHECK(opened(beside).test->size() == 2);
  CHECK(opened(beside).train->info().classes == kBoth);
  CHECK(notes_say(opened(beside), "parts: train from the folders beside, test from TEST/"));
  add(beside, "test/dog", 2);
  CHECK(fails_with(Fault::data, "holds both TEST and test", [&] { opened(beside); }));
}

TEST_CASE("a set may hold one part alone, or all three") {
  const test::Folder folder;
  add_classes(folder, "test/");
  DataParts parts = open_image_folder(folder.path(), {});
  CHECK(parts.train == nullptr);
  CHECK(parts.test->size() == 12);
  CHECK(parts.test->info().classes == kBoth);
  add_classes(folder, "val/");
  add_classes(folder, "train/");
  parts = open_image_folder(folder.path(), {});
  CHECK(parts.train->size() == 12);
  CHECK(parts.validation->size() == 12);
}

TEST_CASE("folders within a class belong to it; a folder around the set is entered") {
  const test::Folder folder;
  add(folder, "set/cat/kittens", 4);
  add(folder, "set/cat", 2);
  add(folder, "set/dog/big/old", 6);
  std::filesystem::create_directory_symlink(folder / "set/dog", folder / "set/dog/big/again");
  folder.write("__MACOSX/x", "");
  const DataParts parts = opened(folder);
  CHECK(parts.train->info().classes == kBoth);
  CHECK(samples(parts) == 12);
  CHECK(notes_say(parts, "read from " + (folder / "set")));
  CHECK(notes_say(parts, "10 pictures lie in folders within a class"));
}

TEST_CASE("one class alone is said to be one") {
  const test::Folder folder;
  add(folder, "cat", 3);
  CHECK(notes_say(opened(folder), "one class alone, 'cat'"));
  add(folder, "dog", 3);
  CHECK_FALSE(notes_say(opened(folder), "one class alone"));
}

TEST_CASE("names say little: pictures are told by their bytes") {
  const test::Folder folder;
  add_classes(folder, "");
  const auto png = test::write_png({});
  folder.write("cat/plain", png);
  folder.write("cat/x.JFIF", test::write_jpeg({.values = {9}}));
  folder.write("cat/y.webp", std::string_view("RIFF\x24\0\0\0WEBPVP8 ", 16));
  folder.write("cat/z.webp", std::string_view("RIFF\x24\0\0\0WEBPVP8 ", 16));
  const DataParts parts = opened(folder);
  CHECK(samples(parts) == 14);
  CHECK(notes_say(parts, "left out 2 WebP pictures"));
}

TEST_CASE("layouts that are refused, with the reason") {
  const test::Folder flat;
  add(flat, "", 3);
  CHECK(fails_with(Fault::data, "holds pictures but no folders", [&] { opened(flat); }));
  const test::Folder parts;
  add(parts, "train", 3);
  add(parts, "test", 3);
  CHECK(fails_with(Fault::data, "train holds pictures but no folders", [&] { opened(parts); }));
  const test::Folder inside;
  add_classes(inside, "one/train/");
  add_classes(inside, "two/train/");
  CHECK(fails_with(Fault::data, "one holds a folder train", [&] { opened(inside); }));
  const test::Folder foreign;
  add(foreign, "cat", 3);
  foreign.write("dog/a.gif", "GIF89a");
  CHECK(fails_with(Fault::data, "dog holds 1 GIF picture and no PNG or JPEG", [&] { opened(foreign); }));
  const test::Folder classes;
  add_classes(classes, "train/");
  add(classes, "val/Cat", 3);
  CHECK(fails_with(Fault::data, "class 'Cat' is none of those for training (did you mean cat?)",
                   [&] { opened(classes); }));
}
