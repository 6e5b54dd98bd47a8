// results.sqlite: what is written is there after a reopening; foreign and damaged files are refused.
#include "tools/app/study/store.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "engine/base/error.h"
#include "tests/errors.h"
#include "tests/folder.h"
#include "tools/app/record/schema.h"
#include "tools/app/report/study_record.h"

namespace {

using namespace firn;
using namespace firn::cli;

Arm small_arm() {
  Arm arm;
  arm.model = "cnn";
  arm.source = kDrawnSource;
  arm.target = "digits";
  arm.freeze = "2";
  arm.blocks = 4;
  return arm;
}

CellResult small_result() {
  CellResult result;
  result.accuracy = 0.75;
  result.macro_f1 = 0.7;
  result.tried = {{1e-3, 0.5, 0.8}, {2e-3, 0.4, 0.9}};
  result.curve = {{10, 1.5, 0.3}, {20, 1.0, 0.6}};
  result.classes = 2;
  result.confusion = {3, 1, 0, 4};
  result.mistakes = {{.sample = 7,
                      .truth = 0,
                      .predicted = 1,
                      .height = 1,
                      .width = 2,
                      .channels = 1,
                      .pixels = {9, 255},
                      .text = {}}};
  return result;
}

std::int64_t count(Database& database, const std::string& sql) {
  Statement statement(database, sql);
  REQUIRE(statement.next());
  return statement.whole(0);
}

TEST_CASE("sources and targets by their short names") {
  CHECK(data_name("digits") == "digits");
  CHECK(data_name("half") == "half");
  CHECK(data_name("idx:mnist") == "mnist");
  CHECK(data_name("bitmaps:/data/korean/") == "korean");
  CHECK(data_name("weights:../a/net.safetensors") == "net.safetensors");
  CHECK(data_name("text:/") == "text:/");
  CHECK(network_name("resnet20") == "resnet20");
  CHECK(network_name("conv 8 3x3, relu, pool 2, dense") == "conv 8 3x3, relu, pool 2, dense");
  CHECK(network_name("conv 8 3x3, relu, pool 2, conv 16 3x3, relu, dense 32, dense") ==
        "conv 8 3x3, relu, pool 2, conv 16 3x3, ...");
  CHECK(network_name("conv 8 3x3\nrelu\ndense") == "conv 8 3x3, ...");
}

TEST_CASE("a cell is there with all that belongs to it, once") {
  const test::Folder folder;
  const std::string path = folder / "results.sqlite";
  const Arm arm = small_arm();
  const Cell cell{cell_key(arm, 1), 0, 1, origin_key(arm, 1)};
  {
    Store store(path, "abc");
    CHECK_FALSE(store.has_cell(cell.key));
    store.add_arm(arm);
    store.add_cost(arm.key(), {.step_ms = 1.5});
    store.add_origin({cell.origin, 0, 1}, arm, {.accuracy = 0.9, .file = "origins/a.safetensors"});
    store.add_cell(cell, arm, small_result());
    CHECK(store.has_cell(cell.key));
    CHECK_THROWS_AS(store.add_cell(cell, arm, small_result()), Error);
  }
  Store store(path, "abc");
  CHECK(store.has_cell(cell.key));
  CHECK(store.has_cost(arm.key()));
  CHECK(store.has_origin(cell.origin));
  Database& database = store.database();
  CHECK(count(database, "SELECT count(*) FROM cells") == 1);
  CHECK(count(database, "SELECT count(*) FROM tuning") == 2);
  CHECK(count(database, "SELECT count(*) FROM curves") == 2);
  CHECK(count(database, "SELECT count(*) FROM confusion") == 3);  // what never happened is no row
  CHECK(count(database, "SELECT sum(count) FROM confusion") == 8);
  CHECK(count(database, "SELECT count(*) FROM mistakes WHERE hex(pixels)='09FF' AND sample=7") == 1);
  CHECK(count(database, "SELECT count(*) FROM results WHERE accuracy=0.75 AND commit_id='abc'") == 1);
  CHECK(count(database, "SELECT count(*) FROM arms WHERE name='first 2 frozen' AND frozen_blocks=2") == 1);
}

TEST_CASE("answers come back one by one, a bit each of classes") {
  ItemAnswers classes{"classes", {1, 0, 0, 1, 1, 0, 1, 0, 1, 1}, {}};
  const std::vector<std::uint8_t> bits = packed_scores(classes);
  CHECK(bits == std::vector<std::uint8_t>{0b01011001, 0b11});
  CHECK(unpacked_scores("classes", 10, bits, "x") == classes.scores);
  ItemAnswers numbers{"numbers", {0.5F, -2, 1e-3F}, {}};
  CHECK(unpacked_scores("numbers", 3, packed_scores(numbers), "x") == numbers.scores);
  CHECK(test::fails_with(Fault::data, "scores of 11 items in 1 bytes",
                         [&] { unpacked_scores("classes", 11, std::vector<std::uint8_t>{1}, "x"); }));
}

TEST_CASE("a file of the version before is read, and brought up to date where it is written to") {
  const test::Folder folder;
  const std::string path = folder / "results.sqlite";
  const Arm arm = small_arm();
  {
    Database old(path, true);
    old.run("PRAGMA application_id=" + std::to_string(kStudyApplication));
    old.run(study_tables(kOldestStudySchema));
    old.run("PRAGMA user_version=" + std::to_string(kOldestStudySchema));
    old.run("INSERT INTO meta VALUES ('schema','3'),('headline','as it was')");
    CHECK_NOTHROW(check_study(old, "report"));
    CHECK_FALSE(has_tables_of(old, 4));
  }
  CHECK(report::read_study(folder.path()).meta_text("headline") == "as it was");
  {
    Store store(path, "abc");
    store.add_arm(arm);
    store.add_cell({cell_key(arm, 1), 0, 1, {}}, arm, small_result());
    CHECK(store.meta("headline") == "as it was");
    CHECK(store.meta("schema") == "5");
  }
  Database now(path, false);
  CHECK_NOTHROW(check_study(now, "report"));
  CHECK(count(now, "SELECT count(*) FROM tuning_cost") == 1);
}

TEST_CASE("what a study has not written is refused, and so is a damaged file") {
  const test::Folder folder;
  {
    std::ofstream(folder / "text") << std::string(5000, 'x');
    Database other(folder / "other", true);
    other.run("CREATE TABLE t (a)");
    Store whole(folder / "whole", "");
    Store newer(folder / "newer", "");
    newer.database().run("PRAGMA user_version=99");
  }
  const auto open = [&](const char* name) { Store store(folder / name, ""); };
  CHECK(test::fails_with(Fault::data, "not a database", [&] { open("text"); }));
  CHECK(test::fails_with(Fault::data, "not one of a study", [&] { open("other"); }));
  CHECK(test::fails_with(Fault::data, "version 99", [&] { open("newer"); }));
  const auto size = std::filesystem::file_size(folder / "whole");
  std::filesystem::resize_file(folder / "whole", size / 2);
  CHECK(test::fails_with(Fault::data, "whole", [&] { open("whole"); }));
}

TEST_CASE("keys change with every coordinate, and origins are shared by what freezing changes") {
  const Arm arm = small_arm();
  const auto differs = [&](auto change) {
    Arm other = arm;
    change(other);
    CHECK(other.key() != arm.key());
    return origin_key(other, 1) != origin_key(arm, 1);
  };
  CHECK_FALSE(differs([](Arm& a) { a.freeze = "1"; }));
  CHECK_FALSE(differs([](Arm& a) { a.policy = "autofreeze"; }));
  CHECK_FALSE(differs([](Arm& a) { a.labels = 5; }));
  CHECK_FALSE(differs([](Arm& a) { a.bn = "batch"; }));
  CHECK_FALSE(differs([](Arm& a) { a.dropout = "on"; }));
  CHECK_FALSE(differs([](Arm& a) { a.freeze_at = 0.5; }));
  CHECK_FALSE(differs([](Arm& a) { a.budget.steps = 7; }));
  CHECK(differs([](Arm& a) { a.model = "mlp"; }));
  CHECK(differs([](Arm& a) { a.source = kHalfSource; }));
  CHECK(differs([](Arm& a) { a.target_sha256 = "00"; }));
  CHECK(differs([](Arm& a) { a.budget.source_epochs = 7; }));
  CHECK_FALSE(differs([](Arm& a) { a.budget.rates = {1e-3}; }));
  CHECK(differs([](Arm& a) { a.budget.source_rate = 1e-3; }));
  CHECK(cell_key(arm, 1) != cell_key(arm, 2));
  CHECK(arm.full_tuning().key() == small_arm().full_tuning().key());
  Arm scratch = arm;
  scratch.source = kRandomSource;
  CHECK(origin_key(scratch, 1).empty());
  CHECK(scratch.name() == "random, first 2 frozen");
  CHECK(scratch.full_tuning().name() == "scratch");
}

}  // namespace
