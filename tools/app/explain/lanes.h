// Where the lines of a graph run when its nodes stand one below the other.
#pragma once

#include <cstddef>
#include <vector>

namespace firn::cli {

/// A node's row: lanes are counted from the left.
struct LaneRow {
  int lane = 0;              ///< the node's own
  bool goes_on = false;      ///< a later node reads its value
  std::vector<int> reads;    ///< lanes that lead to the node from above
  std::vector<int> through;  ///< lanes that pass it by, or lead to it and go on
};

struct Lanes {
  std::vector<LaneRow> rows;
  int count = 0;  ///< lanes that are used at all
};

/// `reads[i]`: the nodes before i whose values i reads. A value keeps its lane until its last reader, which
/// takes over the leftmost of the lanes that end with it.
Lanes lanes_of(const std::vector<std::vector<std::size_t>>& reads);

}  // namespace firn::cli
