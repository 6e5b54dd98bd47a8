// How many cores this process is given: by its affinity mask, by its control group, by its environment.
#pragma once

#include <functional>
#include <optional>
#include <string>

namespace firn {

/// The content of a file; nothing where it cannot be read.
using FileReader = std::function<std::optional<std::string>(const std::string& path)>;

/// Cores that the control groups of this process and those above them allow, the least of them, part of a
/// core counting as one: cpu.max of version 2, cpu.cfs_quota_us over cpu.cfs_period_us of version 1, found by
/// /proc/self/cgroup below /sys/fs/cgroup. 0: no limit.
int cgroup_cores(const FileReader& read);

/// The first number of OMP_NUM_THREADS ("4", "4,2"), at most 256; 0 where it is none from 1 on.
int omp_threads(const char* value);

/// Cores that this process may use: its affinity mask, within the limit of its control group, which is read
/// once; at least 1.
int cpu_count();

/// Threads where nobody asks for a number: what OMP_NUM_THREADS says, else `cpu_count()`.
int default_thread_count();
/// One line for `doctor`: why it is that.
std::string thread_reason();

}  // namespace firn
