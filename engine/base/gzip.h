// Unpacks gzip.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.h"

namespace firn {

/// Whether the bytes begin as a gzip file does.
bool is_gzip(std::span<const std::byte> bytes);

/// Unpacks from front to back; several members one after the other are joined, as gzip does.
class GzipReader {
 public:
  /// The next packed bytes, which are good until it is asked again; none at the end.
  using More = std::function<std::span<const std::byte>()>;
  /// `path` is named in errors.
  GzipReader(More more, Fault fault, std::string path);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  /// Fills `to` with the next unpacked bytes and says how many they are: fewer only at the end. Throws
  /// Error(fault) on damaged or cut data and on bytes after the end.
  std::size_t read(std::span<std::byte> to);
  /// Whether the end was reached.
  bool ended() const { return ended_; }
  /// Throws Error(fault) with the place in the packed bytes.
  [[noreturn]] void fail(std::string_view what) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  More more_;
  Fault fault_;
  std::string path_;
  std::span<const std::byte> packed_;
  std::uint64_t taken_ = 0;
  bool ended_ = false;
};

/// Unpacked bytes that so many packed ones of texts and tables may come to: seldom do they shrink to less
/// than a twentieth, and what would fill the disk is refused.
std::uint64_t most_unpacked(std::uint64_t packed);

/// What the beginning of unpacked bytes says of the size of all: nothing where it does not say.
using SizePromise = std::function<std::optional<std::uint64_t>(std::span<const std::byte> beginning)>;

/// What was packed, as `GzipReader` reads it. `promise` is asked after the first 64 KiB, and no more memory
/// is taken than it says. Throws Error(fault) on damaged or cut data, bytes after the end, more than `cap` or
/// than the promised unpacked bytes.
std::vector<std::byte> gunzip(std::span<const std::byte> packed, std::uint64_t cap, Fault fault,
                              const std::string& path, const SizePromise& promise = {});

}  // namespace firn
