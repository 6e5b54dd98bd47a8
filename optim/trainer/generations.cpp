#include "optim/trainer/generations.h"

#include <fmt/core.h>

#include <filesystem>

#include "engine/base/error.h"

namespace firn {

namespace {

namespace fs = std::filesystem;

std::string previous_of(const std::string& path) {
  fs::path name(path);
  return name.replace_extension("previous" + name.extension().string()).string();
}

void require(const std::error_code& code, const std::string& path) {
  if (code) throw Error(Fault::failure, "checkpoint", fmt::format("{}: {}", path, code.message()));
}

}  // namespace

Generations::Generations(std::string newest) : newest_(std::move(newest)), previous_(previous_of(newest_)) {}

std::optional<Generations::Found> Generations::find() const {
  std::error_code code;
  const bool has_newest = fs::exists(newest_, code), has_previous = fs::exists(previous_, code);
  if (!has_newest && !has_previous) return {};
  try {
    return Found{load_checkpoint(newest_), newest_, ""};
  } catch (const Error& error) {
    if (error.fault() != Fault::model_file || !has_previous) throw;
    try {
      return Found{load_checkpoint(previous_), previous_, error.what()};
    } catch (const Error&) {
    }
    throw;
  }
}

void Generations::save(const Checkpoint& checkpoint, bool damaged) const {
  if (!damaged) keep_newest();
  save_checkpoint(newest_, checkpoint);
}

/// A second name for the newest, in place of the previous one: at no moment is there none.
void Generations::keep_newest() const {
  std::error_code code;
  if (!fs::exists(newest_, code)) return;
  const fs::path previous(previous_);
  const fs::path link = previous.parent_path() / fmt::format(".{}.tmp", previous.filename().string());
  fs::remove(link, code);
  fs::create_hard_link(newest_, link, code);
  if (code) {  // a file system without them
    fs::copy_file(newest_, link, code);
    require(code, link.string());
  }
  fs::rename(link, previous, code);
  require(code, previous_);
  fs::remove(link, code);  // of two names for one file neither goes away
}

void Generations::drop_previous() const {
  std::error_code code;
  fs::remove(previous_, code);
  require(code, previous_);
}

}  // namespace firn
