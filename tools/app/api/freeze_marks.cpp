#include "tools/app/api/freeze_marks.h"

#include <fmt/core.h>

#include "layers/units.h"
#include "tools/app/run/freezing.h"

namespace firn {

namespace {

std::string part_text(const NamedParameter& p) {
  std::string ranges;
  for (const UnitRange& range : p.parameter->frozen_units())
    ranges += fmt::format("{}{}:{}", ranges.empty() ? "" : "+", range.first, range.last);
  return fmt::format("{}[{}]", p.name, ranges);
}

}  // namespace

FreezeMarks::FreezeMarks(const Model& model) {
  for (const NamedParameter& p : model.parameters()) {
    const bool trains = p.parameter->trainable();
    marks_.push_back({p.parameter, trains, p.parameter->partly_frozen()});
    if (!trains) frozen_.push_back(p.name);
    if (p.parameter->trainable_ranges() != nullptr) frozen_.push_back(part_text(p));
    if (trains) training_.push_back(p.name);
  }
}

void FreezeMarks::restore() const {
  for (const Mark& mark : marks_) {
    mark.parameter->set_trainable(true);
    mark.parameter->set_frozen_units(mark.part);
    mark.parameter->set_trainable(mark.trains);
  }
}

std::vector<std::string> freeze_more(Model& model, const std::string& spec) {
  const FreezeMarks before(model);
  std::vector<SelectedUnits> selected;
  model.set_freeze(spec);
  const FreezeMarks named(model);
  for (const NamedParameter& p : model.parameters()) {
    if (!p.parameter->frozen_units().empty()) selected.push_back({p.parameter, p.parameter->frozen_units()});
  }
  before.restore();
  for (const SelectedUnits& one : selected) set_trainable(one, false);
  return named.frozen();
}

std::vector<std::string> thaw_some(Model& model, const std::string& spec) {
  const FreezeMarks before(model);
  for (const NamedParameter& p : model.parameters()) {
    p.parameter->set_frozen_units({});
    p.parameter->set_trainable(false);
  }
  try {
    cli::thaw(model, spec);
  } catch (...) {
    before.restore();
    throw;
  }
  const FreezeMarks named(model);
  before.restore();
  cli::thaw(model, spec);
  return named.training();
}

}  // namespace firn
