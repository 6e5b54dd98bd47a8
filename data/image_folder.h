// Pictures in folders, one folder a class.
#pragma once

#include <string>

#include "data/dataset.h"
#include "data/options.h"

namespace firn {

/// `path`/CLASS/*.png|jpg|jpeg, or the same below `path`/train and `path`/val (or valid, validation, test).
/// Classes and files are sorted by name; files of other kinds are left out, which a note counts. Every
/// picture is RGB, scaled and cut to `options.size` (0: 64) as `resize_crop` does, and kept as bytes. Throws
/// Error(data) naming the pictures that cannot be read, and how many, unless `options.skip_bad`: then a note
/// names them.
DataParts open_image_folder(const std::string& path, const DataOptions& options);

/// Whether a folder below `path`, or below its train folder, holds a picture.
bool is_image_folder(const std::string& path);

/// Every image of a set scaled and cut to size × size, as bytes. Throws Error(usage) on a set that holds no
/// images of numbers from 0 to 1.
DatasetPtr resized(const Dataset& data, Index size);

}  // namespace firn
