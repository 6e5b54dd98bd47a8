#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "data/csv.h"
#include "data/source.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using test::fails_with;

namespace {

using Texts = std::vector<std::string>;

bool noted(const DataInfo& info, const std::string& part) {
  return std::any_of(info.notes.begin(), info.notes.end(),
                     [&](const std::string& note) { return note.find(part) != std::string::npos; });
}

std::vector<real> sample(const Dataset& data, Index i) {
  std::vector<real> values(static_cast<std::size_t>(data.info().shape.count()));
  data.fill_numbers(i, values);
  return values;
}

}  // namespace

TEST_CASE("columns of train.csv and test.csv are matched by name") {
  const test::Folder folder;
  folder.write("train.csv", "a,b,c,d,label\n1,2,3,4,0\n5,6,7,8.5,1\n");
  folder.write("test.csv", "d,label,c,b,a\n4,0,3,2,1\n");
  const DataParts parts = open_data(folder.path());
  CHECK(sample(*parts.test, 0) == std::vector<real>{1, 2, 3, 4});
  CHECK(parts.train->info().features == Texts{"a", "b", "c", "d"});
  CHECK(parts.train->info().label_name == "label");
  CHECK(noted(parts.train->info(),
              "4 features (a, b, c, d), the label is column 'label' (by its name); header in line 1"));
  CHECK(noted(parts.train->info(), "matched by name"));
  CHECK(noted(parts.train->info(), "2 classes: 0 2, 1 1"));
}

TEST_CASE("classes in the order of numbers, else of names; those of the test part too") {
  const test::Folder folder;
  folder.write("numbers.csv", "1,10\n2,9.0\n3,-1\n4,10.0\n5,9\n");
  const DataParts numbers = open_data(folder / "numbers.csv", {.label = "last"});
  CHECK(numbers.train->info().classes == Texts{"-1", "9", "10"});
  CHECK(numbers.all->label(0) == 2);
  CHECK(numbers.train->info().kind == DataKind::vector);
  folder.write("set/train.csv", "1,b\n2,a\n");
  folder.write("set/test.csv", "3,c\n");
  const DataParts parts = open_data(folder / "set");
  CHECK(parts.test->info().classes == Texts{"a", "b", "c"});
  CHECK(parts.train->size() == 2);
  CHECK(parts.test->label(0) == 2);
  CHECK(noted(parts.train->info(), "class 'c' has no sample to train with: test.csv alone holds it"));
  folder.write("set/test.csv", "3,4,c\n");
  CHECK(fails_with(Fault::data, "3 columns, train.csv has 2", [&] { open_data(folder / "set"); }));
}

TEST_CASE("a target that measures is refused, and no class has a sample alone") {
  const test::Folder folder;
  std::string text = "a,b,target\n";
  std::string names = "a,b,label\n";
  for (int i = 0; i < 200; ++i) {
    const std::string features = std::to_string(i % 7) + "," + std::to_string(i * 37 % 101) + ",";
    text += features + std::to_string(i * 0.5 + 20) + "\n";
    names += features + "person" + std::to_string(i) + "\n";
  }
  folder.write("target.csv", text);
  folder.write("names.csv", names);
  CHECK(fails_with(Fault::data, "column 'target' holds 200 different numbers, which measure something",
                   [&] { open_data(folder / "target.csv"); }));
  CHECK(fails_with(Fault::data, "200 different labels in column 'label', 200 of them once",
                   [&] { open_data(folder / "names.csv"); }));
}

TEST_CASE("a test table without labels is for predict alone") {
  const test::Folder folder;
  folder.write("train.csv", "id,a,b,label\n1,2,3.5,x\n2,3,4,y\n3,3,4,y\n4,5,6,x\n5,3,3,x\n");
  folder.write("test.csv", "id,b,a\n1,4,3\n2,5,3\n");
  const DataParts fresh = open_data(folder.path());
  CHECK(noted(fresh.train->info(), "test.csv has no column 'label': it is not used, predict can read it"));
  CHECK(fresh.train->info().labelled);
  const std::string table = folder.write("alone.csv", "b,a\n4,3\n5,3\n");
  const DataParts alone = open_data(table, {.features = {"a", "b"}, .feature_count = 2, .unlabelled = true});
  CHECK_FALSE(alone.train);
  CHECK(alone.test->size() == 2);
  const DataParts asked = open_data(folder.path(), {.unlabelled = true});
  CHECK_FALSE(asked.test->info().labelled);
  CHECK(sample(*asked.test, 0) == std::vector<real>{3, 4});
  CHECK(fails_with(Fault::data, "the labels are needed", [&] {
    open_data(folder.path(), {.features = {"a", "b"}, .feature_count = 2});
  }));
}

TEST_CASE("rows of one group stay in one part") {
  const test::Folder folder;
  std::string text = "patient,a,label\n";
  for (int i = 0; i < 60; ++i) {
    text +=
        "p" + std::to_string(i / 3) + "," + std::to_string(i / 3) + "," + std::to_string(i / 3 % 2) + "\n";
  }
  const DataParts parts = open_data(folder.write("t.csv", text), {.split = {.group = "column:patient"}});
  CHECK(noted(parts.info(), "left out: column 'patient' (--group)"));
  REQUIRE(parts.test);
  // The feature is the patient.
  for (Index i = 0; i < parts.test->size(); ++i) {
    for (Index k = 0; k < parts.train->size(); ++k) CHECK(sample(*parts.test, i) != sample(*parts.train, k));
  }
}

TEST_CASE("two tables for one part are refused") {
  const test::Folder folder;
  folder.write("train.csv", "1,b\n2,a\n");
  folder.write("Training.csv", "1,b\n2,a\n");
  CHECK(fails_with(Fault::data, "two tables for the part 'train'", [&] { open_data(folder.path()); }));
}
