// Whole files: read with checks, written so that a crash at any moment leaves the old one or the new one.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/gzip.h"

namespace firn {

constexpr std::uint64_t kMaxFile = std::uint64_t{1}
                                   << 32;  ///< 4 GiB, more than any file that firn reads whole

/// All bytes of a regular file. Throws Error(fault) when it is missing, no regular file, not readable, larger
/// than `cap`, or changed its size meanwhile.
std::vector<std::byte> read_file(const std::string& path, Fault fault = Fault::data,
                                 std::uint64_t cap = kMaxFile);

/// The same, unpacked where the file is gzip (told by its first bytes); `cap` holds for both sizes. Without a
/// `promise` of the unpacked size at most 64 MiB and 32 times the packed size are unpacked.
std::vector<std::byte> read_maybe_gz(const std::string& path, Fault fault = Fault::data,
                                     std::uint64_t cap = kMaxFile, const SizePromise& promise = {});

/// Thrown where nobody reads any more what is written: no fault, and nothing to be said about it. It takes
/// that SIGPIPE is ignored.
struct ClosedPipe {};

/// Writes all of it. Throws Error(failure) with `name` when the disk is full or the file too large (of a
/// limit by the shell only where SIGXFSZ is ignored), and ClosedPipe.
void write_all(int file, std::span<const std::byte> bytes, std::string_view name);

/// Where `atomic_write` lets its caller write; throws what `write_all` throws.
class FileWriter {
 public:
  FileWriter(int file, const std::string& path) : file_(file), path_(path) {}
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);

 private:
  int file_;
  const std::string& path_;
};

/// Replaces `path` (or what it links to) by what `writer` writes: a temporary file in the same folder, fsync,
/// rename, fsync of the folder. The file keeps its mode and owner; where only its owner could keep the owner
/// it is overwritten in place, once everything is there. What is no regular file is written into, see
/// `write_place`. Throws Error(failure), ClosedPipe, or what `writer` throws; then the old file is as it was
/// and no temporary one is left.
void atomic_write(const std::string& path, const std::function<void(FileWriter&)>& writer);
void atomic_write(const std::string& path, std::string_view text);

}  // namespace firn
