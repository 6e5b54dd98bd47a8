#include "engine/tensor/safetensors_seal.h"

#include <cstdint>

#include "engine/base/bytes.h"

namespace firn::safetensors {

namespace {

// As it stands in a header: within a string the quote would have a backslash before it.
constexpr std::string_view kMark = ":\"firn-sha256:";

}  // namespace

std::string open_seal() {
  return std::string(kMark.substr(2)) + std::string(kSealDigits, '0');
}

std::optional<std::size_t> find_seal(std::string_view header) {
  const std::size_t mark = header.find(kMark);
  if (mark == std::string_view::npos) return std::nullopt;
  const std::size_t digits = mark + kMark.size();
  const std::string_view rest = header.substr(digits);
  if (rest.find_first_not_of("0123456789abcdef") != kSealDigits || rest[kSealDigits] != '"')
    return std::nullopt;
  return digits;
}

void begin_seal(Sha256& hash, std::string_view header, std::size_t digits) {
  const std::uint64_t length = header.size();
  hash.update(std::as_bytes(std::span(&length, 1)));
  hash.update(as_bytes(header.substr(0, digits)));
  hash.update(as_bytes(std::string(kSealDigits, '0')));
  hash.update(as_bytes(header.substr(digits + kSealDigits)));
}

}  // namespace firn::safetensors
