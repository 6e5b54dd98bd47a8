#include "layers/foreign/protobuf.h"

#include <fmt/core.h>

#include <bit>
#include <cstring>

namespace firn {

namespace {

constexpr int kMostVarint = 10;  // bytes

/// A number of `T`'s size, lowest byte first.
template <class T, class Bits>
T fixed(std::span<const std::byte> bytes) {
  Bits bits = 0;
  for (std::size_t i = 0; i < sizeof(Bits); ++i)
    bits |= static_cast<Bits>(std::to_integer<std::uint64_t>(bytes[i])) << (8 * i);
  return std::bit_cast<T>(bits);
}

}  // namespace

void ProtoReader::fail(const std::string& what) const {
  throw Error(Fault::model_file, operation_, path_, offset(), what);
}

std::span<const std::byte> ProtoReader::take(std::uint64_t count) {
  if (count > bytes_.size() - position_)
    fail("a field reaches beyond its message: the file is damaged or cut off");
  const auto part = bytes_.subspan(position_, static_cast<std::size_t>(count));
  position_ += static_cast<std::size_t>(count);
  return part;
}

std::uint64_t ProtoReader::varint() {
  std::uint64_t value = 0;
  for (int i = 0; i < kMostVarint; ++i) {
    const auto byte = std::to_integer<std::uint64_t>(take(1)[0]);
    value |= (byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) return value;
  }
  fail("a number does not end: the file is damaged");
}

bool ProtoReader::next() {
  if (open_) skip();
  if (position_ == bytes_.size()) return false;
  const std::uint64_t key = varint();
  const std::uint64_t kind = key & 7;
  field_ = static_cast<std::uint32_t>(key >> 3);
  if (key >> 3 == 0 || key >> 32 != 0 || (kind != 0 && kind != 1 && kind != 2 && kind != 5))
    fail("there is no field of this kind: the file is no protobuf, or damaged");
  kind_ = static_cast<Kind>(kind);
  open_ = true;
  return true;
}

void ProtoReader::skip() {
  open_ = false;
  switch (kind_) {
    case Kind::varint:
      varint();
      break;
    case Kind::fixed64:
      take(8);
      break;
    case Kind::counted:
      take(varint());
      break;
    case Kind::fixed32:
      take(4);
      break;
  }
}

void ProtoReader::want(Kind kind) {
  if (!open_ || kind_ != kind) fail(fmt::format("field {} is of another kind than the format says", field_));
  open_ = false;
}

std::int64_t ProtoReader::whole() {
  want(Kind::varint);
  return static_cast<std::int64_t>(varint());
}

float ProtoReader::real32() {
  want(Kind::fixed32);
  return fixed<float, std::uint32_t>(take(4));
}

std::span<const std::byte> ProtoReader::bytes() {
  want(Kind::counted);
  return take(varint());
}

std::string ProtoReader::text() {
  return std::string(as_text(bytes()));
}

ProtoReader ProtoReader::message() {
  const auto part = bytes();
  return {part, operation_, path_, offset() - part.size()};
}

void ProtoReader::wholes(std::vector<std::int64_t>& to) {
  if (kind_ == Kind::varint) return to.push_back(whole());
  ProtoReader packed = message();
  while (packed.position_ < packed.bytes_.size()) to.push_back(static_cast<std::int64_t>(packed.varint()));
}

void ProtoReader::floats(std::vector<float>& to) {
  if (kind_ == Kind::fixed32) return to.push_back(real32());
  ProtoReader packed = message();
  while (packed.position_ < packed.bytes_.size()) to.push_back(fixed<float, std::uint32_t>(packed.take(4)));
}

void ProtoReader::doubles(std::vector<double>& to) {
  if (kind_ == Kind::fixed64) {
    want(Kind::fixed64);
    return to.push_back(fixed<double, std::uint64_t>(take(8)));
  }
  ProtoReader packed = message();
  while (packed.position_ < packed.bytes_.size()) to.push_back(fixed<double, std::uint64_t>(packed.take(8)));
}

}  // namespace firn
