#include "layers/tied_parameters.h"

namespace firn {

namespace {

thread_local TiedParameters* innermost_tie = nullptr;

}  // namespace

TiedParameters::TiedParameters(std::map<std::string, ParameterPtr> by_name)
    : by_name_(std::move(by_name)), outer_(innermost_tie) {
  innermost_tie = this;
}

TiedParameters::~TiedParameters() {
  innermost_tie = outer_;
}

ParameterPtr TiedParameters::take(const std::string& name) {
  if (innermost_tie == nullptr) return nullptr;
  const auto found = innermost_tie->by_name_.find(name);
  if (found == innermost_tie->by_name_.end()) return nullptr;
  innermost_tie->taken_.insert(name);
  return found->second;
}

std::set<std::string> TiedParameters::left() const {
  std::set<std::string> names;
  for (const auto& [name, parameter] : by_name_) {
    if (!taken_.contains(name)) names.insert(name);
  }
  return names;
}

}  // namespace firn
