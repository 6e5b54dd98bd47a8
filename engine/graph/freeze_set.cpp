#include "engine/graph/freeze_set.h"

#include <fmt/core.h>

#include <algorithm>
#include <functional>

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
  TrainableRanges trains = parameter.trainable_without(ranges);
  if (trains.count() == parameter.units()) return thaw(parameter);
  if (trains.ranges.empty()) return freeze(parameter);
  own()[&parameter] = std::move(trains);
}

void FreezeSet::add(const FreezeSet& other) {
  if (other.empty() || frozen_ == other.frozen_) return;
  if (empty()) {
    frozen_ = other.frozen_;
    return;
  }
  for (const auto& [parameter, trains] : *other.frozen_) {
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

const TrainableRanges* FreezeSet::trainable_ranges(const Parameter& parameter) const {
  if (!frozen_) return nullptr;
  const auto found = frozen_->find(&parameter);
  return found != frozen_->end() && found->second ? &*found->second : nullptr;
}

std::vector<UnitRange> FreezeSet::frozen_units(const Parameter& parameter) const {
  if (!trains(parameter)) return {{0, parameter.units()}};
  const TrainableRanges* part = trainable_ranges(parameter);
  return part != nullptr ? complement(part->ranges, parameter.units()) : std::vector<UnitRange>{};
}

std::string FreezeSet::text(const Parameter& parameter) const {
  if (!trains(parameter)) return "frozen";
  const TrainableRanges* part = trainable_ranges(parameter);
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

FreezeSet marked_frozen(const Parameter& parameter) {
  FreezeSet set;
  set.set_frozen_units(parameter, parameter.frozen_units());
  return set;
}

bool marked_as(const Parameter& parameter, const FreezeSet& set) {
  if (parameter.trainable() != set.trains(parameter)) return false;
  const TrainableRanges* mine = parameter.trainable_ranges();
  const TrainableRanges* its = set.trainable_ranges(parameter);
  return mine == its || (mine != nullptr && its != nullptr && *mine == *its);
}

}  // namespace firn
