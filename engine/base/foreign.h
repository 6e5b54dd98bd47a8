// Files of others that are taken for weights or data by mistake, known by their first bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace firn {

/// What `ForeignFile::what` says of such a file.
inline constexpr std::string_view kOnnxModel = "an ONNX model";

struct ForeignFile {
  std::string what;    ///< "a PyTorch checkpoint (.pt, .pth)"
  std::string remedy;  ///< what to do where weights are wanted; empty: nothing is known
};

/// How many of a file's first bytes tell everything.
constexpr std::size_t kForeignBytes = 512;

/// What a file is whose first bytes (at most `kForeignBytes`) are these: pickles, HDF5, ONNX, TensorFlow,
/// GGUF, archives, compressed files, arrays, pictures, a page of HTML, a pointer of Git LFS, other text,
/// nothing at all. Nothing where they say nothing; safetensors are not told from that.
std::optional<ForeignFile> foreign_file(std::span<const std::byte> first);
/// The same of the file at `path`; nothing where it cannot be read.
std::optional<ForeignFile> foreign_file(const std::string& path);

}  // namespace firn
