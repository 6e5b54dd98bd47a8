#include "optim/trainer/can_learn.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/error.h"

namespace firn {

namespace {

bool all_zeros(const Parameter& parameter) {
  const auto values = parameter.value().values();
  return std::all_of(values.begin(), values.end(), [](real x) { return x == 0; });
}

[[noreturn]] void refuse(const std::string& name) {
  throw Error(
      Fault::usage, "train",
      fmt::format("{} is all zeros and frozen: no gradient passes it, so nothing below it can learn; let "
                  "it train too, or begin with numbers that are not zero (--head-init random for a new "
                  "head, --keep-head for the weights' own)",
                  name));
}

}  // namespace

void require_learning_head(const Model& model, const FreezeSet& freeze) {
  const std::vector<NamedParameter> all = model.parameters();
  const bool any = std::any_of(all.begin(), all.end(), [&](const NamedParameter& p) {
    return p.parameter->role() != Role::statistic && freeze.trains(*p.parameter);
  });
  if (model.blocks().empty() || !any) return;  // that nothing trains is said by the step
  for (const NamedParameter& p : model.block_parameters(static_cast<int>(model.blocks().size()) - 1)) {
    const bool frozen_weight = p.parameter->role() == Role::weight && !freeze.trains(*p.parameter);
    if (frozen_weight && all_zeros(*p.parameter)) refuse(p.name);
  }
}

void require_open_path(const Model& model, const FreezeSet& freeze) {
  for (const NamedParameter& p : model.parameters()) {
    const bool frozen_weight = p.parameter->role() == Role::weight && !freeze.trains(*p.parameter);
    if (frozen_weight && all_zeros(*p.parameter)) refuse(p.name);
  }
}

bool trains_on_one(const Model& model, const ProgramSettings& settings, const Shape& sample) {
  ProgramSettings of_all = settings;
  of_all.batch_statistics = true;  // also of what is frozen now: it may thaw
  try {
    ProgramCache(model, of_all).training(1, sample);
  } catch (const Error& error) {
    if (error.operation() != "batch_norm") throw;
    return false;
  }
  return true;
}

}  // namespace firn
