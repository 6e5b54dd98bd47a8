#include "tools/app/report/events.h"

#include <array>
#include <bit>

namespace firn::cli::report {

namespace {

constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value & 1 ? value >> 1 ^ 0x82F63B78u : value >> 1;
    table[i] = value;
  }
  return table;
}();

/// So that the sum of a record that holds sums stays telling.
std::uint32_t masked(std::uint32_t crc) {
  return std::rotr(crc, 15) + 0xA282EAD8u;
}

template <class Word>
std::string little_endian(Word word) {
  std::string out;
  for (std::size_t i = 0; i < sizeof(Word); ++i) out += static_cast<char>(word >> (8 * i) & 0xFF);
  return out;
}

// Fields of a protocol buffer: a key of number and wire type, then the value.
std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}
std::string key(int field, int wire_type) {
  return varint(static_cast<std::uint64_t>(field << 3 | wire_type));
}
std::string double_field(int field, double value) {
  return key(field, 1) + little_endian(std::bit_cast<std::uint64_t>(value));
}
std::string float_field(int field, float value) {
  return key(field, 5) + little_endian(std::bit_cast<std::uint32_t>(value));
}
std::string bytes_field(int field, std::string_view value) {
  return key(field, 2) + varint(value.size()) + std::string(value);
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0u;
  for (const char c : bytes) crc = kCrcTable[(crc ^ static_cast<std::uint8_t>(c)) & 0xFF] ^ crc >> 8;
  return ~crc;
}

EventFile::EventFile(double time) {
  record(double_field(1, time) + bytes_field(3, "brain.Event:2"));
}

void EventFile::scalar(std::string_view tag, std::int64_t step, double value, double time) {
  const std::string number = bytes_field(1, tag) + float_field(2, static_cast<float>(value));
  record(double_field(1, time) + key(2, 0) + varint(static_cast<std::uint64_t>(step)) +
         bytes_field(5, bytes_field(1, number)));
}

void EventFile::record(std::string_view event) {
  const std::string length = little_endian(std::uint64_t{event.size()});
  bytes_ += length + little_endian(masked(crc32c(length))) + std::string(event) +
            little_endian(masked(crc32c(event)));
}

}  // namespace firn::cli::report
