// IDX, the format of MNIST and its kin (Y. LeCun, C. Cortes, C. Burges, yann.lecun.com/exdb/mnist).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/options.h"
#include "engine/base/bytes.h"

namespace firn {

/// An array of unsigned bytes, the one element type in use.
struct IdxArray {
  std::vector<Index> sizes;
  std::vector<std::uint8_t> values;
};

/// Magic 0 0 8 d, then d sizes of four bytes, then the values; all big-endian. Throws Error(data) on anything
/// else, on bytes missing or left over. `path` is named in errors.
IdxArray parse_idx(std::span<const std::byte> bytes, const std::string& path);

/// The sizes that a header of such a file states; `reader` stands behind it then. Throws Error(data).
std::vector<Index> parse_idx_header(ByteReader& reader);

/// The size of the whole file by its header; nothing where the bytes hold no header.
std::optional<std::uint64_t> idx_size(std::span<const std::byte> beginning);

/// A folder with pairs NAME-images-idx3-ubyte and NAME-labels-idx1-ubyte, each plain or .gz, where NAME holds
/// `train`, or `t10k` or `test`, or a word for validation (`part_named`), any of them; or one images file
/// beside its labels. Images (N,H,W) or (N,H,W,C). Labels
/// that do not begin at 0 are counted from their least, which a note says; the classes keep the numbers as
/// names unless `classes` are given.
DataParts open_idx(const std::string& path, const DataOptions& options, std::vector<std::string> classes);
DataParts open_idx(const std::string& path, const DataOptions& options);

/// Whether `path` is such a folder or file.
bool is_idx(const std::string& path);

}  // namespace firn
