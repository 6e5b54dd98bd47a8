#include "tools/app/cli/launcher.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <thread>

#include "engine/base/cores.h"
#include "tools/app/cli/console.h"

namespace firn::cli {

namespace {

int stderr_of_all = -1;  // where this rank's own is muted

/// A whole number from `least` on; below 0: the text is none.
int number_of(const std::string& text, int least) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= least ? value : -1;
}

}  // namespace

Launcher launcher_of(const std::function<std::string(const char*)>& get) {
  struct Known {
    const char *name, *rank, *ranks, *local;
  };
  static constexpr Known kKnown[] = {
      {"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE"},
      {"MPICH", "PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS"},
      {"Slurm", "PMIX_RANK", "SLURM_STEP_NUM_TASKS", "SLURM_STEP_TASKS_PER_NODE"},
  };
  for (const Known& known : kKnown) {
    const int rank = number_of(get(known.rank), 0), ranks = number_of(get(known.ranks), 1);
    if (rank < 0 || ranks < 0 || rank >= ranks) continue;
    const int local = number_of(get(known.local), 1);
    return {rank, ranks, local > 0 ? std::min(local, ranks) : 1, known.name};
  }
  return {};
}

const Launcher& launcher() {
  static const Launcher own = launcher_of([](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value != nullptr ? value : "");
  });
  return own;
}

void mute_other_ranks() {
  if (launcher().rank == 0 || stderr_of_all >= 0) return;
  stderr_of_all = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere < 0) return;
  dup2(nowhere, STDOUT_FILENO);
  dup2(nowhere, STDERR_FILENO);
  close(nowhere);
}

void write_aloud(const std::string& text) {
  if (stderr_of_all >= 0) dup2(stderr_of_all, STDERR_FILENO);
  write_stderr(text);
}

int share_of_threads(const Launcher& launched) {
  const int all = default_thread_count();
  const bool bound = cpu_count() < static_cast<int>(std::thread::hardware_concurrency());
  if (bound || std::getenv("OMP_NUM_THREADS") != nullptr) return all;
  return std::max(1, all / launched.local_ranks);
}

}  // namespace firn::cli
