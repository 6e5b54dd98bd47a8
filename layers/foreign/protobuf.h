// Fields of a protobuf message, read as if every file were hostile. The format is so small (a key, then a
// number or counted bytes: protobuf.dev/programming-guides/encoding) that no library is needed for reading.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/base/bytes.h"

namespace firn {

/// The fields of one message, one after the other:
///   ProtoReader message(bytes, "onnx", path);
///   while (message.next()) switch (message.field()) { case 1: ... message.bytes() ... }
/// A field that nobody asks for is passed over. Every member throws Error(model_file) with path and offset in
/// the file instead of reading past the message, and for a field of another kind than is asked for.
class ProtoReader {
 public:
  /// `at`: where `bytes` begin in the file.
  ProtoReader(std::span<const std::byte> bytes, std::string operation, std::string path, std::uint64_t at = 0)
      : bytes_(bytes), operation_(std::move(operation)), path_(std::move(path)), at_(at) {}

  /// Goes to the next field; false behind the last.
  bool next();
  std::uint32_t field() const { return field_; }

  std::int64_t whole();
  float real32();
  std::span<const std::byte> bytes();
  std::string text();
  ProtoReader message();
  /// Appends the field's numbers: one, or many in a row ("packed").
  void wholes(std::vector<std::int64_t>& to);
  void floats(std::vector<float>& to);
  void doubles(std::vector<double>& to);

  [[noreturn]] void fail(const std::string& what) const;
  std::uint64_t offset() const { return at_ + position_; }

 private:
  enum class Kind { varint = 0, fixed64 = 1, counted = 2, fixed32 = 5 };
  std::uint64_t varint();
  std::span<const std::byte> take(std::uint64_t count);
  void want(Kind kind);
  void skip();

  std::span<const std::byte> bytes_;
  std::string operation_, path_;
  std::uint64_t at_;
  std::size_t position_ = 0;
  std::uint32_t field_ = 0;
  Kind kind_ = Kind::varint;
  bool open_ = false;  ///< the field's value is still to be read
};

}  // namespace firn
