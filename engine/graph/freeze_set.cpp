#include "engine/graph/freeze_set.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

#include "engine/base/error.h"
#include "engine/graph/parameter.h"

namespace firn {

FreezeSet::Frozen& FreezeSet::own() {
  if (!frozen_) {
    frozen_ = std::make_shared<Frozen>();
  } else if (frozen_.use_count() > 1) {
    frozen_ = std::make_shared<Frozen>(*frozen_);
  }
  return *frozen_;
}

void FreezeSet::freeze(const Parameter& parameter) {
  own()[&parameter] = std::nullopt;
}

void FreezeSet::thaw(const Parameter& parameter) {
  if (frozen_ && frozen_->contains(&parameter)) own().erase(&parameter);
}

void FreezeSet::set_frozen_units(const Parameter& parameter, const std::vector<UnitRange>& ranges) {
  const Index units = parameter.units();
  for (const UnitRange& range : ranges) {
    if (range.first >= 0 && range.first <= range.last && range.last <= units) continue;
    throw Error(Fault::usage, "freeze",
                fmt::format("{} {} has the units 0 to {}, not {}:{}", parameter.name(),
                            parameter.file_shape().text(), units - 1, range.first, range.last));
  }
  const std::vector<UnitRange> frozen = sorted_ranges(ranges), live = complement(frozen, units);
  if (frozen.empty()) return thaw(parameter);
  if (live.empty()) return freeze(parameter);
  if (parameter.role() == Role::statistic) {
    throw Error(Fault::usage, "freeze",
                fmt::format("{} is a statistic: it freezes as a whole or not at all", parameter.name()));
  }
  if (parameter.unit_axis() < 0) {
    throw Error(
        Fault::usage, "freeze",
        fmt::format("{} {} can only be frozen as a whole", parameter.name(), parameter.file_shape().text()));
  }
  own()[&parameter] = Live{parameter.unit_axis(), live};
}

void FreezeSet::add(const FreezeSet& other) {
  if (other.empty() || frozen_ == other.frozen_) return;
  if (empty()) {
    frozen_ = other.frozen_;
    return;
  }
  for (const auto& [parameter, live] : *other.frozen_) {
    std::vector<UnitRange> units = frozen_units(*parameter);
    const std::vector<UnitRange> more = other.frozen_units(*parameter);
    units.insert(units.end(), more.begin(), more.end());
    set_frozen_units(*parameter, units);
  }
}

bool FreezeSet::trains(const Parameter& parameter) const {
  if (!frozen_) return true;
  const auto found = frozen_->find(&parameter);
  return found == frozen_->end() || found->second.has_value();
}

const Live* FreezeSet::live(const Parameter& parameter) const {
  if (!frozen_) return nullptr;
  const auto found = frozen_->find(&parameter);
  return found != frozen_->end() && found->second ? &*found->second : nullptr;
}

std::vector<UnitRange> FreezeSet::frozen_units(const Parameter& parameter) const {
  if (!trains(parameter)) return {{0, parameter.units()}};
  const Live* part = live(parameter);
  return part != nullptr ? complement(part->ranges, parameter.units()) : std::vector<UnitRange>{};
}

std::string FreezeSet::text(const Parameter& parameter) const {
  if (!trains(parameter)) return "frozen";
  const Live* part = live(parameter);
  if (part == nullptr) return "";
  const std::vector<UnitRange> frozen = frozen_units(parameter);
  const auto gates = static_cast<Index>(parameter.unit_names().size());
  const Index share = gates > 0 ? parameter.units() / gates : 0;
  std::string names;
  Index named = 0;
  for (Index gate = 0; gate < gates; ++gate) {
    const bool whole = std::any_of(frozen.begin(), frozen.end(), [&](const UnitRange& range) {
      return range.first <= gate * share && (gate + 1) * share <= range.last;
    });
    if (!whole) continue;
    ++named;
    names += (names.empty() ? "" : "+") + parameter.unit_names()[static_cast<std::size_t>(gate)];
  }
  if (named > 0 && named * share == places_in(frozen)) {
    return fmt::format("{} of {} gates frozen ({})", named, gates, names);
  }
  const bool rows = part->axis == 0 && parameter.shape().rank() > 1;
  const char* what = rows ? "rows" : parameter.shape().rank() == 4 ? "channels" : "units";
  return fmt::format("{} of {} {} frozen", places_in(frozen), parameter.units(), what);
}

std::strong_ordering operator<=>(const FreezeSet& a, const FreezeSet& b) {
  if (a.frozen_ == b.frozen_ || (a.empty() && b.empty())) return std::strong_ordering::equal;
  if (a.empty() || b.empty()) return a.empty() ? std::strong_ordering::less : std::strong_ordering::greater;
  const std::less<const Parameter*> before;
  auto left = a.frozen_->begin();
  auto right = b.frozen_->begin();
  for (; left != a.frozen_->end() && right != b.frozen_->end(); ++left, ++right) {
    if (left->first != right->first) {
      return before(left->first, right->first) ? std::strong_ordering::less : std::strong_ordering::greater;
    }
    const bool part = left->second.has_value();
    if (part != right->second.has_value()) {
      return part ? std::strong_ordering::less : std::strong_ordering::greater;
    }
    if (!part || left->second->ranges == right->second->ranges) continue;
    return left->second->ranges < right->second->ranges ? std::strong_ordering::less
                                                        : std::strong_ordering::greater;
  }
  if (left != a.frozen_->end()) return std::strong_ordering::greater;
  return right != b.frozen_->end() ? std::strong_ordering::less : std::strong_ordering::equal;
}

}  // namespace firn
