// The elements of a .npy file where they lie.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/real.h"
#include "engine/tensor/shape.h"

namespace firn {

/// An array whose header has been checked against the bytes that follow it. Keeps only a view of them.
class NpyArray {
 public:
  enum class Kind { number, whole, byte, boolean, text };

  /// Takes floats of 16, 32 and 64 bits, whole numbers of 8 to 64 bits, bool, and texts (U and S), in either
  /// byte order, in C and in Fortran order. Throws Error(data) on other types (Python objects are told what
  /// to do), more than six dimensions, a header that is not as NumPy writes it, bytes missing or left over.
  NpyArray(std::span<const std::byte> bytes, const std::string& path) : NpyArray(bytes, bytes.size(), path) {}
  /// Of a file of `file_bytes`, of which `bytes` may be the beginning alone, with the header in it: then
  /// there are no elements.
  NpyArray(std::span<const std::byte> bytes, std::uint64_t file_bytes, const std::string& path);

  const Shape& shape() const { return shape_; }
  Kind kind() const { return kind_; }
  /// Bytes of an element, and from the file's begin to the first.
  std::uint64_t size() const { return size_; }
  std::uint64_t offset() const { return offset_; }

  /// Whether the elements lie as samples are kept: bytes, bools, or floats of 32 bits in this machine's
  /// order, in C order.
  bool lies_as_kept() const;

  /// All elements in C order, as floats: not of texts. Numbers beyond a float's reach become infinite.
  std::vector<float> floats() const;
  std::vector<double> doubles() const;
  /// Whole numbers; those that fit no 64 bits with a sign become the largest that does.
  std::vector<std::int64_t> wholes() const;
  /// The same of bytes, bools, and whole numbers that all lie in 0 to 255 (`fits_bytes`).
  std::vector<std::uint8_t> bytes() const;
  bool fits_bytes() const;
  /// Calls `visit` with each element as a text: a number in the shortest way that reads back the same.
  void each_text(const std::function<void(const std::string&)>& visit) const;

 private:
  std::string text_at(const std::byte* at) const;

  std::span<const std::byte> elements_;
  Shape shape_;
  Kind kind_ = Kind::number;
  char type_ = 'f';  ///< f, i, u, b, U, S
  std::uint64_t size_ = 4, offset_ = 0;
  bool big_ = false, fortran_ = false;

  friend struct NpyElements;
};

}  // namespace firn
