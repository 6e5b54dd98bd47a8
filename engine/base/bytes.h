// The one checked reader of bytes: every parser of files goes through it.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "engine/base/error.h"

namespace firn {

/// a · b and a + b, or nothing on overflow.
std::optional<std::uint64_t> checked_multiply(std::uint64_t a, std::uint64_t b);
std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b);

/// The bytes of a text and the text of bytes.
inline std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Reads bytes from front to back. Every reading member throws Error(fault, operation, path, offset, ...)
/// instead of reading past the end. Does not own the bytes.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, Fault fault, std::string operation, std::string path)
      : bytes_(bytes), fault_(fault), operation_(std::move(operation)), path_(std::move(path)) {}

  std::uint64_t offset() const { return offset_; }
  std::uint64_t remaining() const { return bytes_.size() - offset_; }
  bool at_end() const { return remaining() == 0; }
  const std::string& path() const { return path_; }

  /// The next `count` bytes.
  std::span<const std::byte> take(std::uint64_t count);
  void skip(std::uint64_t count) { take(count); }
  /// Goes on reading at `offset`, which must lie within the bytes.
  void seek(std::uint64_t offset);
  /// The next line without its end ("\n" or "\r\n"); the last one may lack it.
  std::string_view line();

  /// A number of any size, most significant or least significant byte first.
  template <class T>
  requires std::integral<T> || std::floating_point<T> T big() {
    return number<T>(std::endian::native != std::endian::big);
  }
  template <class T>
  requires std::integral<T> || std::floating_point<T> T little() {
    return number<T>(std::endian::native != std::endian::little);
  }

  /// a · b and a + b; throw on overflow, with `what` in the message.
  std::uint64_t multiply(std::uint64_t a, std::uint64_t b, std::string_view what) const;
  std::uint64_t add(std::uint64_t a, std::uint64_t b, std::string_view what) const;

  /// Throws unless all bytes were read.
  void expect_end() const;
  [[noreturn]] void fail(std::string_view message) const { fail_at(offset_, message); }
  [[noreturn]] void fail_at(std::uint64_t offset, std::string_view message) const;

 private:
  template <class T>
  T number(bool swap) {
    std::byte raw[sizeof(T)];
    std::memcpy(raw, take(sizeof(T)).data(), sizeof(T));
    if (swap) {
      for (std::size_t i = 0; i < sizeof(T) / 2; ++i) std::swap(raw[i], raw[sizeof(T) - 1 - i]);
    }
    T value;
    std::memcpy(&value, raw, sizeof(T));
    return value;
  }

  std::span<const std::byte> bytes_;
  std::uint64_t offset_ = 0;
  Fault fault_;
  std::string operation_;
  std::string path_;
};

}  // namespace firn
