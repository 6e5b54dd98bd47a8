// NumPy's .npy (numpy.lib.format, versions 1 to 3), C order.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/options.h"
#include "engine/tensor/tensor.h"

namespace firn {

/// f4 and f8 give numbers, i1 i2 i4 i8 u2 u4 u8 give indices (which must fit 32 bits), u1 and b1 bytes;
/// either byte order. Throws Error(data) on anything else: other types, Fortran order, more than six
/// dimensions, a header that is not as NumPy writes it, bytes missing or left over. `path` is named in
/// errors.
Tensor parse_npy(std::span<const std::byte> bytes, const std::string& path);

/// The file of a tensor: numbers as <f4 (<f8 in the double build), indices as <i4, bytes as |u1.
std::vector<std::byte> format_npy(const Tensor& tensor);

/// Reads and, atomically, writes such a file.
Tensor load_npy(const std::string& path);
void save_npy(const std::string& path, const Tensor& tensor);

/// A folder with x.npy and y.npy, or with train_x.npy, train_y.npy, test_x.npy and test_y.npy; or a file
/// NAME_x.npy (or x.npy) beside NAME_y.npy. x is (N,F): vectors; (N,T,F) of numbers: sequences; (N,H,W) of
/// bytes: grey images; (N,H,W,C): images. Bytes of images are read as 0 to 1. y is (N) of whole numbers,
/// counted from the least.
DataParts open_npy(const std::string& path, const DataOptions& options);

/// Whether `path` is such a folder or file.
bool is_npy(const std::string& path);

}  // namespace firn
