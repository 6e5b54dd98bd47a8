#include "engine/kernels/kernels.h"

#include <fmt/core.h>

#include "engine/base/error.h"

namespace firn {

namespace naive {
extern const Kernels table;
}  // namespace naive
#ifndef FIRN_DOUBLE
#if defined(__aarch64__)
namespace neon {
extern const Kernels table;
}
#else
namespace generic {
extern const Kernels table;
}
#endif
#ifdef FIRN_WIDE_SETS
namespace avx2 {
extern const Kernels table;
}
namespace avx512 {
extern const Kernels table;
}  // namespace avx512
#endif
#endif

const Kernels& kernels(Isa isa) {
  if (!isa_available(isa)) {
    throw Error(Fault::usage, "kernels", fmt::format("this processor or build has no {}", isa_name(isa)));
  }
#ifndef FIRN_DOUBLE
#if defined(__aarch64__)
  if (isa == Isa::neon) return neon::table;
#else
  if (isa == Isa::generic) return generic::table;
#endif
#ifdef FIRN_WIDE_SETS
  if (isa == Isa::avx2) return avx2::table;
  if (isa == Isa::avx512) return avx512::table;
#endif
#endif
  return naive::table;
}

const Kernels& kernels() {
  static const Kernels& selected = kernels(selected_isa());
  return selected;
}

}  // namespace firn
