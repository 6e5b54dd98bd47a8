// The header of a safetensors file: JSON of one fixed form. Private to safetensors.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "engine/tensor/shape.h"

namespace firn::safetensors {

/// `other`: truth values, and integers that the engine does not hold.
enum class Dtype { f32, f16, bf16, f64, i32, i64, u8, other };

struct Entry {
  Dtype dtype = Dtype::f32;
  std::string_view dtype_name;  ///< of static storage
  Shape shape;
  std::uint64_t begin = 0;  ///< of the data, from the end of the header
  std::uint64_t end = 0;    ///< begin + elements * size of the dtype: checked
};

struct Header {
  std::map<std::string, Entry> entries;
  std::map<std::string, std::string> metadata;
};

/// Parses the header `text`. Throws Error(model_file) with the byte of the file (header bytes begin at 8) for
/// JSON that is none, a duplicate key, an unknown or missing field, a number that is negative, not whole or
/// too large, an unsupported dtype, a length that is not the shape's, and what else `read_safetensors`
/// promises.
Header parse_header(std::string_view text, const std::string& path);

/// Why `name` cannot be a tensor's; empty when it can.
std::string fault_of_name(std::string_view name);

}  // namespace firn::safetensors
