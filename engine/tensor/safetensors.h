// Weights on disk: the safetensors format, read as if every file were hostile.
// https://huggingface.co/docs/safetensors: 8 bytes little-endian length of the header, the header (JSON),
// the data of all tensors without gap or overlap.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tensor/tensor.h"

namespace firn {

/// A tensor under a dotted name (`conv1.weight`).
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// A tensor of a file that no `Tensor` can hold.
struct UnreadTensor {
  std::string name;
  std::string why;  ///< "is of dtype BOOL"
};

/// What a safetensors file holds.
struct SafeTensors {
  std::vector<NamedTensor> tensors;             ///< in the order of their data
  std::map<std::string, std::string> metadata;  ///< the entry `__metadata__`, but for the file's SHA-256
  std::vector<UnreadTensor> unread = {};        ///< never written
  bool sealed = false;                          ///< the file carries a SHA-256 of itself, which is right
};

/// Reads a file that lies in memory; `path` is only named in errors. F32, F16, BF16 and F64 become `real`,
/// I32 and I64 `index`, U8 `byte`; shapes are the file's (at most six dimensions). What is BOOL, of other
/// integers or holds an I64 beyond 32 bits goes to `unread`.
/// Everything but the SHA-256 is checked before a tensor is allocated. Throws Error(model_file), with the
/// path and the byte where reading stood, for anything that the format does not allow (saying what a file of
/// another kind is), and for another dtype, a name that is empty or holds control characters or "..", a
/// header over 100 MB, a string in it over 1 MiB, more than 16,384 tensors and metadata entries, or a SHA-256
/// in the metadata that is not the file's.
SafeTensors read_safetensors(std::span<const std::byte> bytes, std::string_view path);

/// Reads the file at `path`, with never more than the header and the tensors themselves in memory.
/// Throws as `read_safetensors` does, and Error(model_file) where there is no such file.
SafeTensors load_safetensors(const std::string& path);

/// The file's bytes: tensors in the given order; `real` as F32 (F64 in the double build), `index` as I32,
/// `byte` as U8; in the metadata there is always `"format":"pt"` and a SHA-256 of the whole file; the header
/// is padded with spaces to 8 bytes. Throws Error(usage) for a name that could not be read back or is there
/// twice, and for text that is not UTF-8.
std::vector<std::byte> write_safetensors(std::span<const NamedTensor> tensors,
                                         const std::map<std::string, std::string>& metadata = {});

/// Writes the same to `path`, which holds either the old file or the whole new one at any time.
/// Throws as `write_safetensors` does, and Error(failure) where the file cannot be written.
void save_safetensors(const std::string& path, std::span<const NamedTensor> tensors,
                      const std::map<std::string, std::string>& metadata = {});

}  // namespace firn
