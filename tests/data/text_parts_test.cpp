// Tables of texts and series that stay in their files: what is read, noted and refused is that of memory.
#include <doctest/doctest.h>
#include <zlib.h>

#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "data/source.h"
#include "data/ts.h"
#include "data/tsv.h"
#include "engine/base/rng.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using test::error_of;
using test::fails_with;
namespace fs = std::filesystem;

namespace {

using Texts = std::vector<std::string>;

/// A set, or what was said against it.
struct Outcome {
  std::string error;
  DatasetPtr data;
};

Outcome outcome(const TableText& text, const std::string& name, const DataOptions& options) {
  Outcome outcome;
  const auto error = error_of([&] { outcome.data = parse_tsv(text, name, options); });
  if (error) outcome.error = error->what();
  return outcome;
}

void check_same(const Dataset& a, const Dataset& b) {
  CHECK(b.info().classes == a.info().classes);
  CHECK(b.info().vocabulary == a.info().vocabulary);
  CHECK(b.info().notes == a.info().notes);
  REQUIRE(b.size() == a.size());
  CHECK(fingerprint(b) == fingerprint(a));
  for (Index i = 0; i < a.size(); ++i) REQUIRE(b.place(i) == a.place(i));
}

constexpr std::size_t kWindows[] = {1, 2, 3, 5, 8, 13, 40, 64, 100, 1000};

/// As it is in memory, and in a file that is looked at through windows of all these sizes, its tokens in
/// memory or in a file.
std::string check_windows(const std::string& text, const std::string& name = "f.tsv",
                          const DataOptions& options = {}) {
  CAPTURE(text);
  const Outcome memory = outcome(TableText(text), name, options);
  const test::Folder folder;
  const auto file = std::make_shared<FileReader>(folder.write("f", text));
  DataOptions kept = options;
  kept.memory = 1;
  kept.store = folder / "store";
  for (const std::size_t window : kWindows) {
    CAPTURE(window);
    for (const DataOptions& o : {options, kept}) {
      const Outcome there = outcome(TableText(file, window), name, o);
      REQUIRE(there.error == memory.error);
      if (memory.data) check_same(*memory.data, *there.data);
    }
  }
  return memory.error;
}

}  // namespace

TEST_CASE("windows of any size show the rows of a table of texts") {
  for (const std::string text :
       {"ham\thello there\nspam\twin now\r\nham\tsee you",
        "\xef\xbb\xbfham\tone\r\n\r\n ham \ttwo\r\n   \nspam\tthree\r\n",
        "label\ttext\nham\tone\nspam\ttwo\n", "v1\tv2\nham\tone\nspam\ttwo\nham\tthree\nspam\tfour\n",
        "id\tlabel\ttext\n1\tham\tone\n2\tspam\ttwo\n",
        "ham\t\"one\ttwo\"\nspam\t\"he said \"\"no\"\"\nand went\"\r\nham\tthree\n",
        "ham\t\"one\" he said\nspam\t\"two\nham\tthree\"\nham\t\"four\"\n",
        "ham\t\"two\nham\tthree\"\nham\tfour\n", "ham\tone\nspam\t\nham\t  \nspam\ttwo\tmore\n", "\"a\"\t\"b",
        "\"a\"\t\"b\"\n\"c\"\t\"", "ä\t漢字\nö\t😀 x\n"}) {
    CHECK(check_windows(text).empty());
  }
  CHECK(check_windows("label,text\nham,\"one, two\"\nspam,three\n", "f.csv").empty());
  CHECK(check_windows("text;label\n\"one; two\";ham\nthree;spam\n", "f.csv").empty());
  CHECK(check_windows("one\n\ntwo words\n", "f.tsv", {.unlabelled = true}).empty());
  CHECK(check_windows("b\tSee you!\na\tyou see\n", "f.tsv", {.tokens = "words", .lower_case = true}).empty());
}

TEST_CASE("what is wrong with a table of texts is said in the same words") {
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {"a\tb\n\n\tb\n", "line 3: a line without label"},
           {"a\tb\nab\n", "line 2: a line without tab"},
           {"id\tlabel\ttext\n1\ta\tb\n2\ta\n", "line 3: 2 columns"},
           {"a\tb\nb\tcaf\xe9\n", "line 2: the byte \\xe9"},
           {"\xff\xfe", "not UTF-8 but UTF-16"},
           {"a\tb\nb\t\xe6\xbc", "line 2: the byte \\xe6"},
           {"\n\n", "holds no lines"},
           {"", "holds no lines"},
           {"a\t\n", "holds no texts"},
           {"text\tlabel\none\tham\ntwo\tspam\tx\n", "line 3"},
           {"a\tx\nb\ty\nc\tx\n", "say --label 1 or --label 2"}}) {
    CHECK(check_windows(text).find(what) != std::string::npos);
  }
  CHECK(check_windows("label,text\nham,\"one, two\"\nspam,three,four\n", "f.csv").find("line 3: 3 columns") !=
        std::string::npos);
  const std::string longest(static_cast<std::size_t>(kMaxTokens) + 1, 'x');
  const test::Folder folder;
  const auto file = std::make_shared<FileReader>(folder.write("f", "a\tb\nb\t" + longest));
  CHECK(fails_with(Fault::data, "line 2: a text of 16385 characters",
                   [&] { parse_tsv(TableText(file, 100), "f"); }));
}

TEST_CASE("texts and quotes at random are read or refused alike") {
  const Texts pieces = {"\t", "\t", "\t",   ",", "\n", "\n", "\r\n", "\"",           "\"",           "\"\"",
                        " ",  "a",  "text", "ä", "b",  "1",  "\r",   "a\tone two\n", "b\t\"more\"\n"};
  Random random(4, "texts");
  int read = 0;
  for (int i = 0; i < 300; ++i) {
    std::string text = random.below(3) == 0 ? "" : "a\tone\nb\ttwo\na\tthree\n";
    for (std::uint32_t n = random.below(random.below(2) == 0 ? 6 : 25); n > 0; --n)
      text += pieces[random.below(static_cast<std::uint32_t>(pieces.size()))];
    read += check_windows(text, random.below(4) == 0 ? "f.csv" : "f.tsv").empty();
  }
  CHECK(read > 30);
  CHECK(read < 270);
}

TEST_CASE("a quote that ends nowhere, or behind many lines, is not kept to find that out") {
  const test::Folder folder;
  std::string text = "a\tone\nb\t\"two\n";
  for (int line = 0; line < 300000; ++line) text += line % 2 == 0 ? "a\tthree four\n" : "b\tfive\n";
  for (const char* end : {"", "a\tsix\"\n"}) {
    const auto file = std::make_shared<FileReader>(folder.write("f", text + end));
    check_same(*parse_tsv(TableText(text + end), "f"), *parse_tsv(TableText(file), "f"));
  }
  const auto lone = std::make_shared<FileReader>(
      folder.write("f", "a\tone\nb\t\"" + std::string(std::size_t{9} << 20, '\n')));
  CHECK(parse_tsv(TableText(lone), "f")->size() == 2);
}

namespace {

/// All parts the same, and what is said of them.
void check_same(const DataParts& a, const DataParts& b) {
  const auto same = [](const DatasetPtr& x, const DatasetPtr& y) {
    REQUIRE((x != nullptr) == (y != nullptr));
    if (x) check_same(*x, *y);
  };
  same(a.train, b.train);
  same(a.validation, b.validation);
  same(a.test, b.test);
  CHECK(a.notes == b.notes);
}

std::string texts(int rows, char separator) {
  Random random(5, "rows");
  const Texts words = {"one", "two", "Three", "four", "ä", "漢", "five!", "six, seven"};
  std::string text = std::string("label") + separator + "text\n";
  for (int r = 0; r < rows; ++r) {
    text += (r % 3 == 0 ? "few" : "many") + std::string(1, separator) + "\"";
    for (std::uint32_t n = random.below(8); n > 0; --n) text += words[random.below(8)] + " ";
    text += r % 2 == 0 ? "\"\n" : "\"\r\n";
  }
  return text;
}

std::string series(int rows) {
  Random random(6, "series");
  std::string text = "@problemName made\n@classLabel true low high\n@data\n";
  for (int r = 0; r < rows; ++r) {
    const std::uint32_t steps = 3 + random.below(9);
    for (int dimension = 0; dimension < 2; ++dimension) {
      for (std::uint32_t t = 0; t < steps; ++t) {
        const std::string number = std::to_string(static_cast<double>(random.bits()) / 1e6);
        text += (t > 0 ? "," : "") + (t == 1 && random.below(20) == 0 ? "?" : number);
      }
      text += ":";
    }
    text += r % 2 == 0 ? "low\n" : "high\r\n";
  }
  return text;
}

std::string pack(const std::string& path, const std::string& text) {
  const gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return path;
}

/// What is read with little memory is what is read with all; `said` is how often something is said to be
/// written into a file.
void check_bound(const std::string& path, DataOptions options, std::size_t said) {
  CAPTURE(path);
  const test::Folder folder;
  const DataParts memory = open_data(path, options);
  Texts notes;
  options.memory = 4000;
  options.store = folder / "store";
  options.say = [&](const std::string& what) { notes.push_back(what); };
  check_same(memory, open_data(path, options));
  CHECK(notes.size() == said);
  for (const std::string& note : notes)
    CHECK(note.find("into a file in " + options.store) != std::string::npos);
  CHECK(fs::is_empty(options.store));
}

}  // namespace

TEST_CASE("texts left in their files, and packed ones, are the sets of memory") {
  const test::Folder folder;
  const std::string tabs = folder.write("a.tsv", texts(2000, '\t'));
  const std::string commas = folder.write("a.csv", texts(2000, ','));
  check_bound(tabs, {}, 1);
  check_bound(commas, {}, 1);
  check_bound(tabs, {.tokens = "words", .lower_case = true, .vocabulary_limit = 4}, 1);
  check_bound(pack(folder / "b.tsv.gz", texts(2000, '\t')), {}, 2);
  check_bound(pack(folder / "b.csv.gz", texts(2000, ',')), {}, 2);
  // Parts of their own, of which the small one stays in memory; a class that is in no line of train.tsv.
  folder.write("set/train.tsv", texts(1000, '\t'));
  folder.write("set/test.tsv", texts(20, '\t') + "none\tsix\n");
  check_bound(folder / "set", {}, 1);
  // Numbers in the place of classes.
  std::string numbers;
  for (int r = 0; r < 1000; ++r)
    numbers += std::to_string(r % 37) + ".5\tsome text " + std::to_string(r) + "\n";
  check_bound(folder.write("n.tsv", numbers), {.task = "regression"}, 1);
}

TEST_CASE("series left in their files are the sets of memory, and their faults are told alike") {
  const test::Folder folder;
  folder.write("S_TRAIN.ts", series(500));
  folder.write("S_TEST.ts", series(20));
  check_bound(folder.path(), {}, 1);
  const std::string good = "@classLabel true a b\n@data\n1,2,?:3,4,5:a\n\n1,?,3,4:1,2,3,4:b";
  for (const std::string& text :
       {good, good + "\n", good + "\n1,2:1:a\n", good + "\n1:2:3:a\n", good + "\n1,2:2,x:a\n",
        "\xef\xbb\xbf" + good, std::string("@data"), std::string("@classLabel true\n"), std::string("1,2\n"),
        good + "\n1,2:3,4:c\n"}) {
    CAPTURE(text);
    const auto error_in = [&](const TableText& from, const DataOptions& options) {
      const auto error = error_of([&] { parse_ts(from, "file", options); });
      return error ? std::string(error->what()) : std::string();
    };
    const std::string wanted = error_in(text, {});
    const auto file = std::make_shared<FileReader>(folder.write("f", text));
    for (const std::size_t window : kWindows) {
      CHECK(error_in(TableText(file, window), {}) == wanted);
      CHECK(error_in(TableText(file, window), {.memory = 1, .store = folder / "store"}) == wanted);
    }
  }
}

TEST_CASE("a packed table is unpacked piece by piece, a damaged one refused in the same words") {
  const test::Folder folder;
  const std::string path = pack(folder / "a.tsv.gz", texts(3000, '\t'));
  std::string packed(fs::file_size(path), '\0');
  std::make_shared<FileReader>(path)->read(0, std::as_writable_bytes(std::span(packed)));
  const DataOptions bound{.memory = 100, .store = folder / "store"};
  const auto said = [&](const DataOptions& options) {
    const auto error = error_of([&] { open_data(path, options); });
    return error ? std::string(error->what()) : std::string();
  };
  const auto check_alike = [&](const std::string& bytes, const char* what) {
    folder.write("a.tsv.gz", bytes);
    const std::string memory = said({}), file = said(bound);
    CHECK(memory == file);
    CHECK(memory.find(what) != std::string::npos);
  };
  check_alike(packed.substr(0, packed.size() / 2), "cut short");
  check_alike(packed + "more", "incorrect header check");
  std::string damaged = packed;
  damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);
  check_alike(damaged, "incorrect data check");
  // Two members are one text.
  pack(path, texts(100, '\t'));
  std::string first(fs::file_size(path), '\0');
  std::make_shared<FileReader>(path)->read(0, std::as_writable_bytes(std::span(first)));
  folder.write("a.tsv.gz", first + first);
  folder.write("plain.tsv", texts(100, '\t') + texts(100, '\t'));
  CHECK(fingerprint(*open_data(path, bound).all) == fingerprint(*open_data(folder / "plain.tsv").all));
  // What would fill a disk is no table.
  pack(path, std::string(std::size_t{70} << 20, 'x'));
  const std::string memory = said({}), file = said(bound);
  CHECK(memory == file);
  CHECK(memory.find("unpacks to more than") != std::string::npos);
}

TEST_CASE("a packed plain text too large for memory is read in its unpacked file") {
  const test::Folder folder;
  std::string text;
  for (int line = 0; line < 2000; ++line) text += "line " + std::to_string(line) + ", ä\n";
  check_bound(pack(folder / "a.txt.gz", text), {}, 1);
}

TEST_CASE("windows of a text in its file are those of memory in any order, on any thread") {
  const test::Folder folder;
  Random random(7, "text");
  const Texts pieces = {"a", "b", "word ", "ä", "漢字", "😀", "\n", "a long run of plain letters, "};
  std::string text;
  while (text.size() < 60000) text += pieces[random.below(8)];
  const std::string path = folder.write("a.txt", text);
  for (const Texts& vocabulary : {Texts(), Texts{"a", "b", "o", "r", "d", " ", "ä", "漢", "字", "\n", "l",
                                                 "n", "g", "u", "f", "p", "i", "e", "t",  "s",  ","}}) {
    const DataOptions options{.window = 7, .vocabulary = vocabulary};
    DataOptions bound = options;
    bound.memory = 1000;
    const DatasetPtr memory = open_data(path, options).train, file = open_data(path, bound).train;
    REQUIRE(memory->size() == file->size());
    const auto check = [&](std::uint64_t stream) {
      Random order(stream, "order");
      const auto windows = static_cast<std::uint32_t>(memory->size());
      bool same = true;
      for (int n = 0; n < 3000; ++n) {
        // Some one behind the other, most anywhere.
        const Index i = n % 3 == 0 ? n / 3 : static_cast<Index>(order.below(windows));
        std::vector<std::int32_t> a(7), b(7);
        const bool labels = order.below(2) == 0;
        for (const auto& [data, to] : {std::pair(memory, &a), std::pair(file, &b)})
          labels ? data->fill_labels(i, *to) : data->fill_tokens(i, *to);
        same = same && a == b && memory->label(i) == file->label(i);
      }
      return same;
    };
    std::vector<int> alike(3);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < alike.size(); ++t)
      threads.emplace_back([&, t] { alike[t] = check(t) ? 1 : 0; });
    for (std::thread& thread : threads) thread.join();
    CHECK(alike == std::vector<int>(3, 1));
  }
}
