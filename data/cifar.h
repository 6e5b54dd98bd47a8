// CIFAR-10's binary version (A. Krizhevsky 2009, www.cs.toronto.edu/~kriz/cifar.html).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/options.h"

namespace firn {

/// Images (N,32,32,3), interleaved, and their labels 0..9.
struct CifarImages {
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
};

/// Records of a label byte and 3 · 1024 bytes, plane after plane. Appends to `to`. Throws Error(data) unless
/// the bytes are one or more whole records with labels below 10; `path` is named in errors.
void parse_cifar10(std::span<const std::byte> bytes, const std::string& path, CifarImages& to);

/// A folder with data_batch_*.bin or test_batch.bin, or both, and batches.meta.txt (the ten class names)
/// where it is there; or one such .bin file.
DataParts open_cifar10(const std::string& path, const DataOptions& options);

/// Whether `path` is such a folder or file.
bool is_cifar10(const std::string& path);

}  // namespace firn
