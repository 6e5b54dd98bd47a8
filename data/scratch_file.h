// A file without a name, for what memory is too small for.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "data/file_reader.h"

namespace firn {

/// Its room is free again as soon as nobody reads it any more, however the process ends.
class ScratchFile {
 public:
  /// In `folder`, which is made; empty: here. Throws Error(failure) where there is no room for `bytes` bytes,
  /// naming folder and bytes.
  ScratchFile(const std::string& folder, std::uint64_t bytes);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  /// Behind what was written before. Throws Error(failure).
  void write(std::span<const std::byte> bytes);
  /// Of all that was written, once nothing more is; `called` is what errors name (empty: the file itself).
  FileReaderPtr reader(const std::string& called = {});

 private:
  std::string name_;
  int file_ = -1;
  std::uint64_t written_ = 0;
};

}  // namespace firn
