#include "engine/base/cores.h"

#include <fmt/core.h>
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>
#include <thread>

#include "engine/base/split.h"

namespace firn {

namespace {

constexpr int kMostThreads = 256;
constexpr std::string_view kMount = "/sys/fs/cgroup";

std::optional<std::string> file_content(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

/// The number that `text` begins with.
std::optional<double> leading_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// Cores of a quota of microseconds in each period; 0 where there is no limit.
int cores_of(std::optional<double> quota, std::optional<double> period) {
  if (!quota || !period || !(*quota > 0) || !(*period > 0)) return 0;
  return static_cast<int>(std::clamp(std::ceil(*quota / *period), 1.0, 1e6));
}

int limit_of_version_2(const FileReader& read, const std::string& folder) {
  const std::optional<std::string> text = read(folder + "/cpu.max");
  if (!text) return 0;
  const std::size_t space = std::min(text->find(' '), text->size());
  const std::string_view behind = std::string_view(*text).substr(std::min(space + 1, text->size()));
  return cores_of(leading_number(*text), leading_number(behind));
}

int limit_of_version_1(const FileReader& read, const std::string& folder) {
  const std::optional<std::string> quota = read(folder + "/cpu.cfs_quota_us");
  const std::optional<std::string> period = read(folder + "/cpu.cfs_period_us");
  if (!quota || !period) return 0;
  return cores_of(leading_number(*quota), leading_number(*period));
}

/// The least limit from `path` below `mount` up to the mount itself.
int least_limit(const FileReader& read, const std::string& mount, std::string path,
                int (*limit_of)(const FileReader&, const std::string&)) {
  int least = 0;
  while (true) {
    while (!path.empty() && path.back() == '/') path.pop_back();
    const int limit = limit_of(read, mount + path);
    if (limit > 0) least = least > 0 ? std::min(least, limit) : limit;
    if (path.empty()) return least;
    const std::size_t slash = path.rfind('/');
    path.resize(slash == std::string::npos ? 0 : slash);
  }
}

int affinity_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
  const unsigned n = std::thread::hardware_concurrency();
  return n > 0 ? static_cast<int>(n) : 1;
}

int own_cgroup_cores() {
  static const int cores = cgroup_cores(file_content);
  return cores;
}

int own_omp_threads() {
  static const int threads = omp_threads(std::getenv("OMP_NUM_THREADS"));
  return threads;
}

}  // namespace

int cgroup_cores(const FileReader& read) {
  const std::optional<std::string> groups = read("/proc/self/cgroup");
  if (!groups) return 0;
  int least = 0;
  const auto take = [&](int limit) {
    if (limit > 0) least = least > 0 ? std::min(least, limit) : limit;
  };
  for (const std::string& line : split(*groups, '\n')) {
    // hierarchy:controllers:path
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    const std::vector<std::string> names = split(controllers, ',');
    if (controllers.empty()) {
      // Beside version 1 the mount of version 2 lies one deeper.
      for (const char* below : {"", "/unified"}) {
        take(least_limit(read, std::string(kMount) + below, path, limit_of_version_2));
      }
    } else if (std::find(names.begin(), names.end(), "cpu") != names.end()) {
      for (const std::string& mount : {controllers, std::string("cpu")}) {
        take(least_limit(read, fmt::format("{}/{}", kMount, mount), path, limit_of_version_1));
      }
    }
  }
  return least;
}

int omp_threads(const char* value) {
  if (value == nullptr) return 0;
  std::string_view text = value;
  text = text.substr(0, text.find(','));
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  int threads = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), threads);
  if (error != std::errc{} || end != text.data() + text.size() || threads < 1) return 0;
  return std::min(threads, kMostThreads);
}

int cpu_count() {
  const int cores = affinity_cores(), limit = own_cgroup_cores();
  return limit > 0 ? std::min(cores, limit) : cores;
}

int default_thread_count() {
  const int asked = own_omp_threads();
  return asked > 0 ? asked : std::min(cpu_count(), kMostThreads);
}

std::string thread_reason() {
  if (own_omp_threads() > 0) return "OMP_NUM_THREADS";
  const int limit = own_cgroup_cores();
  return limit > 0 && limit < affinity_cores() ? fmt::format("the control group allows {}", limit)
                                               : "one a core";
}

}  // namespace firn
