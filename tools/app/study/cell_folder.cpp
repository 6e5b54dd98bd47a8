#include "tools/app/study/cell_folder.h"

#include <fmt/format.h>

#include <filesystem>
#include <map>

#include "engine/base/atomic_file.h"
#include "engine/base/cpu.h"
#include "engine/base/error.h"
#include "tools/app/cli/version.h"

namespace firn::cli {

namespace {

MadeBy this_process() {
  return {commit(), std::string(isa_name(selected_isa()))};
}

/// What `read` gives; nothing for a file that is missing or damaged.
template <class Read>
auto read_if_there(const std::string& path, const Read& read) -> std::optional<decltype(read())> {
  std::error_code code;
  if (!std::filesystem::exists(path, code)) return std::nullopt;
  try {
    return read();
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

void CellFolder::make() const {
  std::error_code code;
  std::filesystem::create_directories(folder_, code);
  if (code) throw Error(Fault::failure, "study", folder_ + ": " + code.message());
}

std::optional<CellRecord> CellFolder::cell(const std::string& key) const {
  const std::string path = file(key, "json");
  return read_if_there(path, [&] { return read_cell(path, key); });
}

std::optional<OriginRecord> CellFolder::origin(const std::string& key) const {
  const std::string path = file("source-" + key, "json");
  return read_if_there(path, [&] { return read_origin(path, key); });
}

void CellFolder::put_cell(const std::string& key, const CellResult& result) const {
  atomic_write(file(key, "json"), cell_json(key, this_process(), result));
}

void CellFolder::put_origin(const std::string& key, const OriginResult& result) const {
  atomic_write(file("source-" + key, "json"), origin_json(key, this_process(), result));
}

Gathered gather(const Plan& plan, const CellFolder& folder, Store& store) {
  Gathered gathered;
  for (const Arm& arm : plan.arms) store.add_arm(arm);
  for (const Origin& origin : plan.origins) {
    if (store.has_origin(origin.key)) continue;
    const auto record = folder.origin(origin.key);
    if (record) store.add_origin(origin, plan.arms[origin.arm], record->result);
  }
  std::map<std::string, std::size_t> sets;
  for (const Cell& cell : plan.cells) {
    if (store.has_cell(cell.key)) continue;
    const auto record = folder.cell(cell.key);
    if (!record) continue;
    store.add_cell(cell, plan.arms[cell.arm], record->result, record->by.commit);
    ++sets[record->by.isa];
    ++gathered.cells;
  }
  gathered.mixed = sets.size() > 1;
  for (const auto& [isa, count] : sets) {
    if (!gathered.isa.empty()) gathered.isa += ", ";
    gathered.isa += gathered.mixed ? fmt::format("{} ({})", isa, count) : isa;
  }
  return gathered;
}

}  // namespace firn::cli
