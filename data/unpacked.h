// What a file holds, unpacked where it is gzip, in memory or where memory is too small for it in a file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/file_reader.h"
#include "data/options.h"

namespace firn {

struct Unpacked {
  std::vector<std::byte> bytes;  ///< all of it
  FileReaderPtr file;            ///< null: it is in `bytes`; else it is there, and that is empty

  std::uint64_t size() const { return file ? file->size() : bytes.size(); }
};

/// What is more than `most` bytes stays in its file, or is unpacked piece by piece into one without a name in
/// `options.store`, which is said before. 0: all is in memory. Throws Error(data) as `read_maybe_gz` does.
Unpacked open_unpacked(const std::string& path, const DataOptions& options, std::uint64_t most);

/// The first bytes of what `path` holds, at most `most`; fewer where it has no more. Throws Error(data).
std::string beginning_of(const std::string& path, std::size_t most);

}  // namespace firn
