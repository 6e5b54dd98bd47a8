#include "data/csv.h"

#include <doctest/doctest.h>

#include "tests/data/damage.h"
#include "tests/errors.h"

using namespace firn;
using test::fails_with;

namespace {

using Texts = std::vector<std::string>;
using Floats = std::vector<float>;

struct Read {
  Texts labels;
  Floats values;
  CsvTable table;
};

Read parse(std::string_view text, const DataOptions& options = {}) {
  Read read;
  read.table = parse_csv(as_bytes(text), "file", options);
  for (const std::int32_t label : read.table.labels)
    read.labels.push_back(read.table.classes[static_cast<std::size_t>(label)]);
  read.values = read.table.values;
  for (const std::uint8_t byte : read.table.bytes) read.values.push_back(byte);
  return read;
}

}  // namespace

TEST_CASE("a byte order mark is no part of the first field") {
  CHECK(parse("\xef\xbb\xbf"
              "1,2,a\n1,3,b\n1,4,a\n")
            .values == Floats{1, 2, 1, 3, 1, 4});
  CHECK(parse("\xef\xbb\xbf"
              "label,x,y\n0,1,2\n1,3,4\n")
            .labels == Texts{"0", "1"});
  CHECK(parse("\xef\xbb\xbf\"label\",x,y\n0,1,2\n1,3,4\n").labels == Texts{"0", "1"});
}

TEST_CASE("other encodings are called by their names") {
  using namespace std::string_view_literals;
  CHECK(fails_with(Fault::data, "UTF-16: save it as UTF-8", [] {
    parse(
        "\xff\xfe"
        "1\0,\0a\0\n\0"sv);
  }));
  CHECK(fails_with(Fault::data, "UTF-16", [] {
    parse(
        "\xfe\xff\0"
        "1\0,\0a\0\n"sv);
  }));
  CHECK(fails_with(Fault::data, "UTF-16", [] {
    parse(
        "1\0,\0"
        "2\0,\0a\0\n\0"sv);
  }));
  CHECK(fails_with(Fault::data, "UTF-32", [] {
    parse(
        "\xff\xfe\0\0"
        "1\0\0\0"sv);
  }));
  CHECK(fails_with(Fault::data, "line 2: holds a zero byte",
                   [] { parse("1,2,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n3,\0,b\n"sv); }));
}

TEST_CASE("ends of lines and quotes") {
  const Read expected = parse("x,y,kind\n1,2,a\n3,4,b\n");
  CHECK(expected.values == Floats{1, 2, 3, 4});
  for (const char* text :
       {"x,y,kind\r\n1,2,a\r\n\r\n3,4,b\r\n", "x,y,kind\r1,2,a\r3,4,b", "x,y,kind\n\n1,2,a\n3,4,b\n\n",
        "\"x\",\"y\",\"kind\"\n\"1\",\"2\",\"a\"\n \"3\" , +4 ,\tb \n", "x,y,kind\n1,2,a\n,,\n3,4,b\n"}) {
    CAPTURE(text);
    CHECK(parse(text).values == expected.values);
    CHECK(parse(text).labels == expected.labels);
  }
  CHECK(parse("1,\"say \"\"so\"\", yes\"\n2,\" pos\"\n").labels == Texts{"say \"so\", yes", "pos"});
  CHECK(parse("1,2,\"two\nlines\"\n3,4,\"two\r\nlines\"\n").labels == Texts{"two\nlines", "two\r\nlines"});
  CHECK(parse("1,5\" tall\n2,b\n").labels == Texts{"5\" tall", "b"});
}

TEST_CASE("the separator and the decimal point are found") {
  for (const char* text : {"1.5;2;a\n3;4;b\n", "1,5;2;a\n3;4;b\n", "1.5\t2\ta\n3\t4\tb\n", "1,5|2|a\n3|4|b",
                           "sep=;\r\n1,5;2;a\r\n3;4;b\r\n", "x;y;kind\n1,5;2,0;a\n3;4;b\n"}) {
    CAPTURE(text);
    CHECK(parse(text).values == Floats{1.5, 2, 3, 4});
    CHECK(parse(text).labels == Texts{"a", "b"});
  }
  CHECK(parse("1,2,a;b\n3,4,c;d\n").labels == Texts{"a;b", "c;d"});
  CHECK(fails_with(Fault::data, "line 2: '2.5' in column 1 is no number", [] { parse("1,5;a\n2.5;b\n"); }));
}

TEST_CASE("a header is where names stand above numbers") {
  const struct {
    const char* text;
    bool header;
    Floats values;
  } cases[] = {
      {"x,y,kind\n1,2,a\n3,4,b\n", true, {1, 2, 3, 4}},
      {"1,2,a\n3,4,b\n", false, {1, 2, 3, 4}},
      {"1,2,a\n", false, {1, 2}},
      {"NA,2,a\n1,3,b\n1,4,a\n", false, {1, 3, 1, 4}},
      {",2,a\n1,3,b\n1,4,a\n", false, {1, 3, 1, 4}},
      {"nan,NaN,a\n1,3,b\n1,4,a\n", false, {1, 3, 1, 4}},
      {"x,y,kind\nNA,2,a\n1,3,b\n1,4,a\n", true, {1, 3, 1, 4}},
      {"0,1,2,3,species\n5,3,1,7,a\n4,3,1,8,b\n", true, {5, 3, 1, 7, 4, 3, 1, 8}},
      {",0,1,2\n0,5,3,1\n1,4,6,1\n2,6,9,2\n3,7,8,2\n", true, {5, 3, 4, 6, 6, 9, 7, 8}},
      {"0,1,2,3,a\n4,5,6,7,b\n", false, {0, 1, 2, 3, 4, 5, 6, 7}},
      {"400.5,401,label\n1,2,a\n3,4,b\n", true, {1, 2, 3, 4}},
      {"# x,y,kind\n1,2,a\n3,4,b\n", true, {1, 2, 3, 4}},
      {"x,kind\n\"1\",2,a\n\"2\",4,b\n", true, {2, 4}},
      {"x,y,kind\n1,2,a,\n3,4,b,\n", true, {1, 2, 3, 4}},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    const Read read = parse(c.text);
    CHECK(read.table.survey.header == c.header);
    CHECK(read.values == c.values);
  }
  CHECK(parse("a,a,kind\n1,2,x\n3,4,y\n").table.survey.columns[1].name == "a.1");
}

TEST_CASE("comments at the top are left out and said, further below they are named") {
  const Read read = parse("# from a lab\n#,2024,by hand, twice\nx,y,kind\n1,2,a\n3,4,b\n");
  CHECK(read.values == Floats{1, 2, 3, 4});
  CHECK(read.table.survey.comments == 2);
  CHECK(read.table.survey.header_line == 3);
  CHECK(read.table.survey.columns[0].name == "x");
  // A header may begin with '#', below comments too; and so may all rows.
  CHECK(parse("#x,y,kind\n1,2,a\n3,4,b\n").table.survey.comments == 0);
  const Read names = parse("# a comment\n#x,y,kind\n1,2,a\n3,4,b\n");
  CHECK(names.table.survey.comments == 1);
  CHECK(names.table.survey.columns[0].name == "x");
  CHECK(parse("# one\r\n1;2,5;a\r\n3;4;b\r\n").values == Floats{1, 2.5, 3, 4});
  CHECK(fails_with(Fault::data, "line 3: 1 fields, the rows before have 3; it begins with '#': comment lines",
                   [] { parse("1,2,a\n3,4,b\n# that was wrong\n5,6,a\n"); }));
  CHECK(fails_with(Fault::data, "line 4: 'much' in column 'y'",
                   [] { parse("# one\nx,y,kind\n1,2,a\n3,much,b\n1,2,a\n"); }));
}

TEST_CASE("numbers at the edges of floats") {
  CHECK(parse("a,label\n3.456e-47,0\n1e-40,1\n").values == Floats{0, 1e-40f});
  CHECK(parse("a,label\n254,0\n255,1\n").table.bytes.size() == 2);
  CHECK(parse("a,label\n254,0\n256,1\n").table.bytes.empty());
  CHECK(parse("a,label\n-1,0\n255,1\n").values == Floats{-1, 255});
}

TEST_CASE("rows without a value are left out and said, or refused") {
  const std::string_view text = "x,y,kind\n1,2,a\n3,,b\n5,6,\n7,8,b\n9,NA,a\n1,2,a\n1,2,b\n";
  const Read read = parse(text);
  CHECK(read.values == Floats{1, 2, 7, 8, 1, 2, 1, 2});
  CHECK(read.labels == Texts{"a", "b", "a", "b"});
  REQUIRE(read.table.notes.size() == 1);
  CHECK(read.table.notes[0] == "file: left out 3 rows without a value (lines 3, 4, 6; most in column 'y')");
  CHECK(
      fails_with(Fault::data, "line 3: column 'y' has no value", [&] { parse(text, {.unlabelled = true}); }));
  CHECK(fails_with(Fault::data, "2 of 3 rows lack a value, 2 of them in column 'x'",
                   [] { parse("x,y,kind\n,2,a\n,4,b\n1,2,a\n"); }));
  // Of a label "-" is a sign and "none" a name.
  CHECK(parse("1,+\n2,-\n3,none\n").labels == Texts{"+", "-", "none"});
}

TEST_CASE("what is no table of numbers") {
  const struct {
    const char* text;
    const char* message;
  } cases[] = {
      {"", "no rows"},
      {"\n\n", "no rows"},
      {"x,y,label\n", "line 1: holds no rows"},
      {"alone\n", "line 1: one column"},
      {"1,2,a\n3,b\n", "line 2: 2 fields, the rows before have 3"},
      {"1,2\n3,4,b\n", "line 2: 3 fields, the rows before have 2"},
      {"x,y,kind\n1,2,a\n3,inf,b\n", "line 3: 'inf' in column 'y' is infinite"},
      {"1,2,a\n1e99,2,b\n", "line 2: '1e99' in column 1 is infinite or too large"},
      {"1,2,a\n2,2,b\n0x1,2,b\n", "line 3: '0x1' in column 1 is no number"},
      {"1,2,\"a\n", "line 1: a quoted field does not end"},
      {"1,2,\"a\nb\"\n1,2,a\n1,\"2,a\n", "line 4: a quoted field does not end"},
      {"1,\"2\"3,a\n", "line 1: something follows a quoted field"},
      {"5.1,abc,3.5,x\n1,2,3,y\n", "line 1: 'abc' in column 2 is no number: this row is neither"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.text);
    const auto error = test::error_of([&] { parse(c.text); });
    REQUIRE(error);
    CAPTURE(error->what());
    CHECK(error->fault() == Fault::data);
    CHECK(std::string(error->what()).find(c.message) != std::string::npos);
    CHECK(std::string(error->what()).starts_with("[csv] file"));
  }
}

TEST_CASE("what is odd in a table is told on one line") {
  for (const char* text : {"\"a\",\"b\"\"c\",label\n1,2,\"x\ny\"\n", "\"x\ny\",b,label\n1,2,a\nz,2,a\n",
                           "a,\"b\x1b\nc\",d\nx,y,z\n"}) {
    const auto error = test::error_of([&] { parse(text, {.label = "1"}); });
    REQUIRE(error);
    CAPTURE(error->what());
    CHECK(std::string(error->what()).find_first_of("\n\x1b") == std::string::npos);
  }
}

TEST_CASE("a damaged table is refused or read") {
  const auto result = test::damage(test::bytes_of("x,\"y\",label\n1,\"2\",a\n-3.5,4e2,\"b\"\"\"\n"),
                                   [](auto bytes) { parse_csv(bytes, "file"); });
  CHECK(result.refused_cuts > 10);
  CHECK(result.refused_flips > 10);
}
