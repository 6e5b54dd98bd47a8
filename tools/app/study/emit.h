// The cells of a study as a script for an engine that spreads work over cores and machines.
#pragma once

#include <string>
#include <vector>

namespace firn::cli {

/// "slurm", "parallel", "hq", "make".
const std::vector<std::string>& engine_names();

struct SpreadJob {
  std::string folder;              ///< in which all is run, absolute; all machines see it there
  std::string run;                 ///< "runs/NAME"
  std::string command;             ///< of the study as a shell takes it, to which --cell or --merge is added
  std::vector<std::string> cells;  ///< in the order in which they are begun; not empty
};

/// The script, which says in its first lines how it is started. Each cell is a process of its own on one
/// thread, but where Slurm would be given more than a thousand: then a task does several, one behind the
/// other.
std::string engine_script(const std::string& engine, const SpreadJob& job);

}  // namespace firn::cli
