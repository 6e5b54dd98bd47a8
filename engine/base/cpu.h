// What this processor can do, and which set of kernels is used on it.
#pragma once

#include <string>
#include <string_view>

namespace firn {

/// The instruction sets that kernels are compiled for. `naive` is the plain loop kept as truth; `generic` is
/// what every processor of the architecture has, on 64-bit ARM called `neon` since that is what it is there.
enum class Isa { naive, generic, neon, avx2, avx512 };

/// All of them, a better one behind a worse one.
inline constexpr Isa kIsas[] = {Isa::naive, Isa::generic, Isa::neon, Isa::avx2, Isa::avx512};

std::string_view isa_name(Isa isa);

/// True where this build holds kernels for `isa` and this processor can run them.
bool isa_available(Isa isa);

/// The set in force: the best available one, or what the environment variable FIRN_ISA names
/// (generic|neon|avx2|avx512|avx512bf16|avx512amx|naive). Throws Error(usage) when FIRN_ISA names an unknown
/// or absent set.
Isa selected_isa();

/// True where build and processor have AVX512-BF16's products of pairs.
bool has_bf16_pairs();

/// Which products layers make whose precision is bf16.
enum class Bf16Products {
  in_fp32,       ///< of the rounded numbers, by the kernels for fp32
  where_faster,  ///< by the processor's matrix unit (AMX, else pairs), where that is faster
  in_pairs,      ///< in pairs, wherever they fit
  by_tiles,      ///< in tiles, wherever they fit
};

/// `where_faster`, unless FIRN_ISA names a set: avx512bf16 is avx512 with `in_pairs`, avx512amx with
/// `by_tiles` (emulated by plain loops where the processor has none), every other one has `in_fp32`.
Bf16Products bf16_products();

/// One line for `doctor`: the set in force and why it was chosen.
std::string isa_reason();

/// The processor's own name, as the operating system tells it.
std::string cpu_name();

}  // namespace firn
