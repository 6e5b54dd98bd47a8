// Tables that stay in their files: what is read, noted and refused is that of memory, to the word and the
// bit.
#include "data/table_text.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "data/csv.h"
#include "data/source.h"
#include "engine/base/rng.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using test::error_of;
using test::fails_with;
namespace fs = std::filesystem;

namespace {

using namespace std::string_literals;

using Texts = std::vector<std::string>;

/// All that a table came to, or what was said against it.
struct Outcome {
  std::string error;
  CsvTable table;
};

Outcome outcome(const TableText& text, const DataOptions& options) {
  Outcome outcome;
  const auto error = error_of([&] { outcome.table = parse_csv(text, "file", options); });
  if (error) outcome.error = error->what();
  return outcome;
}

/// The bytes of the features, wherever they are.
std::string features_of(const CsvTable& table) {
  std::string bytes;
  if (table.file) {
    bytes.resize(table.file->size());
    table.file->read(0, std::as_writable_bytes(std::span(bytes)));
  } else if (table.bytes.empty()) {
    bytes = as_text(std::as_bytes(std::span(table.values)));
  } else {
    bytes = as_text(std::as_bytes(std::span(table.bytes)));
  }
  return bytes;
}

void check_same(const Outcome& memory, const Outcome& file) {
  REQUIRE(file.error == memory.error);
  const CsvTable &a = memory.table, &b = file.table;
  REQUIRE(b.rows == a.rows);
  REQUIRE(features_of(b) == features_of(a));
  REQUIRE(b.labels == a.labels);
  REQUIRE(b.classes == a.classes);
  REQUIRE(b.targets == a.targets);
  REQUIRE(b.groups == a.groups);
  REQUIRE(b.jumps == a.jumps);
  REQUIRE(b.notes == a.notes);
  REQUIRE(b.columns.left_out == a.columns.left_out);
  REQUIRE(b.columns.features == a.columns.features);
  REQUIRE(b.survey.comments == a.survey.comments);
  REQUIRE(b.survey.header_line == a.survey.header_line);
}

/// As it is in memory, and in a file that is looked at through windows of all these sizes.
Outcome check_windows(const std::string& text, const DataOptions& options = {}) {
  CAPTURE(text);
  const Outcome memory = outcome(TableText(text), options);
  const test::Folder folder;
  const auto file = std::make_shared<FileReader>(folder.write("a.csv", text));
  for (const std::size_t window : {1, 2, 3, 5, 8, 13, 40, 64, 100, 1000}) {
    CAPTURE(window);
    check_same(memory, outcome(TableText(file, window), options));
    DataOptions kept = options;
    kept.memory = 1;
    kept.store = folder / "store";
    check_same(memory, outcome(TableText(file, window), kept));
  }
  return memory;
}

TEST_CASE("windows of any size show the rows of memory") {
  for (const std::string text : {"x,y,kind\n1,2,a\n3,4,b\n",
                                 "x,y,kind\r\n1,2,a\r\n\r\n3,4.5,b",
                                 "x,y,kind\r1,2,a\r3,4,b\r",
                                 "\xef\xbb\xbfx;y;label\n1,5;2;a\n3,5;4;b\n",
                                 "sep=;\nx;y;label\n1;2;a\n3;4;b\n",
                                 "sep=;\rx;y;label\r1;2;a\r3;4;b\r",
                                 "x\ty\tlabel\n1\t2\t\"a\tb\"\n3\t4\tb\n",
                                 "\"x\",\"y\",\"kind\"\n\"1\",\"2\",\"a\"\"b\"\n \"3\" , +4 ,\tb \n",
                                 "# one\r\n# two, more\n#three\nx,y,label\n1,2,a\n3,4,b\n",
                                 "#x,y,label\n1,2,a\n3,4,b\n",
                                 "#a,1,2\n# no row\n#b,2,3\n#a,3,4\n",
                                 "# a\n#b",
                                 "x,y,label\n1,2,\"two\nlines\"\n3,4,\"two\r\nmore\"\n",
                                 "x,y,label\n1,2,a\n\n\n3,,b\n5,NA,b\n7,8,a\n9,1,b\n",
                                 "id,x,label\n1,3.5,a\n2,2.5,b\n3,1e-60,a\n",
                                 "x,y,label\n1,2,ä\n3,4,漢\n5,6,😀\n",
                                 "",
                                 "\n\n",
                                 "x,y,label\n",
                                 ",,\n,,\n"}) {
    check_windows(text);
  }
  CHECK(check_windows("# one\nx,y,label\n1,2,a\n3,4,b\n").table.survey.comments == 1);
  CHECK(check_windows("x,y,label\n1,2,a\n,4,b\n5,6,a\n").table.notes.size() == 1);
}

TEST_CASE("what is wrong with a table is said in the same words, with the same line") {
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {"x,y,label\n1,2,a\n3,4,\"b\n5,6,a\n", "line 3: a quoted field does not end"},
           {"x,y,label\n1,2,a\n3,4,\"b\"c\n5,6,a\n", "line 3: something follows a quoted field"},
           {"x,y,label\n1,2,a\n3,4\n5,6,a\n", "line 3: 2 fields"},
           {"x,y,label\n1,2,a\n# not here\n5,6,a\n", "line 3: 1 fields"},
           {"x,y,label\n1,2,a\n3,4,a\nz,6,a\n", "line 4: 'z'"},
           {"x,y,label\n1,2,a\n3,4,a\n1e99,6,a\n", "too large for a float"},
           {"x,y,label\n1,2,a\n3,4,\xff\n", "line 3: the byte \\xff is not UTF-8"},
           {"x,y,label\n1,2,a\n3,4,\xe6\xbc", "line 3: the byte \\xe6 is not UTF-8"},
           {"x,y,label\n1,2,a\n\xff,4,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n\0,4,b\n"s,
            "line 4: holds a zero byte"},
           {"1\0,\0002\0,\0a\0\n\0"s, "UTF-16"},
           {"\xff\xfe\0\0001\0"s, "UTF-32"},
           {"x,y,label\n1,,a\n,4,a\n5,,b\n1,2,a\n", "lack a value"}}) {
    CHECK(check_windows(text).error.find(what) != std::string::npos);
  }
  CHECK(check_windows("x,y\n1,2\n,4\n", {.feature_count = 2, .unlabelled = true})
            .error.find("line 3: column 'x'") != std::string::npos);
}

TEST_CASE("texts at random are read or refused alike") {
  const Texts pieces = {",",  ",",    ",",  ",",  "\n", "\n", "\r\n",        "\r",      "\"",
                        "\"", "\"\"", " ",  "\t", ";",  "#",  "1",           "2",       "0.5",
                        "a",  "b",    "NA", "ä",  "-",  "e5", "x,y,label\n", "1,2,a\n", "3,4,b\n"};
  Random random(4, "tables");
  int read = 0;
  for (int i = 0; i < 400; ++i) {
    std::string text = random.below(3) == 0 ? "" : "x,y,label\n1,2,a\n3,4,b\n";
    for (std::uint32_t n = random.below(random.below(2) == 0 ? 6 : 25); n > 0; --n)
      text += pieces[random.below(static_cast<std::uint32_t>(pieces.size()))];
    read += check_windows(text).error.empty();
  }
  CHECK(read > 40);
  CHECK(read < 360);
}

/// All parts the same, sample by sample, and what is said of them.
void check_same(const DataParts& a, const DataParts& b) {
  const auto same = [](const DatasetPtr& x, const DatasetPtr& y) {
    REQUIRE((x != nullptr) == (y != nullptr));
    if (!x) return;
    CHECK(x->info().classes == y->info().classes);
    CHECK(x->info().notes == y->info().notes);
    CHECK(x->info().target_scale.mean == y->info().target_scale.mean);
    CHECK(fingerprint(*x) == fingerprint(*y));
    for (Index i = 0; i < x->size(); ++i) REQUIRE(x->place(i) == y->place(i));
  };
  same(a.train, b.train);
  same(a.validation, b.validation);
  same(a.test, b.test);
  CHECK(a.notes == b.notes);
}

/// `rows` rows of three numbers by `number`, two targets, a group and a class, some without a value.
std::string table(int rows, const std::string& header, std::string (*number)(std::uint32_t)) {
  Random random(5, "rows");
  std::string text = "# made for a test\n" + header;
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < 3; ++c) text += (random.below(500) == 0 ? "" : number(random.bits())) + ",";
    text += std::to_string(r % 7) + ".25," + std::to_string(r % 2) + ",p" + std::to_string(r / 5) +
            (r % 3 == 0 ? ",one\n" : ",two\r\n");
    if (r % 100 == 17) text += "\n";
  }
  return text;
}

TEST_CASE("tables left in their files are the sets of memory, for every task") {
  const std::string header = "u,v,w,t,s,who,label\n";
  const auto real_number = [](std::uint32_t bits) { return std::to_string(static_cast<double>(bits) / 1e6); };
  const auto byte_number = [](std::uint32_t bits) { return std::to_string(bits % 256); };
  const test::Folder folder;
  std::vector<DataOptions> tasks(5);
  tasks[0].drop = tasks[1].drop = tasks[2].drop = {"who"};
  tasks[1].drop = {"who", "label"};
  tasks[1].task = "regression";
  tasks[1].label = "t,u";
  tasks[2].drop = {"who", "label"};
  tasks[2].task = "labels";
  tasks[2].label = "s";
  tasks[3].split.group = "column:who";
  tasks[4].drop = {"who", "t", "s"};
  for (const bool bytes : {false, true}) {
    const std::string path =
        folder.write("a.csv", bytes ? table(3000, header, byte_number) : table(3000, header, real_number));
    for (DataOptions options : tasks) {
      const DataParts memory = open_data("csv:" + path, options);
      std::vector<std::string> said;
      options.memory = 4000;
      options.store = folder / "store";
      options.say = [&](const std::string& what) { said.push_back(what); };
      check_same(memory, open_data("csv:" + path, options));
      REQUIRE(said.size() == 1);
      CHECK(said[0].find("are written into a file in " + options.store) != std::string::npos);
      CHECK(fs::is_empty(options.store));
    }
  }
  // Parts of their own, of which the small one stays in memory.
  folder.write("set/train.csv", table(2000, header, real_number));
  folder.write("set/test.csv", table(20, header, byte_number));
  const DataOptions plain{.drop = {"who"}};
  const DataOptions bound{.drop = {"who"}, .memory = 4000, .store = folder / "store"};
  check_same(open_data(folder / "set", plain), open_data(folder / "set", bound));
}

TEST_CASE("a packed table is unpacked into a file, and its numbers are written into one") {
  const test::Folder folder;
  const std::string text =
      table(2000, "u,v,w,t,s,who,label\n", [](std::uint32_t bits) { return std::to_string(bits % 1000); });
  const std::string path = folder.path() + "/a.csv.gz";
  const gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  const DataOptions plain{.drop = {"who"}};
  std::vector<std::string> said;
  DataOptions bound{.drop = {"who"}, .memory = 1000, .store = folder / "store"};
  bound.say = [&](const std::string& what) { said.push_back(what); };
  check_same(open_data(path, plain), open_data(path, bound));
  REQUIRE(said.size() == 2);
  CHECK(said[0].find("is unpacked into a file in " + bound.store) != std::string::npos);
}

TEST_CASE("a field that does not end is not kept to find that out; a long one that ends is read") {
  const test::Folder folder;
  const std::string begin = "x,y,label\n1,2,a\n3,4,b\n5,6,\"";
  const std::string longer(std::size_t{9} << 20, 'n');
  for (const std::string& end : {std::string(), std::string("\"\"")}) {
    const auto file = std::make_shared<FileReader>(folder.write("a.csv", begin + longer + end));
    CHECK(fails_with(Fault::data, "line 4: a quoted field does not end",
                     [&] { parse_csv(TableText(file), "file"); }));
  }
  const auto file = std::make_shared<FileReader>(folder.write("a.csv", begin + longer + "\"\"\"\n7,8,a\n"));
  const CsvTable table = parse_csv(TableText(file), "file");
  CHECK(table.rows == 4);
  CHECK(table.classes[2].size() == longer.size() + 1);
}

TEST_CASE("a table that changes while it is read, and a folder that cannot be made, are errors") {
  const test::Folder folder;
  const std::string path = folder.write("a.csv", table(3000, "u,v,w,t,s,who,label\n", [](std::uint32_t bits) {
                                          return std::to_string(bits % 1000);
                                        }));
  DataOptions options{.drop = {"who"}, .memory = 1000, .store = folder / "store"};
  // It is told of the file between the survey and the reading.
  options.say = [&](const std::string&) { fs::resize_file(path, 30000); };
  CHECK(fails_with(Fault::data, "became shorter while it was read", [&] { open_data(path, options); }));
  folder.write("b.csv", "u,v,label\n" + std::string(1000, '\n') + "1,2,a\n3,4,b\n");
  options.say = [&](const std::string&) {
    folder.write("b.csv", "u,v,label\n" + std::string(1000, '\n') + "1,2\n,a3,4,b\n");
  };
  options.drop.clear();
  options.memory = 3;
  CHECK(fails_with(Fault::data, "changed while it was read", [&] { open_data(folder / "b.csv", options); }));
  folder.write("c.csv", "u,v,label\n1,2,a\n3,4,b\n");
  options.say = {};
  options.memory = 1;
  options.store = folder / "b.csv/below";
  CHECK(fails_with(Fault::failure, "below", [&] { open_data(folder / "c.csv", options); }));
}

}  // namespace
