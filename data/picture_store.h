// Pictures that are decoded once, into a file.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "data/file_reader.h"
#include "engine/base/real.h"

namespace firn {

/// Pictures of size × size × 3 bytes, one behind the other in a file.
struct StoredPictures {
  FileReaderPtr file;
  std::vector<std::size_t> good;  ///< the positions among the paths, and in the file, of those that were read
  std::vector<std::string> bad;   ///< what was wrong with each other one
};

/// To what a picture is brought (`resize_crop`).
struct PictureSize {
  Index size = 0;
  Index shorter = 0;
};

/// What such a file takes.
std::uint64_t stored_bytes(std::size_t count, Index size);

/// Decodes as `read_pictures` does, on all threads, a few MiB at a time, into a file in `folder`, which is
/// made, named by a hash of all paths, their sizes and times, and its pictures' size: where it is there
/// already nothing is decoded. A process that is killed leaves what it has done, and the next one goes on
/// behind it; a second one waits for the first. `say` is told how large the file will be before it is made,
/// and how far it is. Throws Error(failure) where there is no room, naming folder and bytes.
StoredPictures store_pictures(std::span<const std::string> paths, PictureSize size, const std::string& folder,
                              const std::function<void(const std::string&)>& say);

}  // namespace firn
