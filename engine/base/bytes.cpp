#include "engine/base/bytes.h"

#include <fmt/core.h>

#include <limits>

namespace firn {

std::optional<std::uint64_t> checked_multiply(std::uint64_t a, std::uint64_t b) {
  if (b != 0 && a > std::numeric_limits<std::uint64_t>::max() / b) return {};
  return a * b;
}

std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) {
  if (a > std::numeric_limits<std::uint64_t>::max() - b) return {};
  return a + b;
}

std::span<const std::byte> ByteReader::take(std::uint64_t count) {
  if (count > remaining()) {
    fail(fmt::format("the file ends after {} of {} bytes that should follow", remaining(), count));
  }
  const auto taken = bytes_.subspan(offset_, count);
  offset_ += count;
  return taken;
}

void ByteReader::seek(std::uint64_t offset) {
  if (offset > bytes_.size()) fail(fmt::format("offset {} lies beyond the end at {}", offset, bytes_.size()));
  offset_ = offset;
}

std::string_view ByteReader::line() {
  if (at_end()) fail("the file ends where a line should follow");
  const std::string_view rest = as_text(bytes_.subspan(offset_));
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) {
    offset_ = bytes_.size();
    return rest;
  }
  offset_ += end + 1;
  const std::string_view text = rest.substr(0, end);
  return text.ends_with('\r') ? text.substr(0, end - 1) : text;
}

std::uint64_t ByteReader::multiply(std::uint64_t a, std::uint64_t b, std::string_view what) const {
  if (const auto product = checked_multiply(a, b)) return *product;
  fail(fmt::format("{}: {} times {} is too large", what, a, b));
}

std::uint64_t ByteReader::add(std::uint64_t a, std::uint64_t b, std::string_view what) const {
  if (const auto sum = checked_add(a, b)) return *sum;
  fail(fmt::format("{}: {} plus {} is too large", what, a, b));
}

void ByteReader::expect_end() const {
  if (!at_end()) fail(fmt::format("{} bytes too many", remaining()));
}

void ByteReader::fail_at(std::uint64_t offset, std::string_view message) const {
  throw Error(fault_, operation_, path_, offset, message);
}

}  // namespace firn
