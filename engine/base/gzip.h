// Unpacks gzip.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/error.h"

namespace firn {

/// Whether the bytes begin as a gzip file does.
bool is_gzip(std::span<const std::byte> bytes);

/// What the beginning of unpacked bytes says of the size of all: nothing where it does not say.
using SizePromise = std::function<std::optional<std::uint64_t>(std::span<const std::byte> beginning)>;

/// What was packed; several members one after the other are joined, as gzip does. `path` is named in errors.
/// `promise` is asked after the first 64 KiB, and no more memory is taken than it says. Throws Error(fault)
/// on damaged or cut data, bytes after the end, more than `cap` or than the promised unpacked bytes.
std::vector<std::byte> gunzip(std::span<const std::byte> packed, std::uint64_t cap, Fault fault,
                              const std::string& path, const SizePromise& promise = {});

}  // namespace firn
