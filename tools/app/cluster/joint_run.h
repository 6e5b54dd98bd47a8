// One run of several processes: they begin alike, one speaks and writes for all, and they end together.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tools/app/cluster/mpi_ranks.h"

namespace firn::cli {

/// What a run that was started by mpirun or its like does around its work. Until `begin` has returned for the
/// second time a rank that throws makes all throw, so that a usage fault is one line; behind that it ends all
/// with a line that names it.
class JointRun {
 public:
  /// Null where this process was started alone. Throws what `open_mpi` throws.
  static std::unique_ptr<JointRun> join();
  explicit JointRun(std::unique_ptr<MpiRanks> ranks) : ranks_(std::move(ranks)) {}

  MpiRanks& ranks() { return *ranks_; }
  bool first() const { return ranks_->rank() == 0; }

  /// Who shares the run, and the link between the first and the last, which is measured. Open MPI's mpirun
  /// names a rank that dies; others name a process and its machine, so these are said of each rank then.
  std::vector<std::string> introduce();
  /// What all ranks have sent; on rank 0, on the others what they have.
  std::uint64_t bytes_sent();
  /// Twice: before rank 0 touches any file, and when it has. All ranks must have come to it, with the same
  /// `settings`; throws Error(usage) naming one that has others, and the fault of one that has failed.
  void begin(const std::string& settings);
  /// Runs `work`, and ends this rank as the others end. Throws what it throws, but for a fault behind
  /// `begin`, which ends the process.
  int run(const std::function<int()>& work);

 private:
  std::vector<std::string> gather(const std::string& own);
  void agree(const std::string& status);
  void close(int code, const std::string& state);
  [[noreturn]] void fail(const std::string& what, int code);

  std::unique_ptr<MpiRanks> ranks_;
  int begun_ = 0;
  bool agreed_to_end_ = false;
};

}  // namespace firn::cli
