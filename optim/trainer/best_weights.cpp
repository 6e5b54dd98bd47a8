#include "optim/trainer/best_weights.h"

#include <cstring>

#include "optim/trainer/history.h"

namespace firn {

namespace {

bool same_bytes(const Tensor& a, const Tensor& b) {
  return std::memcmp(a.raw(), b.raw(), static_cast<std::size_t>(a.bytes())) == 0;
}

}  // namespace

void BestWeights::end_epoch(const History&, bool best) {
  if (best) keep();
}

void BestWeights::end_run(History&) {
  if (wanted_ == Wanted::restored) restore();
}

void BestWeights::begin() {
  kept_.clear();
  exists_ = false;
}

void BestWeights::keep() {
  if (wanted_ == Wanted::no) return;
  exists_ = true;
  for (std::size_t i = 0; i < parameters_.all().size(); ++i) {
    const Parameter& parameter = *parameters_.all()[i].parameter;
    if (parameters_.changed(i) || kept_.contains(&parameter)) kept_[&parameter] = parameter.to_file();
  }
}

void BestWeights::keep_thawed(const FreezeSet& freeze) {
  if (!exists_) return;
  for (std::size_t i = 0; i < parameters_.all().size(); ++i) {
    const Parameter& parameter = *parameters_.all()[i].parameter;
    if (freeze.trains(parameter) && !parameters_.changed(i) && !kept_.contains(&parameter)) {
      kept_[&parameter] = parameter.to_file();
    }
  }
}

void BestWeights::restore() const {
  for (const NamedParameter& p : parameters_.all()) {
    const auto found = kept_.find(p.parameter.get());
    if (found != kept_.end()) p.parameter->from_file(found->second);
  }
}

std::vector<NamedTensor> BestWeights::weights() const {
  std::vector<NamedTensor> all;
  for (const NamedParameter& p : parameters_.all()) {
    const auto found = kept_.find(p.parameter.get());
    all.push_back({p.name, found != kept_.end() ? found->second : p.parameter->to_file()});
  }
  return all;
}

std::vector<std::pair<ParameterPtr, Tensor>> BestWeights::replaced() const {
  std::vector<std::pair<ParameterPtr, Tensor>> present;
  for (const NamedParameter& p : parameters_.all()) {
    if (kept_.contains(p.parameter.get())) present.emplace_back(p.parameter, p.parameter->to_file());
  }
  return present;
}

void BestWeights::save(const StateWriter& to) const {
  for (const NamedParameter& p : parameters_.all()) {
    const auto found = kept_.find(p.parameter.get());
    if (found == kept_.end() || same_bytes(found->second, p.parameter->to_file())) continue;
    to.tensor(p.name, found->second);
  }
}

void BestWeights::load(const StateReader& from, const History& history) {
  begin();
  exists_ = wanted_ != Wanted::no && history.best_epoch > 0;
  if (!exists_) return;
  for (std::size_t i = 0; i < parameters_.all().size(); ++i) {
    const auto& [name, parameter] = parameters_.all()[i];
    if (from.has(name)) {
      kept_[parameter.get()] = from.tensor(name, parameter->file_shape());
    } else if (parameters_.changed(i)) {
      kept_[parameter.get()] = parameter->to_file();
    }
  }
}

}  // namespace firn
