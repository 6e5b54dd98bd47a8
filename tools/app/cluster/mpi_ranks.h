// The ranks that mpirun has started.
#pragma once

#include <memory>
#include <string>

#include "engine/base/communicator.h"
#include "tools/app/cli/launcher.h"

namespace firn::cli {

/// A communicator that can end all of the run.
class MpiRanks : public Communicator {
 public:
  /// "Open MPI v4.1.4"
  virtual std::string library() const = 0;
  /// All ranks end together: nothing may be called afterwards. Where MPI does not come to its end the process
  /// ends itself, with `code`, after `said` on standard error.
  virtual void close(int code, const std::string& said) = 0;
  /// This one ends all, with an exit code.
  virtual void abort(int code) = 0;

 protected:
  using Communicator::Communicator;
};

/// Loads firn_mpi.so, which lies beside the program or in ../lib/firn, or where FIRN_MPI says. Throws
/// Error(usage) where there is none, or where it is of another MPI than the launcher.
std::unique_ptr<MpiRanks> open_mpi(const Launcher& launched);

}  // namespace firn::cli
