#include "optim/trainer/extension.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/error.h"

namespace firn {

namespace {

constexpr const char* kFieldNames[] = {"freeze", "content", "program", "gradients"};

bool sets_field(const TrainerExtension& extension, StepField field) {
  const std::vector<StepField> sets = extension.sets();
  return std::find(sets.begin(), sets.end(), field) != sets.end();
}

}  // namespace

void Extensions::add(std::string name, TrainerExtension& extension) {
  for (const auto& [known, other] : all_) {
    if (known == name)
      throw Error(Fault::usage, "trainer", fmt::format("two extensions are named '{}'", name));
  }
  for (const StepField field : extension.reads()) {
    const bool set = std::any_of(all_.begin(), all_.end(),
                                 [&](const auto& one) { return sets_field(*one.second, field); });
    if (set) continue;
    throw Error(Fault::usage, "trainer",
                fmt::format("extension '{}' reads '{}', which none before it sets", name,
                            kFieldNames[static_cast<std::size_t>(field)]));
  }
  all_.emplace_back(std::move(name), &extension);
}

void Extensions::save(const StateWriter& to) const {
  for (const auto& [name, extension] : all_) extension->save(to.part(name));
}

void Extensions::load(const StateReader& from, const History& history) const {
  for (const auto& [name, extension] : all_) extension->load(from.part(name), history);
}

}  // namespace firn
