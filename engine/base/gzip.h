// Unpacks gzip.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/base/error.h"

namespace firn {

/// Whether the bytes begin as a gzip file does.
bool is_gzip(std::span<const std::byte> bytes);

/// What was packed; several members one after the other are joined, as gzip does. `path` is named in errors.
/// Throws Error(fault) on damaged or cut data, bytes after the end, or more than `cap` unpacked bytes.
std::vector<std::byte> gunzip(std::span<const std::byte> packed, std::uint64_t cap, Fault fault,
                              const std::string& path);

}  // namespace firn
