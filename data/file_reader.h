// A file that is read piece by piece, where it would not fit into memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace firn {

/// Reads by position and maps nothing, so that what was read is no part of the process: the system keeps it
/// as long as it has memory to spare.
class FileReader {
 public:
  /// Throws Error(data) where `path` is missing, unreadable or no regular file.
  explicit FileReader(const std::string& path);
  /// An open file, which becomes its own; `path` is what it is called.
  FileReader(int file, std::string path);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  const std::string& path() const { return path_; }
  std::uint64_t size() const { return size_; }
  /// Fills `to` with what lies `offset` bytes behind the file's begin. For any number of threads; allocates
  /// nothing. Throws Error(data) where the file has become shorter or the disk fails.
  void read(std::uint64_t offset, std::span<std::byte> to) const;
  /// The same for small pieces, of which a thread reads many one behind the other: those come out of one
  /// larger read, which may be of a moment before.
  void read_on(std::uint64_t offset, std::span<std::byte> to) const;
  /// Tells it from all others of this process.
  std::uint64_t id() const { return id_; }

 private:
  std::string path_;
  int file_ = -1;
  std::uint64_t size_ = 0, id_ = 0;
};

using FileReaderPtr = std::shared_ptr<const FileReader>;

}  // namespace firn
