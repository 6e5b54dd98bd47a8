#include "tools/app/verbs/study_spread.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <numeric>
#include <vector>

#include "engine/base/cpu.h"
#include "engine/base/error.h"
#include "engine/base/split.h"
#include "tools/app/cli/command_words.h"
#include "tools/app/cli/interrupt.h"
#include "tools/app/cli/process.h"
#include "tools/app/cli/version.h"
#include "tools/app/study/cell_worker.h"
#include "tools/app/study/emit.h"

namespace firn::cli {

namespace {

/// What neither one process nor one of many has done.
std::vector<std::size_t> cells_to_do(const Plan& plan, const std::string& run) {
  std::vector<std::size_t> cells(plan.cells.size());
  std::iota(cells.begin(), cells.end(), std::size_t{0});
  if (const std::string tables = run + "/results.sqlite"; std::filesystem::exists(tables)) {
    Store store(tables, commit());
    cells = todo_of(plan, store).cells;
  }
  const CellFolder folder(run);
  std::erase_if(cells, [&](std::size_t i) { return folder.cell(plan.cells[i].key).has_value(); });
  return spread_order(plan, cells);
}

/// The places in the plan of ids with commas between them.
std::vector<std::size_t> cells_of(const std::string& ids, const Plan& plan) {
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) places[plan.cells[i].key] = i;
  std::vector<std::size_t> cells;
  for (const std::string& id : split(ids, ',')) {
    const auto at = places.find(id);
    if (at == places.end()) {
      throw Error(Fault::usage, "study",
                  fmt::format("no cell {} among the {} of this study: --cells prints them, with the same "
                              "options and data",
                              id, plan.cells.size()));
    }
    cells.push_back(at->second);
  }
  return cells;
}

void do_cells(Console& console, const std::vector<std::size_t>& cells, const Plan& plan,
              const Materials& materials, const std::string& run) {
  const InterruptScope interrupts(InterruptScope::What::noted);
  Costs costs(materials);
  const RunHooks hooks{[&](const RunProgress& at) { console.note(at.what); },
                       [] { return InterruptScope::signal() != 0; }};
  if (!run_cells(plan, cells, materials, costs, CellFolder(run), run, hooks))
    throw Interrupted{InterruptScope::signal()};
  console.close(JsonObject().add("cells", cells.size()).add("run", run));
}

void print_script(Console& console, const std::string& engine, const std::vector<std::string>& ids,
                  const std::string& run, const std::string& command) {
  if (ids.empty()) throw Error(Fault::usage, "study", "all cells are done: --merge makes their tables");
  CommandWords words(command);
  words.drop("--emit", true);
  words.drop("--threads", true);
  words.drop("--json", false);
  words.set_program(own_program());
  // Every process comes to the bits of this machine, or says that it cannot.
  const std::string program = fmt::format("env FIRN_ISA={} {}", isa_name(selected_isa()), words.text());
  std::string script = engine_script(engine, {std::filesystem::current_path().string(), run, program, ids});
  if (console.json()) {
    console.close(JsonObject().add("engine", engine).add("cells", ids).add("script", script));
  } else {
    script.pop_back();  // the line's end
    console.out(script);
  }
}

}  // namespace

void declare_spread(Arguments& arguments, SpreadChoice& spread) {
  arguments.group("Over several processes, on one machine or on many that see this folder");
  arguments.flag("--cells", spread.cells, "print the ids of the cells that are not done, one a line");
  arguments.option("--cell", spread.cell, "ID,...",
                   "do these alone; what another process has done or does is not done again");
  arguments.flag("--merge", spread.merge, "when all are done: tables and page");
  arguments.choice("--emit", spread.emit, engine_names(), "print a script that does all of that");
}

void check_spread(const SpreadChoice& spread, bool alone) {
  if (spread.cells + !spread.cell.empty() + !spread.emit.empty() + spread.merge > 1)
    throw Error(Fault::usage, "study", "--cells, --cell, --emit and --merge exclude each other");
  if (alone && (spread.is_one_of_many() || spread.merge)) {
    throw Error(Fault::usage, "study",
                "--overwrite, --dry-run and --budget are for a study in one process: not with --cells, "
                "--cell, --emit, --merge");
  }
}

void spread_cells(Console& console, const SpreadChoice& spread, const Plan& plan, const Materials& materials,
                  const std::string& run, const std::string& command) {
  if (!spread.cell.empty()) return do_cells(console, cells_of(spread.cell, plan), plan, materials, run);
  std::vector<std::string> ids;
  for (const std::size_t i : cells_to_do(plan, run)) ids.push_back(plan.cells[i].key);
  if (!spread.emit.empty()) return print_script(console, spread.emit, ids, run, command);
  if (console.json()) {
    console.close(JsonObject().add("cells", ids).add("of", plan.cells.size()));
  } else {
    for (const std::string& id : ids) console.out(id);
  }
}

void gather_cells(Console& console, const SpreadChoice& spread, const Plan& plan, const std::string& run,
                  Store& store) {
  const Gathered gathered = gather(plan, CellFolder(run), store);
  if (gathered.cells > 0) {
    console.note(
        fmt::format("{} of {} cells were done by other processes", gathered.cells, plan.cells.size()));
    store.set_meta("isa", gathered.isa);
  }
  if (gathered.mixed) {
    console.note(fmt::format(
        "they were done by several instruction sets, whose last bits differ: {}; FIRN_ISA=NAME pins one",
        gathered.isa));
  }
  if (!spread.merge) return;
  const std::vector<std::size_t> missing = todo_of(plan, store).cells;
  if (missing.empty()) return;
  throw Error(Fault::failure, "study",
              fmt::format("{} of {} cells are not done yet, {} the first: --cells prints them; the same "
                          "command without --merge trains them here",
                          missing.size(), plan.cells.size(), plan.cells[missing.front()].key));
}

}  // namespace firn::cli
