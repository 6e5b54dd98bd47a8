#include "data/csv_columns.h"

#include <doctest/doctest.h>

#include <string>

#include "data/csv.h"
#include "engine/base/bytes.h"
#include "tests/errors.h"

using namespace firn;
using test::fails_with;

namespace {

using Texts = std::vector<std::string>;
using ColumnList = std::vector<std::size_t>;

CsvColumns choose(const std::string& text, const DataOptions& options = {}) {
  return choose_columns(survey_csv(text, "file"), options, "file");
}
std::size_t label_of(const std::string& text, const DataOptions& options = {}) {
  return choose(text, options).label.value_or(99);
}

/// `header`, then rows made by `row` of their number.
template <class Row>
std::string rows(std::string header, int count, Row row) {
  for (int i = 0; i < count; ++i) header += row(i) + "\n";
  return header;
}

std::string number(int i) {
  return std::to_string(i);
}
/// Whole numbers without order: 0 to `below - 1`.
std::string mixed(int i, int below) {
  return number(
      static_cast<int>(static_cast<unsigned>(i) * 2654435761u / 65536u % static_cast<unsigned>(below)));
}

}  // namespace

TEST_CASE("the label by its name, wherever it stands") {
  for (const char* name : {"label", "Label", "class", "target", "TARGET", "species", "y"}) {
    CAPTURE(name);
    const std::string label = name;
    CHECK(label_of(label + ",p0,p1\n0,1,2\n1,3,4\n") == 0);
    CHECK(label_of("p0," + label + ",p1\n1,0,2\n3,1,4\n") == 1);
    CHECK(label_of("p0,p1," + label + "\n1,2,0\n3,4,1\n") == 2);
  }
  CHECK(label_of("x,y,kind\n1,2,a\n3,4,b\n") == 2);
  CHECK(fails_with(Fault::data,
                   "column 'target' and column 'species' may both be the label: say which with --label",
                   [] { choose("a,target,species\n1,0,x\n2,1,y\n"); }));
  CHECK(label_of("a,target,species\n1,0,x\n2,1,y\n", {.label = "species", .drop = {"target"}}) == 2);
}

TEST_CASE("the label as asked for") {
  const std::string text = "a,b,c\n1,2,0\n3,4,1\n5,7,0\n";
  CHECK(label_of(text, {.label = "b"}) == 1);
  CHECK(label_of(text, {.label = "B"}) == 1);
  CHECK(label_of(text, {.label = "2"}) == 1);
  CHECK(label_of(text, {.label = "first"}) == 0);
  CHECK(label_of(text, {.label = "last"}) == 2);
  CHECK(label_of("1,2,0\n3,4,1\n", {.label = "1"}) == 0);
  for (const char* wrong : {"d", "0", "4", "-1", "2x"}) {
    CAPTURE(wrong);
    CHECK(fails_with(Fault::data, "no such column among columns 'a', 'b', 'c'",
                     [&] { choose(text, {.label = wrong}); }));
  }
  CHECK(fails_with(Fault::data, "--drop d: no such column", [&] { choose(text, {.drop = {"d"}}); }));
}

TEST_CASE("the label by its shape") {
  // Text at either end.
  CHECK(label_of("5.1,3.5,setosa\n4.9,3,virginica\n") == 2);
  CHECK(label_of("T,2,8\nI,5,12\nT,3,9\nI,5,8\n") == 0);
  // Pixels: the last never changes.
  const auto pixels = [](int i) {
    return number(i % 3) + "," + mixed(i, 250) + "," + mixed(i + 77, 250) + ",0";
  };
  CHECK(label_of(rows("", 40, pixels)) == 0);
  CHECK(label_of(rows("a,b,c,d\n", 40, pixels)) == 0);
  // Measured features, then a class; a class, then measured features.
  const auto measured = [](int i) { return mixed(i, 900) + ".5," + mixed(i + 9, 70) + "," + number(i % 2); };
  CHECK(label_of(rows("", 40, measured)) == 2);
  const auto classes_first = [](int i) {
    return number(i % 3) + "," + mixed(i, 70) + "," + mixed(i, 900) + ".5";
  };
  CHECK(label_of(rows("", 40, classes_first)) == 0);
  // Whole numbers all: the one with far fewer.
  const auto few_first = [](int i) { return number(i % 3) + "," + mixed(i, 12) + "," + mixed(i + 7, 13); };
  CHECK(label_of(rows("", 90, few_first)) == 0);
  const auto few_last = [](int i) { return mixed(i, 17) + "," + mixed(i + 7, 60) + "," + number(i % 2); };
  CHECK(label_of(rows("", 90, few_last)) == 2);
}

TEST_CASE("where nothing tells, it is asked") {
  const auto alike = [](int i) { return number(i % 4) + "," + mixed(i, 5) + "," + mixed(i + 3, 4); };
  CHECK(fails_with(Fault::data, "--label first or --label last", [&] { choose(rows("", 90, alike)); }));
  CHECK(
      fails_with(Fault::data, "--label first or --label last", [&] { choose(rows("p,q,r\n", 90, alike)); }));
  const auto measured = [](int i) {
    return mixed(i, 900) + ".5," + mixed(i + 9, 70) + "," + number(i * 7) + ".25";
  };
  CHECK(fails_with(Fault::data, "a target of numbers is for --task regression",
                   [&] { choose(rows("", 90, measured)); }));
  CHECK(fails_with(Fault::data, "column 'sex' and column 'port' both hold text ('m', 'x')",
                   [] { choose("sex,age,port\nm,2,x\nf,3,y\n"); }));
  CHECK(fails_with(Fault::data, "column 'port' holds text ('x') and column 'alive' holds classes",
                   [] { choose("age,port,alive\n1,x,0\n2,y,1\n3,x,1\n"); }));
  CHECK(fails_with(Fault::data, "a column of text, 'x' in line 2 of 'port': firn learns from numbers",
                   [] { choose("age,port,label\n1,x,0\n2,y,1\n3,x,1\n"); }));
}

TEST_CASE("an index is left out and said") {
  const auto with = [](const std::string& name, int from) {
    return rows(name + ",a,label\n", 4, [&](int i) { return number(from + i) + "," + number(i * i) + ",k"; });
  };
  for (const char* name : {"", "id", "ID", "Unnamed: 0", "index", "image_id", "PassengerId"}) {
    CAPTURE(name);
    const CsvColumns chosen = choose(with(name, 5));
    CHECK(chosen.features == ColumnList{1});
    REQUIRE(chosen.left_out.size() == 1);
    CHECK(chosen.left_out[0].ends_with("(counts the rows)"));
  }
  CHECK(choose(with("time", 0)).features == ColumnList{0, 1});
  CHECK(choose("id,a,label\nx7,1,k\nx9,2,k\n").left_out == Texts{"column 'id' (names the rows)"});
  CHECK(choose("id,a,label\n842302,1,k\n842517,2,m\n").features == ColumnList{1});
  CHECK(choose("id,a,label\n3,1,k\n3,2,m\n4,2,m\n").features == ColumnList{0, 1});
  const auto nameless = [](int i) { return number(i) + "," + mixed(i, 90) + ".5," + number(i % 2); };
  CHECK(choose(rows("", 12, nameless)).features == ColumnList{1});
  CHECK(choose(rows("", 8, nameless)).features == ColumnList{0, 1});
  CHECK(choose("a,b,label\n1,,k\n2,,m\n").left_out == Texts{"column 'b' (empty)"});
  CHECK(choose("a,b,label\n1,3,k\n2,3,m\n", {.drop = {"a"}}).left_out == Texts{"column 'a' (--drop)"});
  CHECK(fails_with(Fault::data, "no column is left", [] { choose("a,label\n1,k\n2,m\n", {.drop = {"a"}}); }));
}

TEST_CASE("the columns of weights are found by name") {
  const DataOptions options{.features = {"a", "b"}, .feature_count = 2, .trained_label = "kind"};
  const CsvColumns swapped = choose("kind,b,extra,a\nx,1,2,3\ny,4,5,6\n", options);
  CHECK(swapped.features == ColumnList{3, 1});
  CHECK(swapped.label == 0u);
  CHECK(swapped.left_out == Texts{"column 'extra' (the weights do not know it)"});
  CHECK_FALSE(choose("b,a\n1,2\n3,4\n", options).label);
  CHECK(choose("b,a,sort\n1,2,x\n3,4,y\n", options).label == 2u);
  CHECK(fails_with(Fault::data, "lacks the column 'b', which the weights were trained on",
                   [&] { choose("a,kind\n1,x\n2,y\n", options); }));
  // No names: as many columns as the weights take have no label.
  CHECK_FALSE(choose("1,2\n3,4\n", {.feature_count = 2}).label);
}

TEST_CASE("the columns of another table are found by name, else by place") {
  const auto match = [](const std::string& before, const std::string& text) {
    const CsvSurvey first = survey_csv(before, "train.csv");
    return match_columns(survey_csv(text, "test.csv"), first, choose_columns(first, {}, "train.csv"),
                         "test.csv", "train.csv");
  };
  const std::string train = "id,a,b,label\n1,5,6,x\n2,7,8,y\n";
  CHECK(match(train, "label,B,a\nx,5,6\ny,7,8\n").features == ColumnList{2, 1});
  CHECK(match(train, "label,B,a\nx,5,6\ny,7,8\n").label == 0u);
  CHECK(match(train, "a,b,more,label\n5,6,1,x\n").notes[0] ==
        "test.csv: left out the column 'more', which train.csv lacks");
  CHECK_FALSE(match(train, "id,b,a\n1,5,6\n").label);
  CHECK(fails_with(Fault::data,
                   "test.csv: lacks the column 'b' of train.csv (it has columns 'a', 'c', 'label')",
                   [&] { match(train, "a,c,label\n5,6,x\n"); }));
  CHECK(match("5,6,x\n7,8,y\n", "1,2,x\n").features == ColumnList{0, 1});
  CHECK_FALSE(match("5,6,x\n7,8,y\n", "1,2\n3,4\n").label);
  CHECK(fails_with(Fault::data, "4 columns, train.csv has 3", [&] { match("5,6,x\n7,8,y\n", "1,2,3,x\n"); }));
}
