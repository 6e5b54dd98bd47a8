// What a cell came to, written to its small file and read back: the same bits.
#include "tools/app/study/cell_file.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>

#include "engine/base/error.h"
#include "tests/folder.h"
#include "tools/app/record/network_folder.h"

namespace {

using namespace firn;
using namespace firn::cli;

CellResult odd_result() {
  CellResult r;
  r.accuracy = 1.0 / 3;
  r.macro_f1 = std::nextafter(1.0, 0.0);
  r.ece = std::numeric_limits<double>::denorm_min();
  r.loss = 1.7976931348623157e308;
  r.validation_accuracy = 0.1 + 0.2;
  r.validation_samples = 283;
  r.train_loss = 1e-310;
  r.rate = 5e-4;
  r.steps = 240;
  r.macs_forward = 123456789012345680.0;
  r.bytes_predicted = Index{1} << 40;
  r.tried = {{5e-4, 0.7, 0.5}, {2e-3, 0.1 * 3, 2.0 / 3}};
  r.curve = {{24, 2.302585092994046, 0.1}, {48, 1e-17, 1}};
  r.classes = 2;
  r.confusion = {3, 1, 0, 4};
  r.mistakes = {{.sample = 7,
                 .truth = 0,
                 .predicted = 1,
                 .confidence = 0.9999999999999999,
                 .height = 1,
                 .width = 3,
                 .channels = 1,
                 .pixels = {0, 9, 255},
                 .text = "ein \"Zitat\"\n\\ und ü"}};
  r.items = {"classes", {1, 0, 1, 1, 0, 0, 0, 1, 1}, {0, 1, 2, 255}};
  return r;
}

void check_equal(const CellResult& a, const CellResult& b) {
  const auto same = [](double x, double y) { return std::memcmp(&x, &y, sizeof x) == 0; };
  CHECK(same(a.accuracy, b.accuracy));
  CHECK(same(a.macro_f1, b.macro_f1));
  CHECK(same(a.ece, b.ece));
  CHECK(same(a.loss, b.loss));
  CHECK(a.validation_accuracy.has_value() == b.validation_accuracy.has_value());
  CHECK(same(a.validation_accuracy.value_or(0), b.validation_accuracy.value_or(0)));
  CHECK(same(a.train_loss, b.train_loss));
  CHECK(same(a.rate, b.rate));
  CHECK(same(a.macs_forward, b.macs_forward));
  CHECK(a.bytes_predicted == b.bytes_predicted);
  CHECK(a.validation_samples == b.validation_samples);
  CHECK(a.steps == b.steps);
  REQUIRE(a.tried.size() == b.tried.size());
  for (std::size_t i = 0; i < a.tried.size(); ++i) CHECK(same(a.tried[i].accuracy, b.tried[i].accuracy));
  REQUIRE(a.curve.size() == b.curve.size());
  for (std::size_t i = 0; i < a.curve.size(); ++i) CHECK(same(a.curve[i].loss, b.curve[i].loss));
  CHECK(a.confusion == b.confusion);
  REQUIRE(a.mistakes.size() == b.mistakes.size());
  for (std::size_t i = 0; i < a.mistakes.size(); ++i) {
    CHECK(a.mistakes[i].pixels == b.mistakes[i].pixels);
    CHECK(a.mistakes[i].text == b.mistakes[i].text);
    CHECK(same(a.mistakes[i].confidence, b.mistakes[i].confidence));
  }
  CHECK(a.items.kind == b.items.kind);
  CHECK(a.items.scores == b.items.scores);
  CHECK(a.items.answers == b.items.answers);
}

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST_CASE("a cell is read back to the bit, with and without what may be missing") {
  const test::Folder folder;
  const std::string path = folder / "a.json";
  CellResult bare;
  CellResult numbers = odd_result();
  numbers.items = {"numbers", {0.1F, -3e-39F, 1e30F}, {}};
  numbers.validation_accuracy.reset();
  for (const CellResult& result : {odd_result(), bare, numbers}) {
    write(path, cell_json("abc", {"c0ffee", "avx2"}, result));
    const CellRecord record = read_cell(path, "abc");
    CHECK(record.by.commit == "c0ffee");
    CHECK(record.by.isa == "avx2");
    check_equal(result, record.result);
  }
  write(path, origin_json("abc", {"c0ffee", "avx2"}, {0.1 + 0.2, 2.5, 3.25, "origins/abc.safetensors"}));
  CHECK(read_origin(path, "abc").result.accuracy == 0.1 + 0.2);
  CHECK(read_origin(path, "abc").result.file == "origins/abc.safetensors");
}

TEST_CASE("what is no file of that cell is refused, wherever it is cut off") {
  const test::Folder folder;
  const std::string path = folder / "a.json";
  const std::string whole = cell_json("abc", {"c0ffee", "avx2"}, odd_result());
  for (std::size_t length = 0; length + 2 < whole.size(); length += 7) {
    write(path, whole.substr(0, length));
    CHECK_THROWS_AS(read_cell(path, "abc"), Error);
  }
  write(path, whole);
  CHECK_THROWS_AS(read_cell(path, "abd"), Error);
  CHECK_THROWS_AS(read_origin(path, "abc"), Error);
  CHECK_THROWS_AS(read_cell(folder / "none.json", "abc"), Error);
  for (const char* what : {"\"pixels\":\"0009ff\"", "\"confusion\":[3,1,0,4]", "\"count\":9"}) {
    std::string other = whole;
    const std::size_t at = other.find(what);
    REQUIRE(at != std::string::npos);
    other.erase(at + std::string(what).size() - 2, 1);
    write(path, other);
    CHECK_THROWS_AS(read_cell(path, "abc"), Error);
  }
}

TEST_CASE("file systems of several machines are known by their numbers") {
  CHECK(network_file_system(0x6969) == "NFS");
  CHECK(network_file_system(0x0BD00BD0) == "Lustre");
  // A signed number, as some machines have it.
  CHECK(network_file_system(static_cast<std::uint64_t>(static_cast<std::int32_t>(0xFF534D42))) == "CIFS");
  for (const std::uint64_t local : {0xEF53ULL, 0x58465342ULL, 0x9123683EULL, 0x01021994ULL, 0x794C7630ULL})
    CHECK(network_file_system(local).empty());
  const test::Folder folder;
  CHECK(network_file_system_of(folder / "a.sqlite") == network_file_system_of(folder / "."));
  CHECK(wal_refusal(":memory:").empty() == network_file_system_of(".").empty());
}

}  // namespace
