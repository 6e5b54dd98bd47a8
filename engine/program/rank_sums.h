// Sums over the slices that go along the ranks while these compute other things.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include "engine/base/real.h"

namespace firn {

class Communicator;

/// The sums of one program, in chunks. Each chunk goes from rank 0 along the ranks, each of which adds its
/// slices' parts to what comes, in the order of the slices; the last one's sum goes round. So the additions
/// are those of one process, whenever they are done. One thread at a time calls it, all ranks begin the same
/// sums in the same order.
class RankSums {
 public:
  static constexpr Index kChunk = 16 * 1024;  ///< numbers that go together

  /// `way`: of the two that they go by the first.
  RankSums(int rank, int ranks, int way) : rank_(rank), last_(ranks - 1), along_(way), round_(way + 1) {}

  /// Makes room for one more sum of so many numbers in a run.
  void expect(Index count);
  /// `parts`: this rank's, `own` of them, one behind the other; the sum is to stand in `out`. Both are the
  /// sums' own until `advance` has come to the end.
  void begin(const real* parts, Index own, Index count, real* out, Communicator& ranks);
  /// Does what can be done without waiting, and adds to one chunk at most. Returns whether there was
  /// anything.
  bool advance(Communicator& ranks);
  /// Whether something is under way. Any thread may ask.
  bool busy() const { return busy_.load(std::memory_order_relaxed); }

 private:
  struct Chunk {
    const real* parts;
    real* out;
    Index own, stride, count;
    int in, up, round,
        on;  // numbers of what was started: from the rank before, to the next, round, and on from there
  };
  bool add(Communicator& ranks);
  bool listen(Communicator& ranks);
  bool pass_on(Communicator& ranks);
  bool close(Communicator& ranks);

  const int rank_, last_;
  const int along_, round_;  // ways
  std::size_t expected_ = 0;
  std::vector<Chunk> chunks_;                                       // of this run
  std::size_t added_ = 0, listened_ = 0, passed_ = 0, closed_ = 0;  // how many of them have come so far
  std::atomic<bool> busy_{false};
};

}  // namespace firn
