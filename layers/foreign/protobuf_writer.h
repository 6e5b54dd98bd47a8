// Fields of a protobuf message, written one after the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace firn {

/// Appends fields; those of one message in the order of their numbers, as protobuf's own writers do.
///   ProtoWriter tensor; tensor.whole(1, 3).text(8, "weight"); graph.message(5, tensor);
/// Repeated numbers are written one by one ("not packed"), as the schema of ONNX says.
class ProtoWriter {
 public:
  ProtoWriter& whole(std::uint32_t field, std::int64_t value);
  ProtoWriter& real32(std::uint32_t field, float value);
  ProtoWriter& bytes(std::uint32_t field, std::span<const std::byte> bytes);
  ProtoWriter& text(std::uint32_t field, std::string_view text);
  ProtoWriter& message(std::uint32_t field, const ProtoWriter& message);

  std::span<const std::byte> written() const { return std::as_bytes(std::span(bytes_)); }

 private:
  void varint(std::uint64_t value);
  void key(std::uint32_t field, std::uint32_t kind);

  std::string bytes_;
};

}  // namespace firn
