// The archives that numpy.savez and savez_compressed write: zip archives of .npy files.
#pragma once

#include "engine/base/zip.h"

namespace firn {

inline const ZipRule kNpzRule = {.operation = "npz", .kind = ".npz", .member = "array", .ending = ".npy"};

}  // namespace firn
