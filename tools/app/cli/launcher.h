// Whether mpirun, srun or their like have started this process as one of several.
#pragma once

#include <functional>
#include <string>

namespace firn::cli {

/// What the launcher says by the environment.
struct Launcher {
  int rank = 0, ranks = 1;
  int local_ranks = 1;    ///< on this machine, as far as it is said
  std::string name = {};  ///< "Open MPI"; empty: none
  bool started() const { return ranks > 1; }
};

/// `get`: a variable of the environment, empty where there is none. Known are Open MPI, MPICH and what takes
/// after it (PMI), and Slurm's srun with PMI or PMIx.
Launcher launcher_of(const std::function<std::string(const char*)>& get);
/// Of this process.
const Launcher& launcher();

/// One of several processes speaks for all: nothing that others than rank 0 print is seen from here on.
void mute_other_ranks();
/// To stderr all the same.
void write_aloud(const std::string& text);

/// Threads of this process where nobody asks for a number: its share of the cores, unless the launcher has
/// bound it to some or OMP_NUM_THREADS says how many.
int share_of_threads(const Launcher& launched);

}  // namespace firn::cli
