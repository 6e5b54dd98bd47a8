// The header of a .npy file (numpy.lib.format, versions 1 to 3).
#pragma once

#include <string>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/real.h"

namespace firn {

struct NpyHeader {
  std::string descr;  ///< "<f4"
  bool fortran = false;
  std::vector<Index> sizes;  ///< at most six
};

/// Reads up to the first element. Throws Error(data) with the offset on what is not as NumPy writes it.
NpyHeader read_npy_header(ByteReader& reader);

}  // namespace firn
