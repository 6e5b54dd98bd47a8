#include "engine/base/cores.h"

#include <doctest/doctest.h>

#include <map>

using namespace firn;

namespace {

using Files = std::map<std::string, std::string>;

int cores(const Files& files) {
  return cgroup_cores([&](const std::string& path) -> std::optional<std::string> {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  });
}

}  // namespace

TEST_CASE("version 2: cpu.max of the group and of those above it, the least") {
  const std::string self = "/proc/self/cgroup", root = "/sys/fs/cgroup";
  CHECK(cores({{self, "0::/\n"}, {root + "/cpu.max", "200000 100000\n"}}) == 2);
  CHECK(cores({{self, "0::/\n"}, {root + "/cpu.max", "max 100000\n"}}) == 0);
  CHECK(cores({{self, "0::/\n"}, {root + "/cpu.max", "150000 100000\n"}}) == 2);
  CHECK(cores({{self, "0::/\n"}, {root + "/cpu.max", "20000 100000\n"}}) == 1);
  CHECK(cores({{self, "0::/\n"}}) == 0);
  CHECK(cores({{self, "0::/a/b\n"},
               {root + "/a/b/cpu.max", "800000 100000\n"},
               {root + "/a/cpu.max", "300000 100000\n"}}) == 3);
  CHECK(cores({{self, "0::/a/b\n"},
               {root + "/a/b/cpu.max", "max 100000\n"},
               {root + "/a/cpu.max", "50000 10000\n"}}) == 5);
  // A container's group, seen from inside: only the mount is there.
  CHECK(cores({{self, "0::/docker/1234\n"}, {root + "/cpu.max", "100000 100000\n"}}) == 1);
}

TEST_CASE("version 1: quota over period of the controller cpu") {
  const std::string self = "/proc/self/cgroup", mount = "/sys/fs/cgroup/cpu,cpuacct";
  const std::string groups = "12:memory:/a\n4:cpu,cpuacct:/a\n1:name=systemd:/\n0::/\n";
  CHECK(cores({{self, groups},
               {mount + "/a/cpu.cfs_quota_us", "400000\n"},
               {mount + "/a/cpu.cfs_period_us", "100000\n"}}) == 4);
  CHECK(cores({{self, groups},
               {mount + "/a/cpu.cfs_quota_us", "-1\n"},
               {mount + "/a/cpu.cfs_period_us", "100000\n"}}) == 0);
  CHECK(cores({{self, groups},
               {mount + "/cpu.cfs_quota_us", "100000\n"},
               {mount + "/cpu.cfs_period_us", "50000\n"}}) == 2);
  CHECK(cores({{self, groups},
               {"/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "30000\n"},
               {"/sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "10000\n"}}) == 3);
  CHECK(cores({{self, groups}, {"/sys/fs/cgroup/unified/cpu.max", "100000 100000\n"}}) == 1);
}

TEST_CASE("what is no limit is none") {
  const std::string self = "/proc/self/cgroup", max = "/sys/fs/cgroup/cpu.max";
  CHECK(cores({}) == 0);
  CHECK(cores({{self, ""}}) == 0);
  CHECK(cores({{self, "nonsense\n0:\n"}, {max, "100000 100000"}}) == 0);
  for (const char* text :
       {"", "\n", "100000", "100000 ", "0 100000", "-5 100000", "100000 0", "nan 1", "1 nan", "x y"}) {
    CAPTURE(text);
    CHECK(cores({{self, "0::/\n"}, {max, text}}) == 0);
  }
  CHECK(cores({{self, "0::/\n"}, {max, "99999999999999999999 1"}}) == 1000000);
}

TEST_CASE("OMP_NUM_THREADS is its first number") {
  CHECK(omp_threads(nullptr) == 0);
  CHECK(omp_threads("1") == 1);
  CHECK(omp_threads("3") == 3);
  CHECK(omp_threads(" 4 ") == 4);
  CHECK(omp_threads("4,2") == 4);
  CHECK(omp_threads("999") == 256);
  for (const char* text : {"", "0", "-1", "x", "4x", "1.5", ",2", "99999999999999999999"}) {
    CAPTURE(text);
    CHECK(omp_threads(text) == 0);
  }
}

TEST_CASE("there is always a core") {
  CHECK(cpu_count() >= 1);
  CHECK(default_thread_count() >= 1);
  CHECK_FALSE(thread_reason().empty());
}
