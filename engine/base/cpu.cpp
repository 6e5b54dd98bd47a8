#include "engine/base/cpu.h"

#include <fmt/core.h>
#include <sched.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "engine/base/error.h"

namespace firn {

namespace {

struct Choice {
  Isa isa;
  std::string reason;
};

Choice choose() {
  if (const char* pinned = std::getenv("FIRN_ISA"); pinned != nullptr && *pinned != '\0') {
    for (const Isa isa : kIsas) {
      if (isa_name(isa) != pinned) continue;
      if (!isa_available(isa)) {
        throw Error(Fault::usage, "cpu",
                    fmt::format("FIRN_ISA={}: this processor or build has no {}", pinned, pinned));
      }
      return {isa, fmt::format("{}: pinned by FIRN_ISA", pinned)};
    }
    throw Error(Fault::usage, "cpu",
                fmt::format("FIRN_ISA={}: want generic, neon, avx2, avx512 or naive", pinned));
  }
  Isa best = Isa::naive;
  for (const Isa isa : kIsas) {
    if (isa_available(isa)) best = isa;
  }
  if (best == Isa::naive) return {best, "naive: nothing else in this build"};
  return {best, fmt::format("{}: the widest that processor and build have", isa_name(best))};
}

const Choice& choice() {
  static const Choice chosen = choose();
  return chosen;
}

}  // namespace

std::string_view isa_name(Isa isa) {
  switch (isa) {
    case Isa::naive:
      return "naive";
    case Isa::generic:
      return "generic";
    case Isa::neon:
      return "neon";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
  }
  return "?";
}

bool isa_available(Isa isa) {
#ifdef FIRN_DOUBLE
  return isa == Isa::naive;
#else
  switch (isa) {
    case Isa::naive:
      return true;
#if defined(__aarch64__)
    case Isa::neon:
      return true;
    case Isa::generic:
#else
    case Isa::generic:
      return true;
    case Isa::neon:
#endif
      return false;
#if defined(__x86_64__)
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("fma");
#else
    case Isa::avx2:
    case Isa::avx512:
      return false;
#endif
  }
  return false;
#endif
}

Isa selected_isa() {
  return choice().isa;
}

std::string isa_reason() {
  return choice().reason;
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) {
      if (const auto colon = line.find(':'); colon != std::string::npos) return line.substr(colon + 2);
    }
  }
  return "unknown processor";
}

int cpu_count() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
  const unsigned n = std::thread::hardware_concurrency();
  return n > 0 ? static_cast<int>(n) : 1;
}

}  // namespace firn
