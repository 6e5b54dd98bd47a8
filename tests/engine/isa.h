// One program, run once for every instruction set: FIRN_ISA names it.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <string_view>

#include "engine/base/cpu.h"

namespace firn::test {

/// False, with a message, where FIRN_ISA names a set that this processor lacks: then there is nothing to
/// test.
inline bool isa_in_force() {
  const char* wanted = std::getenv("FIRN_ISA");
  if (wanted == nullptr) return true;
  // avx512 with another way to multiply where the precision is bf16.
  const std::string_view set = wanted;
  const std::string_view name = set == "avx512bf16" || set == "avx512amx" ? "avx512" : set;
  for (const Isa isa : kIsas) {
    if (isa_name(isa) == name && isa_available(isa)) return true;
  }
  MESSAGE("skipped: this processor or build has no " << wanted);
  return false;
}

}  // namespace firn::test
