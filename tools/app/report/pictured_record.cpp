#include "tools/app/report/pictured_record.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/base/error.h"
#include "tools/app/record/schema.h"
#include "tools/app/report/training_words.h"

namespace firn::cli::report {

namespace {

constexpr Index kMostPicturedSteps = Index{1} << 40, kMostPicturedBlocks = 1 << 12;
constexpr double kMostDistance = 1e60;

JsonRule pictured_rule() {
  return {.operation = "report", .bytes = std::size_t{16} << 20, .values = std::size_t{1} << 20};
}

[[noreturn]] void refuse_pictured(const std::string& path, const std::string& what) {
  throw Error(Fault::data, "report", fmt::format("{}, pictures: {}", path, what));
}

void read_one(const JsonFields& file, const std::string& path, Pictured& p) {
  p.steps = file.whole("steps", 1, kMostPicturedSteps, 1);
  p.look.blocks = file.texts("blocks");
  p.look.loss = loss_words(file.text("task"));
  p.look.time = "step";
  if (p.look.blocks.empty() || static_cast<Index>(p.look.blocks.size()) > kMostPicturedBlocks)
    refuse_pictured(path, fmt::format("{} blocks", p.look.blocks.size()));
  const Index last = static_cast<Index>(p.look.blocks.size()) - 1;
  for (const JsonFields& point : file.objects("curve"))
    p.curve.push_back({point.whole("step", 0, p.steps), point.number("loss", -kMostDistance, kMostDistance),
                       point.number("score", -kMostDistance, 1)});
  for (const JsonFields& frozen : file.objects("frozen")) {
    p.frozen.push_back({static_cast<std::size_t>(frozen.whole("block", 0, last)),
                        frozen.whole("from", 0, p.steps), frozen.whole("to", 0, p.steps),
                        frozen.flag("whole", true)});
  }
  for (const JsonFields& moved : file.objects("movement")) {
    p.look.at.push_back(static_cast<double>(moved.whole("step", 0, p.steps)));
    p.look.moved.push_back(moved.numbers("blocks", 0, kMostDistance));
    if (p.look.moved.back().size() != p.look.blocks.size())
      refuse_pictured(
          path, fmt::format("{} distances for {} blocks", p.look.moved.back().size(), p.look.blocks.size()));
  }
  p.look.effect = effect_of(file.object("effect"), path, p.look.blocks.size(), p.look.classes.size());
}

}  // namespace

PicturedTable read_pictured(Database& database, const std::map<std::string, PicturedArm>& arms) {
  PicturedTable table;
  if (!has_tables_of(database, 5)) return table;
  Statement rows(database,
                 "SELECT pictures.cell,arm,seed,other,content FROM pictures JOIN cells USING (cell) ORDER BY "
                 "position");
  while (rows.next()) {
    const std::string path = database.path(), content = rows.text(4);
    const nlohmann::json parsed = read_json(content, path, pictured_rule());
    const JsonFields file(parsed, path, pictured_rule());
    if (!rows.is_null(3)) {
      const std::string other = rows.text(3);
      const auto to = std::find_if(table.pictured.begin(), table.pictured.end(),
                                   [&](const auto& p) { return p.cell == other; });
      if (to == table.pictured.end()) refuse_pictured(path, other + " is no cell of theirs");
      table.ways.push_back({static_cast<std::size_t>(to - table.pictured.begin()), way_of(file, path)});
      continue;
    }
    Pictured p;
    p.cell = rows.text(0);
    p.arm = rows.text(1);
    p.seed = rows.whole(2);
    const auto arm = arms.find(p.arm);
    if (arm == arms.end()) continue;  // of another grid
    p.look.name = arm->second.name;
    Statement names(database, "SELECT name FROM classes WHERE target=? AND part=? ORDER BY class");
    names << arm->second.target << arm->second.part;
    while (names.next()) p.look.classes.push_back(names.text(0));
    read_one(file, path, p);
    table.pictured.push_back(std::move(p));
  }
  return table;
}

}  // namespace firn::cli::report
