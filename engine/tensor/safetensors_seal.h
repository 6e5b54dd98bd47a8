// The SHA-256 that a file of firn carries in its own header. Private to safetensors.cpp.
//
// It stands in the metadata, "firn.sha256":"firn-sha256:" and 64 hex digits, and covers the length, the
// header with zeros in the place of these digits, and the data.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/sha256.h"

namespace firn::safetensors {

constexpr const char* kSealKey = "firn.sha256";
constexpr std::size_t kSealDigits = 64;

/// The metadata's value before the sum is known.
std::string open_seal();

/// Where the digits stand in the text of a header; nothing where it has no seal, under whatever key.
std::optional<std::size_t> find_seal(std::string_view header);

/// The hash of length and header, digits zeroed, to be gone on with by the data.
void begin_seal(Sha256& hash, std::string_view header, std::size_t digits);

}  // namespace firn::safetensors
