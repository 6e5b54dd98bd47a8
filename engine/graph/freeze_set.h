// What does not train: an input of the compilation, as shapes are.
#pragma once

#include <compare>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/graph/parameter.h"

namespace firn {

/// Parameter → all, none, or ranges of its units (`Parameter::units`) are frozen. A value: programs are
/// compiled for one and kept by it, policies give one for each step. Copies share their memory until one is
/// changed. It names parameters by address and is of use only as long as they live.
class FreezeSet {
 public:
  /// Nothing is frozen.
  FreezeSet() = default;

  void freeze(const Parameter& parameter);
  /// All of it trains.
  void thaw(const Parameter& parameter);
  /// Freezes these units and no others. Throws what `Parameter::trainable_without` does.
  void set_frozen_units(const Parameter& parameter, const std::vector<UnitRange>& ranges);
  /// Freezes what `other` does, too.
  void add(const FreezeSet& other);

  bool empty() const { return !frozen_ || frozen_->empty(); }
  /// Whether it trains, all of it or a part.
  bool trains(const Parameter& parameter) const;
  /// The units that train of one that trains in part, along the axis of the memory where they lie; null
  /// where all or none do.
  const TrainableRanges* trainable_ranges(const Parameter& parameter) const;
  /// The units that do not train, sorted.
  std::vector<UnitRange> frozen_units(const Parameter& parameter) const;
  /// "48 of 64 channels frozen", "2 of 4 gates frozen (i+o)", "frozen"; "" where nothing is.
  std::string text(const Parameter& parameter) const;

  friend bool operator==(const FreezeSet& a, const FreezeSet& b) { return (a <=> b) == 0; }
  /// An order for keys; it says nothing.
  friend std::strong_ordering operator<=>(const FreezeSet& a, const FreezeSet& b);

 private:
  using Frozen =
      std::map<const Parameter*, std::optional<TrainableRanges>>;  // what still trains; none: nothing
  Frozen& own();

  std::shared_ptr<Frozen> frozen_;  // null: empty
};

/// The set that freezes what a parameter's mark says, and of no other parameter anything.
FreezeSet marked_frozen(const Parameter& parameter);
/// Whether `set` freezes of it what the mark says.
bool marked_as(const Parameter& parameter, const FreezeSet& set);

}  // namespace firn
