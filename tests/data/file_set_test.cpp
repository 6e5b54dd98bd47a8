// Sets that stay in files: the numbers of those in memory, to the bit.
#include "data/file_set.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "data/memory.h"
#include "data/picture_store.h"
#include "data/source.h"
#include "engine/base/rng.h"
#include "tests/data/npy_write.h"
#include "tests/data/stb_write.h"
#include "tests/errors.h"
#include "tests/folder.h"

namespace {

using namespace firn;
using test::fails_with;
namespace fs = std::filesystem;

std::string random_bytes(std::size_t count, const char* purpose) {
  Random random(1, purpose);
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(random.below(256));
  return bytes;
}

/// All parts are the same, sample by sample and label by label.
void check_same(const DataParts& a, const DataParts& b) {
  const auto same = [](const DatasetPtr& x, const DatasetPtr& y) {
    REQUIRE((x != nullptr) == (y != nullptr));
    if (!x) return;
    CHECK(x->size() == y->size());
    CHECK(x->info().classes == y->info().classes);
    CHECK(fingerprint(*x) == fingerprint(*y));
    for (Index i = 0; i < x->size(); ++i) REQUIRE(x->label(i) == y->label(i));
  };
  same(a.train, b.train);
  same(a.validation, b.validation);
  same(a.test, b.test);
}

TEST_CASE("images of a file are those of memory") {
  const test::Folder folder;
  const Shape shape({3, 5, 2});
  const std::string bytes = random_bytes(8 * 30, "images");
  const auto file = std::make_shared<FileReader>(folder.write("a", "head" + bytes));
  DataInfo info;
  info.kind = DataKind::image;
  info.shape = shape;
  info.classes = {"a", "b"};
  const std::vector<std::int32_t> labels = {0, 1, 1, 0, 1, 0, 0, 1};
  const DatasetPtr there = make_file_images(info, {file, 4, {}}, labels);
  CHECK(fingerprint(*there) == fingerprint(*make_byte_images(info, {bytes.begin(), bytes.end()}, labels)));
  const DatasetPtr some = make_file_images(info, {file, 4, {6, 2}}, {1, 0});
  std::vector<real> x(30), y(30);
  some->fill_numbers(1, x);
  there->fill_numbers(2, y);
  CHECK(x == y);

  CHECK(fails_with(Fault::usage, "need", [&] { make_file_images(info, {file, 5, {}}, labels); }));
  CHECK(fails_with(Fault::usage, "label 2", [&] { make_file_images(info, {file, 4, {}}, {0, 2}); }));
  CHECK(fails_with(Fault::data, "No such file", [&] { FileReader(folder / "none"); }));
  CHECK(fails_with(Fault::data, "regular", [&] { FileReader(folder / "."); }));
  fs::resize_file(folder / "a", 100);
  CHECK(fails_with(Fault::data, "shorter", [&] { there->fill_numbers(7, x); }));
}

TEST_CASE("IDX left in its file; packed it is read") {
  const test::Folder folder;
  const auto idx = [](std::vector<unsigned> sizes, const std::string& values) {
    std::string text{'\0', '\0', '\x08', static_cast<char>(sizes.size())};
    for (const unsigned size : sizes) {
      for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(size >> shift & 255);
    }
    return text + values;
  };
  std::string labels;
  for (int i = 0; i < 60; ++i) labels += static_cast<char>(1 + i % 3);
  folder.write("train-images-idx3-ubyte", idx({60, 4, 5}, random_bytes(60 * 20, "idx")));
  folder.write("train-labels-idx1-ubyte", idx({60}, labels));
  check_same(open_data("idx:" + folder.path()), open_data("idx:" + folder.path(), {.memory = 100}));
  folder.write("train-images-idx3-ubyte", idx({60, 4, 5}, random_bytes(60 * 20 - 1, "idx")));
  CHECK(
      fails_with(Fault::data, "by its header", [&] { open_data("idx:" + folder.path(), {.memory = 100}); }));
  folder.write("train-images-idx3-ubyte", idx({59, 4, 5}, random_bytes(59 * 20, "idx")));
  CHECK(fails_with(Fault::data, "60 labels", [&] { open_data("idx:" + folder.path(), {.memory = 100}); }));
}

TEST_CASE("a text left in its file: windows over any border, characters of any length, some left out") {
  const test::Folder folder;
  Random random(2, "text");
  for (const std::vector<std::string>& alphabet :
       {std::vector<std::string>{"a", "b", "c", " ", "\n"}, {"a", "é", "ж", "漢", "😀", "b"}}) {
    std::string text;
    for (int i = 0; i < 9000; ++i)
      text += alphabet[random.below(static_cast<std::uint32_t>(alphabet.size()))];
    const std::string path = folder.write("a.txt", text);
    for (const Index window : {1, 7, 64, 700}) {
      CAPTURE(window);
      DataOptions options{.window = window};
      const DataParts whole = open_data("text:" + path, options);
      options.memory = 1000;
      check_same(whole, open_data("text:" + path, options));
    }
    // One character in twenty thousand is unknown, and moves all that follow.
    folder.write("a.txt", text.substr(0, text.find('b', 400)) + "?" + text.substr(text.find('b', 400)));
    DataOptions options{.window = 9, .vocabulary = alphabet};
    const DataParts whole = open_data("text:" + path, options);
    options.memory = 1000;
    const DataParts there = open_data("text:" + path, options);
    check_same(whole, there);
    CHECK(there.train->info().notes == whole.train->info().notes);
  }
  const std::string path = folder.write("bad.txt", std::string(5000, 'a') + "\xff" + std::string(5000, 'a'));
  CHECK(fails_with(Fault::data, "UTF-8", [&] { open_data("text:" + path, {.memory = 1000}); }));
}

/// Two classes of small pictures, one of them damaged.
void write_pictures(const test::Folder& folder) {
  for (int i = 0; i < 40; ++i) {
    std::vector<std::uint8_t> pixels;
    for (const char c : random_bytes(12 * 10 * 3, ("p" + std::to_string(i)).c_str()))
      pixels.push_back(static_cast<std::uint8_t>(c));
    const std::vector<std::byte> png = test::make_png(12, 10, 3, pixels);
    std::string bytes(reinterpret_cast<const char*>(png.data()), png.size());
    if (i == 17) bytes.resize(bytes.size() / 2);
    folder.write((i % 2 == 0 ? "set/cat/" : "set/dog/") + std::to_string(100 + i) + ".png", bytes);
  }
}

TEST_CASE("pictures are decoded once, said before, kept, and made anew when one changes") {
  const test::Folder folder;
  write_pictures(folder);
  std::vector<std::string> said;
  DataOptions options{.size = 8, .skip_bad = true};
  const std::string spec = "folder:" + (folder / "set");
  const DataParts whole = open_data(spec, options);
  options.memory = 1000;
  options.store = folder / "store/pictures";
  options.say = [&](const std::string& what) { said.push_back(what); };
  const DataParts there = open_data(spec, options);
  check_same(whole, there);
  CHECK(there.train->info().notes == whole.train->info().notes);
  REQUIRE(said.size() == 1);
  CHECK(said[0].find("40 pictures are decoded once into " + options.store) != std::string::npos);
  check_same(whole, open_data(spec, options));
  CHECK(said.size() == 1);  // it was there
  options.skip_bad = false;
  CHECK(fails_with(Fault::data, "1 of 40 pictures cannot be read", [&] { open_data(spec, options); }));
  options.skip_bad = true;
  fs::last_write_time(folder / "set/cat/100.png", fs::file_time_type::clock::now());
  check_same(whole, open_data(spec, options));
  CHECK(said.size() == 2);
}

TEST_CASE("a store that was broken off goes on, whatever was written") {
  const test::Folder folder;
  write_pictures(folder);
  std::vector<std::string> paths;
  for (const char* kind : {"set/cat", "set/dog"}) {
    for (const auto& entry : fs::directory_iterator(folder / kind)) paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  std::erase_if(paths, [](const std::string& path) { return path.find("/11") == std::string::npos; });
  REQUIRE(paths.size() == 10);
  // Two pictures are a chunk.
  constexpr Index kSize = 1000;
  const auto quiet = [](const std::string&) {};
  const std::string store = folder / "store";
  const StoredPictures whole = store_pictures(paths, {kSize}, store, quiet);
  const auto content = [](const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string pixels = whole.file->path(), stem = pixels.substr(0, pixels.rfind('.'));
  const std::string bytes = content(pixels), log = content(stem + ".log");
  CHECK(bytes.size() == stored_bytes(paths.size(), kSize));
  CHECK(whole.bad.size() == 1);
  for (const std::size_t cut :
       {std::size_t{0}, std::size_t{3}, log.size() / 3, log.size() / 2 + 1, log.size() - 1}) {
    CAPTURE(cut);
    // As a kill leaves it: part of the log, and a file whose end is zeros.
    fs::remove(pixels);
    std::ofstream(stem + ".log", std::ios::binary) << log.substr(0, cut);
    std::size_t chunks = 0;
    for (std::size_t end = 0; (end = log.find('\n', end)) < cut; ++end)
      chunks += log.compare(log.rfind('\n', end - 1) + 1, 6, "chunk ") == 0 ? 1 : 0;
    std::ofstream(stem + ".part", std::ios::binary) << bytes.substr(0, chunks * bytes.size() / 5);
    std::string said;
    const StoredPictures again =
        store_pictures(paths, {kSize}, store, [&](const std::string& what) { said = what; });
    CHECK(content(pixels) == bytes);
    CHECK(again.good == whole.good);
    CHECK(again.bad == whole.bad);
    CHECK((said.find("are there") != std::string::npos) == (chunks > 0));
    CHECK_FALSE(fs::exists(stem + ".part"));
  }
  // A damaged log without a part begins anew.
  std::ofstream(stem + ".log", std::ios::binary) << "chunk x\n";
  CHECK(store_pictures(paths, {kSize}, store, quiet).bad == whole.bad);
  CHECK(content(pixels) == bytes);
}

/// What `spec` comes to in memory and in its files, which hold what is too large for `memory` bytes.
std::pair<DataParts, DataParts> both(const std::string& spec, Index memory) {
  return {open_data(spec), open_data(spec, {.memory = memory})};
}

TEST_CASE("arrays stay in their files where their elements lie as samples are kept") {
  const test::Folder folder;
  const std::string spec = "npy:" + folder.path();
  folder.write("y.npy", test::npy("|u1", "(8,)", std::string("\0\1\0\1\0\1\0\1", 8)));
  const std::string bytes = random_bytes(std::size_t{8} * 8 * 9 * 3, "pictures");
  const std::string path = folder.write("x.npy", test::npy("|u1", "(8, 8, 9, 3)", bytes));
  const auto [pictures, file_pictures] = both(spec, 100);
  check_same(pictures, file_pictures);
  // Whoever opens them reads them there.
  std::vector<real> before(8 * 9 * 3), after(8 * 9 * 3);
  file_pictures.all->fill_numbers(3, before);
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(-1, std::ios::end).put('\1');
  file_pictures.all->fill_numbers(7, after);
  CHECK(after.back() == real(1) / 255);

  std::vector<float> numbers(8 * 12);
  Random random(2, "numbers");
  for (float& number : numbers) number = static_cast<float>(random.normal());
  const auto write = [&](const std::string& shape) {
    folder.write("x.npy", test::npy("<f4", shape,
                                    {reinterpret_cast<const char*>(numbers.data()), numbers.size() * 4}));
  };
  for (const char* shape : {"(8, 12)", "(8, 4, 3)", "(8, 2, 2, 3)"}) {
    CAPTURE(shape);
    write(shape);
    const auto [memory, file] = both(spec, 100);
    check_same(memory, file);
    CHECK(memory.info().kind == file.info().kind);
  }
  // The second of four steps is the last of one sequence.
  for (std::size_t k = 6; k < 12; ++k) numbers[12 + k] = std::nanf("");
  write("(8, 4, 3)");
  const auto [memory, file] = both(spec, 100);
  check_same(memory, file);
  CHECK(file.all->length(1) == 2);
  CHECK(file.all->length(2) == 4);
  folder.write("lengths.npy", test::npy("|u1", "(8,)", std::string("\4\2\4\1\4\4\3\4", 8)));
  const auto [cut, file_cut] = both(spec, 100);
  check_same(cut, file_cut);
  CHECK(file_cut.all->length(3) == 1);

  numbers[12 + 6] = 1;
  write("(8, 12)");
  fs::remove(folder.path() + "/lengths.npy");
  for (const Index most : {0, 100}) {
    CHECK(fails_with(Fault::data, "sample 1 holds nan, which is not finite",
                     [&] { open_data(spec, {.memory = most}); }));
  }
}

TEST_CASE("arrays whose elements lie otherwise are read into memory, and it is said") {
  const test::Folder folder;
  const std::string spec = "npy:" + folder.path();
  folder.write("y.npy", test::npy("|u1", "(4,)", std::string("\0\1\0\1", 4)));
  const std::string bytes = random_bytes(std::size_t{4} * 3 * 8 * 9, "channels first");
  folder.write("x.npy", test::npy("|u1", "(4, 3, 8, 9)", bytes));
  std::vector<std::string> said;
  const DataParts there =
      open_data(spec, {.memory = 100, .say = [&](const std::string& what) { said.push_back(what); }});
  check_same(open_data(spec), there);
  REQUIRE(said.size() == 1);
  CHECK(said[0].find("read into memory") != std::string::npos);
  CHECK(fails_with(Fault::data, "", [&] {
    folder.write("x.npy", test::npy("|u1", "(4, 8, 9, 3)", bytes.substr(1)));
    open_data(spec, {.memory = 100});
  }));
}

}  // namespace
