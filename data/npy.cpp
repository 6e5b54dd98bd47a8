#include "data/npy.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>

#include "data/npy_array.h"
#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"

namespace firn {

namespace {

constexpr std::string_view kNpyFile = "npy";
constexpr std::string_view kMagic = "\x93NUMPY";

/// The whole numbers of an array as indices.
Tensor read_indices(const NpyArray& array, const std::string& path) {
  Tensor tensor(array.shape(), DType::int32);
  std::int32_t* to = tensor.indices();
  std::uint64_t offset = array.offset();
  for (const std::int64_t value : array.wholes()) {
    if (!std::in_range<std::int32_t>(value)) {
      throw Error(Fault::data, kNpyFile, path, offset, fmt::format("{} does not fit 32 bits", value));
    }
    *to++ = static_cast<std::int32_t>(value);
    offset += array.size();
  }
  return tensor;
}

}  // namespace

Tensor parse_npy(std::span<const std::byte> bytes, const std::string& path) {
  const NpyArray array(bytes, path);
  switch (array.kind()) {
    case NpyArray::Kind::number: {
      Tensor tensor(array.shape());
      const std::vector<double> values = array.doubles();
      std::transform(values.begin(), values.end(), tensor.data(),
                     [](double v) { return static_cast<real>(v); });
      return tensor;
    }
    case NpyArray::Kind::whole:
      return read_indices(array, path);
    case NpyArray::Kind::byte:
    case NpyArray::Kind::boolean: {
      Tensor tensor(array.shape(), DType::uint8);
      const std::vector<std::uint8_t> values = array.bytes();
      std::copy(values.begin(), values.end(), static_cast<std::uint8_t*>(tensor.raw()));
      return tensor;
    }
    case NpyArray::Kind::text:
      break;
  }
  throw Error(Fault::data, kNpyFile, fmt::format("{}: holds texts, want numbers", path));
}

std::vector<std::byte> format_npy(const Tensor& tensor) {
  static_assert(std::endian::native == std::endian::little, "the elements are written as they lie in memory");
  const std::string_view descr = tensor.type() == DType::int32   ? "<i4"
                                 : tensor.type() == DType::uint8 ? "|u1"
                                 : sizeof(real) == 4             ? "<f4"
                                                                 : "<f8";
  const auto sizes = tensor.shape().sizes();
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", descr,
                                   fmt::join(sizes, ", "), sizes.size() == 1 ? "," : "");
  // Magic, version and length take ten bytes; the elements begin at a multiple of 64.
  constexpr std::size_t kBefore = 10;
  constexpr std::size_t kAlign = 64;
  header.append((kAlign - (kBefore + header.size() + 1) % kAlign) % kAlign, ' ');
  header += '\n';

  std::string text(kMagic);
  text += {'\x01', '\x00', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  text += header;
  std::vector<std::byte> bytes(text.size() + static_cast<std::size_t>(tensor.bytes()));
  std::copy_n(as_bytes(text).data(), text.size(), bytes.data());
  std::copy_n(static_cast<const std::byte*>(tensor.raw()), static_cast<std::size_t>(tensor.bytes()),
              bytes.data() + text.size());
  return bytes;
}

Tensor load_npy(const std::string& path) {
  return parse_npy(read_maybe_gz(path), path);
}

void save_npy(const std::string& path, const Tensor& tensor) {
  const std::vector<std::byte> bytes = format_npy(tensor);
  atomic_write(path, [&bytes](FileWriter& out) { out.write(bytes); });
}

}  // namespace firn
