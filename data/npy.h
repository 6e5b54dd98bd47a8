// NumPy's .npy (numpy.lib.format, versions 1 to 3).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/options.h"
#include "engine/tensor/tensor.h"

namespace firn {

/// f2, f4 and f8 give numbers, i1 i2 i4 i8 u2 u4 u8 give indices (which must fit 32 bits), u1 and b1 bytes;
/// what else is read and refused: see `NpyArray`. `path` is named in errors.
Tensor parse_npy(std::span<const std::byte> bytes, const std::string& path);

/// The file of a tensor: numbers as <f4 (<f8 in the double build), indices as <i4, bytes as |u1.
std::vector<std::byte> format_npy(const Tensor& tensor);

/// Reads and, atomically, writes such a file.
Tensor load_npy(const std::string& path);
void save_npy(const std::string& path, const Tensor& tensor);

/// A folder of arrays or a .npz archive (numpy.savez), in which names tell samples, labels, lengths and parts
/// (see `group_arrays`: x.npy and y.npy; x_train, y_train, x_test, y_test; photos and labels; ...); or the
/// .npy of the samples, with its labels beside it or in `options.labels_file`. What the dimensions stand for:
/// see `read_samples` and `read_labels`. Classes are sorted as numbers, or by name.
DataParts open_npy(const std::string& path, const DataOptions& options);

/// Whether `path` is such a folder or file.
bool is_npy(const std::string& path);

}  // namespace firn
