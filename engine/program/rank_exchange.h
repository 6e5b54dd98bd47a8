// What the ranks of a run hand to each other within a program, so that every one has the bits of one process.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/base/communicator.h"
#include "engine/program/plan.h"

namespace firn {

/// One thing that is handed around, as a forecast shows it.
struct RankTraffic {
  std::string what;  ///< the layer and the operation that made it
  bool summed = false;
  Index bytes = 0;  ///< that all ranks together send in a run
};

/// All ranks plan the whole batch, with the same slices; each one computes a contiguous run of these, and all
/// of what is not computed slice by slice. Before the tasks of a group read what slices have made, the ranks
/// hand it around: parts that are summed over the slices go along the ranks in a chain, each adding its own
/// in the order of the slices, chunk by chunk, and the last one's result goes round; all else (moments of
/// batch norms, rows of large layers, small parts) goes from each rank to all others. So each addition is
/// that of one process.
class RankExchange {
 public:
  /// `batch_outputs`: the rows of the outputs that slices make are handed around behind the last group.
  RankExchange(const Plan& plan, const std::vector<Value>& outputs, bool batch_outputs, int rank, int ranks);

  Index first_slice() const { return bounds_[static_cast<std::size_t>(rank_)]; }
  Index own_slices() const { return bounds_[static_cast<std::size_t>(rank_) + 1] - first_slice(); }
  /// Whether a step, by its number, is made by the exchange before its group.
  bool makes(int step) const { return made_[static_cast<std::size_t>(step)]; }
  /// Whether something is handed around before a group, or with the number of groups behind the last one.
  bool any(std::size_t group) const { return !before_[group].empty(); }
  /// Does it. `shared`: the program's shared memory. Throws what the communicator throws.
  void run(std::size_t group, std::byte* shared, Communicator& ranks);

  std::vector<RankTraffic> traffic() const;

 private:
  struct Item {
    Value value;
    Index offset;       ///< of the slices' parts or rows in the shared memory
    Index slice_bytes;  ///< of a slice, or a part
    Index bytes;        ///< of all
    bool sum;
    Index to;  ///< of the sum
  };
  Item item_of(const Plan& plan, Value value) const;
  void gather(const std::vector<Item>& items, std::byte* shared, Communicator& ranks);
  void sum(const std::vector<Item>& items, std::byte* shared, Communicator& ranks) const;
  /// Where in a value's bytes the slices of a rank begin.
  Index begin_of(const Item& item, int rank) const;

  const int rank_, ranks_;
  std::vector<Index> bounds_;  // the first slice of each rank, and the number of slices
  std::vector<bool> made_;
  std::vector<std::vector<Item>> before_;  // by group
  std::vector<std::byte> outgoing_, incoming_;
};

}  // namespace firn
