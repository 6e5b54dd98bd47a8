// Pictures in folders, one folder a class.
#pragma once

#include <string>

#include "data/dataset.h"
#include "data/options.h"

namespace firn {

/// One folder a class, below `path` or below its folders of parts, told by their names in capitals or not
/// (`part_named`): path/CLASS/*, path/train/CLASS/*, path/val/CLASS/*, path/Test/CLASS/*. The parts that are
/// there are returned. Pictures in folders within a class belong to it. What systems leave behind
/// (`is_system_name`) is passed over, an empty class left out, a folder around the set entered, a folder
/// named train that holds pictures itself beside others is a class, and one named test or val that does is no
/// part, for want of labels: notes say so. Files that are no PNG or JPEG are left out and counted. Classes
/// and files are sorted by name. Every picture is RGB, scaled and cut to `options.size` (0: 64) as
/// `resize_crop` does, and kept as bytes.
///
/// Throws Error(data) naming the pictures that cannot be read, and how many, unless `options.skip_bad`: then
/// a note names them; and where the folders are no such set: pictures without folders, a class that training
/// does not have, that holds pictures of other kinds alone, or parts within a class.
DataParts open_image_folder(const std::string& path, const DataOptions& options);

/// Whether `path`, or a folder within, holds a picture.
bool is_image_folder(const std::string& path);

/// Every image of a set scaled and cut to size × size, as bytes. Throws Error(usage) on a set that holds no
/// images of numbers from 0 to 1.
DatasetPtr resized(const Dataset& data, Index size, Index shorter = 0);

}  // namespace firn
