#include "optim/trainer/run_parameters.h"

#include <cstring>
#include <set>

namespace firn {

RunParameters::RunParameters(const Layer& layer) {
  std::set<const Parameter*> seen;
  for (const NamedParameter& p : layer.parameters()) {
    if (seen.insert(p.parameter.get()).second) all_.push_back(p);
  }
  begin();
}

void RunParameters::begin() {
  versions_.clear();
  for (const NamedParameter& p : all_) versions_.push_back(p.parameter->version());
}

StatisticsGuard::StatisticsGuard(const RunParameters& parameters) {
  for (const NamedParameter& p : parameters.all()) {
    if (p.parameter->role() == Role::statistic) kept_.emplace_back(p.parameter, p.parameter->value().clone());
  }
}

void StatisticsGuard::before_forward(StepMoment&) {
  for (auto& [parameter, copy] : kept_) {
    std::memcpy(copy.raw(), parameter->value().raw(), static_cast<std::size_t>(copy.bytes()));
  }
}

void StatisticsGuard::step_failed() {
  for (auto& [parameter, copy] : kept_) {
    std::memcpy(parameter->mutable_value().raw(), copy.raw(), static_cast<std::size_t>(copy.bytes()));
    parameter->touch();
  }
}

}  // namespace firn
