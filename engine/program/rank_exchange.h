// What the ranks of a run hand to each other within a program, so that every one has the bits of one process.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "engine/program/plan.h"
#include "engine/program/rank_sums.h"

namespace firn {

class Communicator;

enum class RankWay {
  rows,     ///< those that a rank has made, to all others
  columns,  ///< of these rows those that another rank reads, to that one
  pieces,   ///< of a gradient: those that a rank has made, to all others
  sums,     ///< along the ranks
};
/// "from each to all".
std::string_view rank_way_text(RankWay way);

/// One thing that is handed around, as a forecast shows it.
struct RankTraffic {
  std::string what;  ///< the layer and the operation that made it
  RankWay way = RankWay::rows;
  bool meanwhile = false;  ///< while the rest of the step is computed: else what reads it waits
  std::size_t group = 0;   ///< of the plan, in front of which it is, or begins
  Index bytes = 0;         ///< that all ranks together send in a run
};

/// The steps that sum the parts of slices to what no other step reads: gradients and losses.
std::vector<int> sums_for_the_end(const Plan& plan);

/// All ranks plan the whole batch, with the same slices; each one computes a contiguous run of these, and all
/// of what is not computed slice by slice. Before the tasks of a group read what slices have made, the ranks
/// hand it around: parts that are summed over the slices go along the ranks in a chain (`RankSums`); all else
/// (moments of batch norms, rows of large layers, small parts) goes from each rank to all others. Where a
/// large layer's gradient takes fewer bytes than the rows that it is made of, each rank is given the columns
/// for some pieces of it alone, makes these, and hands them to the others behind the last group. So each
/// addition is that of one process. Nobody waits for the sums that are `sums_for_the_end`: they go on their
/// way while later groups are computed, moved on by whoever calls `advance`. The plan must keep their parts
/// (`PlanOptions::ranks`).
class RankExchange {
 public:
  /// `batch_outputs`: the rows of the outputs that slices make are handed around behind the last group.
  RankExchange(const Plan& plan, const std::vector<Value>& outputs, bool batch_outputs, int rank, int ranks);

  Index first_slice() const { return bounds_[static_cast<std::size_t>(rank_)]; }
  Index own_slices() const { return bounds_[static_cast<std::size_t>(rank_) + 1] - first_slice(); }
  /// Whether this rank makes a task of a step, by its number, and not another one, or the exchange before its
  /// group.
  bool is_own(int step, Index task) const {
    const Tasks& own = own_tasks_[static_cast<std::size_t>(step)];
    return task >= own.first && task < own.last;
  }
  /// Of a step's work what this rank does, in its tasks or for its slices.
  double share(int step) const { return shares_[static_cast<std::size_t>(step)]; }
  /// Whether something is handed around before a group, or with the number of groups behind the last one.
  bool any(std::size_t group) const {
    return !before_[group].empty() || (meanwhile_ && group + 1 == before_.size());
  }
  /// Does it, or begins it; behind the last group waits for all. `shared`: the program's shared memory.
  /// Throws what the communicator throws, as does `advance`. One thread at a time calls the two.
  void run(std::size_t group, std::byte* shared, Communicator& ranks);
  /// Moves on what is under way, without waiting.
  void advance(Communicator& ranks) { sums_.advance(ranks); }
  /// Whether there is any. Every thread may ask.
  bool under_way() const { return sums_.busy(); }

  std::vector<RankTraffic> traffic() const;

 private:
  struct Item {
    const Node* node;   ///< that made it
    Index offset;       ///< of the slices' parts or rows in the shared memory
    Index slice_bytes;  ///< of a slice, or a part
    Index bytes;        ///< of all
    RankWay way;
    Index to;                      ///< of the sum
    bool meanwhile;                ///< a sum that nobody waits for
    std::vector<Index> cuts = {};  ///< of columns and pieces: where each rank's begin, and their end
    Index row_bytes = 0;           ///< of these: of a row that is cut, or of a row of the gradient
  };
  struct Tasks {
    Index first, last;
  };
  Item item_of(const Plan& plan, Value value) const;
  bool take_pieces(const Plan& plan, std::size_t group, int step, Value x);
  /// run(offset, bytes) of what one rank sends to another.
  template <class Run>
  void for_each_run(const Item& item, int from, int to, Run run) const;
  Index bytes_between(const Item& item, int from, int to) const;
  Index bytes_between(const std::vector<Item>& items, int from, int to) const;
  /// By all ranks, but for sums.
  Index bytes_of(const Item& item) const;
  void gather(const std::vector<Item>& items, std::byte* shared, Communicator& ranks);
  void begin_sums(const std::vector<Item>& items, std::byte* shared, Communicator& ranks);
  /// Moves both kinds of sums on, and lets others have the core where nothing can be.
  void wait(Communicator& ranks);
  /// Where in a value's bytes the slices of a rank begin.
  Index begin_of(const Item& item, int rank) const;

  const int rank_, ranks_;
  std::vector<Index> bounds_;              // the first slice of each rank, and the number of slices
  std::vector<Tasks> own_tasks_;           // by step
  std::vector<double> shares_;             // by step
  std::vector<std::vector<Item>> before_;  // by group
  std::vector<std::byte> outgoing_, incoming_;
  bool meanwhile_ = false;  // there are such sums
  RankSums sums_, urgent_;  // those that nobody waits for, and others
};

}  // namespace firn
