#include "layers/foreign/protobuf_writer.h"

#include <bit>

#include "engine/base/bytes.h"

namespace firn {

namespace {

constexpr std::uint32_t kVarintField = 0, kCountedField = 2, kFixed32Field = 5;

}  // namespace

void ProtoWriter::varint(std::uint64_t value) {
  for (; value >= 128; value >>= 7) bytes_ += static_cast<char>((value & 127) | 128);
  bytes_ += static_cast<char>(value);
}

void ProtoWriter::key(std::uint32_t field, std::uint32_t kind) {
  varint(std::uint64_t{field} << 3 | kind);
}

ProtoWriter& ProtoWriter::whole(std::uint32_t field, std::int64_t value) {
  key(field, kVarintField);
  varint(static_cast<std::uint64_t>(value));
  return *this;
}

ProtoWriter& ProtoWriter::real32(std::uint32_t field, float value) {
  key(field, kFixed32Field);
  const auto bits = std::bit_cast<std::uint32_t>(value);
  for (int i = 0; i < 4; ++i) bytes_ += static_cast<char>(bits >> (8 * i) & 255);
  return *this;
}

ProtoWriter& ProtoWriter::bytes(std::uint32_t field, std::span<const std::byte> bytes) {
  return text(field, as_text(bytes));
}

ProtoWriter& ProtoWriter::text(std::uint32_t field, std::string_view text) {
  key(field, kCountedField);
  varint(text.size());
  bytes_ += text;
  return *this;
}

ProtoWriter& ProtoWriter::message(std::uint32_t field, const ProtoWriter& message) {
  return bytes(field, message.written());
}

}  // namespace firn
