// Numbers and several labels as targets: tables, arrays, texts, parts and batches.
#include "data/targets.h"

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <cmath>
#include <cstring>
#include <set>

#include "data/loader.h"
#include "data/memory.h"
#include "data/source.h"
#include "data/subset.h"
#include "tests/data/npy_write.h"
#include "tests/errors.h"
#include "tests/folder.h"

using namespace firn;
using namespace firn::test;

namespace {

using Row = std::vector<double>;

Row target(const Dataset& data, Index i) {
  Row row(static_cast<std::size_t>(data.class_count()));
  data.fill_targets(i, row);
  return row;
}

DatasetPtr plain(Index samples) {
  DataInfo info;
  info.name = "plain";
  info.shape = Shape({1});
  info.classes = {"?"};
  std::vector<float> values(static_cast<std::size_t>(samples));
  for (Index i = 0; i < samples; ++i) values[static_cast<std::size_t>(i)] = static_cast<float>(i);
  return make_numbers(info, values, std::vector<std::int32_t>(values.size()));
}

std::string doubles(const std::vector<double>& values) {
  std::string bytes(values.size() * sizeof(double), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// Rows whose target is twice their feature.
std::string table(int rows) {
  std::string text = "a,b,price,weight\n";
  for (int i = 0; i < rows; ++i) text += fmt::format("{},{},{}.5,{}\n", i % 7, i, 2 * i, i % 2);
  return text;
}

}  // namespace

TEST_CASE("targets are checked: counts, labels, numbers") {
  CHECK(fails_with(Fault::usage, "3 values are no 2 targets of 2 samples", [] {
    with_targets(plain(2), TargetKind::numbers, {"a", "b"}, {1, 2, 3});
  }));
  CHECK(fails_with(Fault::usage, "'b' of sample 1 (counted from 0) of plain is 2, want 0 or 1", [] {
    with_targets(plain(2), TargetKind::labels, {"a", "b"}, {1, 0, 0, 2});
  }));
  CHECK(fails_with(Fault::usage, "want a finite number",
                   [] { with_targets(plain(1), TargetKind::numbers, {"a"}, {std::nan("")}); }));
  const DatasetPtr data = with_targets(plain(2), TargetKind::numbers, {"a"}, {1, 2});
  CHECK(fails_with(Fault::usage, "plain has no one class a sample", [&] { data->label(0); }));
  CHECK(fails_with(Fault::usage, "has no one class a sample", [&] { subset_per_class(data, 1, 1); }));
  CHECK(fails_with(Fault::usage, "holds classes", [] { target(*plain(1), 0); }));
}

TEST_CASE("targets go through views, and their bytes into the fingerprint") {
  const DatasetPtr data = with_targets(plain(3), TargetKind::numbers, {"a", "b"}, {1, 2, 3, 4, 5, 6});
  CHECK(target(*subset(data, {2, 0}), 0) == Row{5, 6});
  CHECK(target(*concatenated(data, subset(data, {1})), 3) == Row{3, 4});
  CHECK(target(*with_target_places(data, {"b", "c", "a"}, {2, 0}), 1) == Row{4, 0, 3});
  const DatasetPtr other = with_targets(plain(3), TargetKind::numbers, {"a", "b"}, {1, 2, 3, 4, 5, 7});
  CHECK(fingerprint(*data) != fingerprint(*other));
  CHECK(fingerprint(*data) == fingerprint(*subset(data, {0, 1, 2})));
}

TEST_CASE("numbers stand in batches by mean and deviation, labels as they are") {
  const DatasetPtr data = with_targets(plain(3), TargetKind::numbers, {"a", "b"}, {0, 7, 3, 7, 6, 7});
  const TargetScale scale = target_scale_of(*data);
  CHECK(scale.mean == Row{3, 7});
  CHECK(scale.deviation[0] == doctest::Approx(std::sqrt(6.0)));
  CHECK(scale.deviation[1] == 1);  // never changes
  Loader loader(with_target_scale(data, scale), {.batch = 3, .shuffle = false});
  loader.start(0);
  const Batch* batch = loader.next();
  REQUIRE(batch != nullptr);
  CHECK(batch->targets.shape() == Shape{3, 2});
  CHECK(batch->targets.type() == DType::number);
  CHECK(static_cast<double>(batch->targets.data()[0]) == doctest::Approx(-3 / std::sqrt(6.0)));
  CHECK(batch->targets.data()[1] == 0);
  Loader labels(with_targets(plain(2), TargetKind::labels, {"a"}, {1, 0}), {.batch = 2, .shuffle = false});
  labels.start(0);
  batch = labels.next();
  REQUIRE(batch != nullptr);
  CHECK((batch->targets.data()[0] == 1 && batch->targets.data()[1] == 0));
}

TEST_CASE("a table with a target of numbers: parts by ranges of it, the scale of the training part") {
  const Folder folder;
  const std::string path = folder.write("t.csv", table(200));
  const DataParts parts = open_data(path, {.task = "regression", .label = "price"});
  const DataInfo& info = parts.info();
  CHECK(info.targets == TargetKind::numbers);
  CHECK(info.task == "regression");
  CHECK(info.classes == std::vector<std::string>{"price"});
  CHECK(info.features == std::vector<std::string>{"a", "b", "weight"});
  CHECK(parts.train->size() + parts.validation->size() + parts.test->size() == 200);
  CHECK(target(*parts.all, 17) == Row{34.5});
  CHECK(info.target_scale.mean == target_scale_of(*parts.train).mean);
  // Ten ranges of 20 samples, a fifth of each is held out.
  std::vector<Index> held(10);
  for (Index i = 0; i < parts.test->size(); ++i)
    ++held[static_cast<std::size_t>(target(*parts.test, i)[0] / 2 / 20)];
  CHECK(held == std::vector<Index>(10, 4));
  const DataParts again = open_data(path, {.task = "regression", .label = "price"});
  CHECK(fingerprint(*again.test) == fingerprint(*parts.test));
  const DataParts other = open_data(path, {.task = "regression", .label = "price", .split = {.seed = 1}});
  CHECK(fingerprint(*other.test) != fingerprint(*parts.test));
  const DataParts few = open_data(path, {.task = "regression", .label = "price", .split = {.labels = 40}});
  CHECK(few.train->size() + few.validation->size() == 40);
  CHECK(fingerprint(*few.test) == fingerprint(*parts.test));
}

TEST_CASE("several targets of a table, and what is no target") {
  const Folder folder;
  const std::string path = folder.write("t.csv", table(60));
  const auto open = [&](const std::string& task, const std::string& label) {
    return open_data(path, {.task = task, .label = label});
  };
  const DataParts two = open("regression", "price,weight");
  CHECK(two.info().classes == std::vector<std::string>{"price", "weight"});
  CHECK(target(*two.all, 3) == Row{6.5, 1});
  CHECK(fails_with(Fault::data, "price", [&] { open("", "price"); }));
  CHECK(fails_with(Fault::data, "--task regression predicts numbers", [&] { open("", "price"); }));
  CHECK(fails_with(Fault::data, "Say so with --label", [&] { open("regression", ""); }));
  CHECK(fails_with(Fault::data, "--label cost: no such column", [&] { open("regression", "price,cost"); }));
  CHECK(fails_with(Fault::data, "named twice", [&] { open("regression", "price,price"); }));
  CHECK(fails_with(Fault::data, "line 2: the label '0.5' in column 'price': want 0 or 1",
                   [&] { open("labels", "price"); }));
  CHECK(fails_with(Fault::usage, "there is no task 'regresion'", [&] { open("regresion", "price"); }));
  CHECK(fails_with(Fault::usage, "regression wants a table or arrays",
                   [] { open_data("digits", {.task = "regression"}); }));
  const std::string words = folder.write("w.csv", "a,y\n1,2\n2,high\n3,4\n4,5\n5,6\n");
  CHECK(fails_with(Fault::data, "'high'", [&] { open_data(words, {.task = "regression", .label = "y"}); }));
}

TEST_CASE("several labels: columns of 0 and 1, or names with ; or |") {
  const Folder folder;
  std::string columns = "x,red,round\n", names = "x,tags\n", lines;
  for (int i = 0; i < 40; ++i) {
    const int red = i % 2, round = i % 3 == 0;
    columns += fmt::format("{}.5,{},{}\n", i, red, round);
    const std::string both = red && round ? "round | red" : red ? "red" : round ? "round" : "";
    names += fmt::format("{}.5,{}\n", i, both);
    lines += fmt::format("{}\tword{} text\n", both.empty() ? "red" : both, i);
  }
  const DataParts a = open_data(folder.write("a.csv", columns), {.task = "labels", .label = "red,round"});
  const DataParts b = open_data(folder.write("b.csv", names), {.task = "labels", .label = "tags"});
  CHECK(a.info().targets == TargetKind::labels);
  CHECK(b.info().classes == a.info().classes);
  REQUIRE(b.all->size() == 40);
  for (Index i = 0; i < 40; ++i) CHECK(target(*a.all, i) == target(*b.all, i));
  CHECK(class_counts(*a.all) == std::vector<Index>{20, 14});
  CHECK(a.test->size() == 8);
  CHECK(fingerprint(*a.test) == fingerprint(*b.test));
  const DataParts c = open_data("tsv:" + folder.write("c.tsv", lines), {.task = "labels"});
  CHECK(c.info().targets == TargetKind::labels);
  CHECK(c.info().classes == std::vector<std::string>{"red", "round"});
  CHECK(target(*c.all, 3) == Row{1, 1});
}

TEST_CASE("arrays of targets: one number each, or several") {
  const Folder folder;
  std::vector<double> x, y;
  for (int i = 0; i < 30; ++i) {
    x.insert(x.end(), {i * 1.0, i * 2.0});
    y.insert(y.end(), {i / 4.0, i % 2 * 1.0});
  }
  const std::string path = folder.path() + "/x.npy";
  folder.write("x.npy", npy("<f8", "(30, 2)", doubles(x)));
  folder.write("y.npy", npy("<f8", "(30, 2)", doubles(y)));
  const DataParts two = open_data(path, {.task = "regression"});
  CHECK(two.info().classes == std::vector<std::string>{"y0", "y1"});
  CHECK(target(*two.all, 5) == Row{1.25, 1});
  CHECK(fails_with(Fault::usage, "want 0 or 1", [&] { open_data(path, {.task = "labels"}); }));
  folder.write("y.npy", npy("<f8", "(60,)", doubles(y)));
  CHECK(fails_with(Fault::data, "for 30 samples", [&] { open_data(path, {.task = "regression"}); }));
  y[3] = std::nan("");
  folder.write("y.npy", npy("<f8", "(30, 2)", doubles(y)));
  CHECK(fails_with(Fault::data, "sample 1 (counted from 0) has a target that is not finite",
                   [&] { open_data(path, {.task = "regression"}); }));
}

TEST_CASE("numbers beside texts") {
  const Folder folder;
  std::string lines;
  for (int i = 0; i < 30; ++i) lines += fmt::format("{}.25\tword{} text\n", i, i % 5);
  const DataParts parts =
      open_data("tsv:" + folder.write("t.tsv", lines), {.task = "regression", .label = "first"});
  CHECK(parts.info().targets == TargetKind::numbers);
  CHECK(target(*parts.all, 4) == Row{4.25});
  const std::string words = folder.write("w.tsv", lines + "high\tword text\n");
  CHECK(fails_with(Fault::data, "'high' is no number",
                   [&] { open_data("tsv:" + words, {.task = "regression", .label = "first"}); }));
}

TEST_CASE("numbers with targets, in memory") {
  DataInfo info{.name = "made", .shape = {2}, .targets = TargetKind::numbers, .classes = {"a", "b"}};
  const DatasetPtr data = make_numbers_with_targets(info, {1, 2, 3, 4}, {0.5, -1, 2, 8});
  CHECK(data->size() == 2);
  CHECK(target(*data, 0) == Row{0.5, -1});
  CHECK(target(*data, 1) == Row{2, 8});
  CHECK(fails_with(Fault::usage, "", [&] { make_numbers_with_targets(info, {1, 2, 3, 4}, {0.5, -1, 2}); }));
  DataInfo other = info;
  other.classes.clear();
  const std::string words = "want targets that are numbers or labels";
  CHECK(fails_with(Fault::usage, words, [&] { make_numbers_with_targets(other, {1, 2}, {}); }));
  other = info;
  other.targets = TargetKind::classes;
  CHECK(fails_with(Fault::usage, words, [&] {
    make_numbers_with_targets(other, {1, 2, 3, 4}, {0, 1, 1, 0});
  }));
}
