// results.sqlite. A first even byte: the others are the file. An odd one: they change values of a study's
// file, whose tables are right. It becomes a page, or is refused with Error(data).
#include <fmt/core.h>

#include <array>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "engine/base/bytes.h"
#include "tests/fuzz/fuzz.h"
#include "tools/app/report/study_page.h"
#include "tools/app/report/study_record.h"
#include "tools/app/study/store.h"

using namespace firn;
using namespace firn::cli;

namespace {

constexpr const char* kFile = "results.sqlite";

/// A study of two arms and two seeds.
std::string valid_file() {
  const std::string path = test::fuzz_folder() + "/valid.sqlite";
  {
    Store store(path, "abc");
    Database& db = store.database();
    std::vector<std::string> keys;
    for (const char* freeze : {"0", "1"}) {
      Arm arm;
      arm.model = "mlp";
      arm.source = "half";
      arm.target = "digits";
      arm.freeze = freeze;
      arm.blocks = 3;
      keys.push_back(arm.key());
      store.add_arm(arm);
      store.add_cost(arm.key(), {.step_ms = 2, .step_predicted_ms = 2.1});
      for (const std::uint64_t seed : {1, 2}) {
        CellResult r;
        r.accuracy = 0.5;
        r.curve = {{10, 1.5, 0.25}, {20, 1.0, 0.5}};
        r.classes = 2;
        r.confusion = {3, 1, 1, 3};
        r.mistakes = {{7, 0, 1, 0.83, 2, 2, 1, {0, 255, 128, 64}, ""}, {8, 1, 0, 0.6, 0, 0, 0, {}, "ab"}};
        const Cell cell{cell_key(arm, seed), 0, seed, ""};
        store.add_cell(cell, arm, r);
        db.run(fmt::format("INSERT INTO members VALUES ('labels','{}')", cell.key));
      }
      for (const char* metric : {"accuracy", "seconds", "macs"}) {
        db.run(fmt::format("INSERT INTO summary VALUES ('{}','{}',2,0.5,0.1,0.4,0.6,0.02,0.01,0.03,'better')",
                           arm.key(), metric));
      }
    }
    db.run("INSERT INTO experiments VALUES ('labels',1,'Few labels','Which cut?',0)");
    db.run("INSERT INTO classes VALUES ('digits','all',0,'zero'),('digits','all',1,'one')");
    db.run(fmt::format("INSERT INTO answers VALUES (0,'mlp','half','digits','all',0,'{}','{}','so')", keys[1],
                       keys[0]));
    db.run("INSERT INTO verdicts VALUES (1,'labels',1,'it helps','mlp','half','digits','undecided','so.')");
    db.run(fmt::format("INSERT INTO evidence VALUES (1,0,'cut','{}','{}','accuracy',2,0.1,0,0.2)", keys[1],
                       keys[0]));
    store.set_meta("headline", "so");
    db.run("PRAGMA journal_mode=DELETE");
  }
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// "UPDATE table SET column=value" for every ten bytes: which, of what type, and the value.
void change(Database& database, const std::uint8_t* data, std::size_t size) {
  constexpr std::array kTables = {"meta",      "experiments", "arms",    "results", "curves",
                                  "confusion", "mistakes",    "costs",   "classes", "answers",
                                  "summary",   "verdicts",    "evidence"};
  for (; size >= 10; data += 10, size -= 10) {
    const std::string table = kTables[data[0] % kTables.size()];
    Statement columns(database, "SELECT name FROM pragma_table_info('" + table + "')");
    std::vector<std::string> names;
    while (columns.next()) names.push_back(columns.text(0));
    try {
      Statement update(database,
                       fmt::format("UPDATE OR IGNORE {} SET {}=?", table, names[data[1] % names.size()]));
      std::int64_t whole = 0;
      std::memcpy(&whole, data + 2, 8);
      double number = 0;
      std::memcpy(&number, data + 2, 8);
      switch (data[0] / kTables.size() % 5) {
        case 0:
          update << whole;
          break;
        case 1:
          update << number;
          break;
        case 2:
          update << as_text(std::as_bytes(std::span(data + 2, 8)));
          break;
        case 3:
          update << std::span<const std::uint8_t>(data + 2, data[2] % 9);
          break;
        default:
          update << static_cast<std::int64_t>(static_cast<std::int8_t>(data[2]));
      }
      update.done();
    } catch (const Error&) {
      // What the table itself does not take.
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string valid = valid_file();
  if (size < 1) return 0;
  const std::string path = test::fuzz_folder() + "/" + kFile;
  std::error_code ignored;
  for (const char* left : {"-wal", "-shm", "-journal"}) std::filesystem::remove(path + left, ignored);
  const bool whole = data[0] % 2 == 0;
  test::put_file(kFile,
                 whole ? as_text(std::as_bytes(std::span(data + 1, size - 1))) : std::string_view(valid));
  return test::fuzz(data, size, [&](auto) {
    if (!whole) {
      Database database(path, false);
      change(database, data + 1, size - 1);
    }
    const report::StudyRecord record = report::read_study(test::fuzz_folder());
    report::study_page(record);
  });
}
