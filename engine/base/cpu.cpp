#include "engine/base/cpu.h"

#include <fmt/core.h>

#include <cstdlib>
#include <fstream>

#include "engine/base/error.h"

namespace firn {

namespace {

struct IsaChoice {
  Isa isa;
  std::string reason;
  Bf16Products products = Bf16Products::where_faster;
};

/// The set avx512 with one way to multiply in every layer of bf16.
struct Pinned {
  std::string_view name;
  Bf16Products products;
};
constexpr Pinned kPinned[] = {{"avx512bf16", Bf16Products::in_pairs}, {"avx512amx", Bf16Products::by_tiles}};

IsaChoice choose() {
  if (const char* pinned = std::getenv("FIRN_ISA"); pinned != nullptr && *pinned != '\0') {
    std::string_view wanted = pinned;
    Bf16Products products = Bf16Products::in_fp32;
    for (const Pinned& one : kPinned) {
      if (one.name != pinned) continue;
      wanted = isa_name(Isa::avx512);
      products = one.products;
    }
    for (const Isa isa : kIsas) {
      if (isa_name(isa) != wanted) continue;
      if (!isa_available(isa)) {
        throw Error(Fault::usage, "cpu",
                    fmt::format("FIRN_ISA={}: this processor or build has no {}", pinned, pinned));
      }
      return {isa, fmt::format("{}: pinned by FIRN_ISA", pinned), products};
    }
    throw Error(
        Fault::usage, "cpu",
        fmt::format("FIRN_ISA={}: want generic, neon, avx2, avx512, avx512bf16, avx512amx or naive", pinned));
  }
  Isa best = Isa::naive;
  for (const Isa isa : kIsas) {
    if (isa_available(isa)) best = isa;
  }
  if (best == Isa::naive) return {best, "naive: nothing else in this build"};
  return {best, fmt::format("{}: the widest that processor and build have", isa_name(best))};
}

const IsaChoice& choice() {
  static const IsaChoice chosen = choose();
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
#ifdef FIRN_WIDE_SETS
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

bool has_bf16_pairs() {
#if defined(FIRN_WIDE_SETS) && !defined(FIRN_DOUBLE)
  return isa_available(Isa::avx512) && __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

Bf16Products bf16_products() {
  return choice().products;
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

}  // namespace firn
