#include "layers/foreign/onnx_tensor.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "engine/base/atomic_file.h"
#include "engine/base/half.h"
#include "engine/base/printable.h"

namespace firn {

namespace {

constexpr Index kMostNumbers = Index{1} << 32;

enum OnnxType : std::int64_t {
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kBool = 9,
  kHalf = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kBfloat16 = 16
};

/// Bytes of an element; 0 for types that are not read.
Index bytes_of(std::int64_t type) {
  switch (type) {
    case kUint8:
    case kInt8:
    case kBool:
      return 1;
    case kUint16:
    case kInt16:
    case kHalf:
    case kBfloat16:
      return 2;
    case kFloat:
    case kInt32:
    case kUint32:
      return 4;
    case kInt64:
    case kDouble:
    case kUint64:
      return 8;
    default:
      return 0;
  }
}

template <class T>
T little_at(const std::byte* at) {
  static_assert(std::endian::native == std::endian::little);
  T value;
  std::memcpy(&value, at, sizeof(T));
  return value;
}

void add_raw(ForeignConstant& to, std::int64_t type, const std::byte* at) {
  const auto whole = [&](auto value) { to.wholes.push_back(static_cast<std::int64_t>(value)); };
  const auto number = [&](auto value) { to.reals.push_back(static_cast<real>(value)); };
  switch (type) {
    case kFloat:
      return number(little_at<float>(at));
    case kDouble:
      return number(little_at<double>(at));
    case kHalf:
      return number(half_number(little_at<std::uint16_t>(at)));
    case kBfloat16:
      return number(bfloat_number(little_at<std::uint16_t>(at)));
    case kUint8:
    case kBool:
      return whole(little_at<std::uint8_t>(at));
    case kInt8:
      return whole(little_at<std::int8_t>(at));
    case kUint16:
      return whole(little_at<std::uint16_t>(at));
    case kInt16:
      return whole(little_at<std::int16_t>(at));
    case kInt32:
      return whole(little_at<std::int32_t>(at));
    case kUint32:
      return whole(little_at<std::uint32_t>(at));
    default:
      return whole(little_at<std::int64_t>(at));
  }
}

}  // namespace

bool is_whole_onnx(std::int64_t type) {
  return type != kFloat && type != kDouble && type != kHalf && type != kBfloat16;
}

ForeignConstant OnnxTensors::read(ProtoReader tensor) {
  ForeignConstant constant;
  std::int64_t type = 0, location = 0;
  std::vector<std::int64_t> dims, int32s, int64s;
  std::vector<float> floats;
  std::vector<double> doubles;
  std::span<const std::byte> raw;
  bool has_raw = false;
  std::map<std::string, std::string> where;
  const ProtoReader begin = tensor;
  while (tensor.next()) {
    switch (tensor.field()) {
      case 1:
        tensor.wholes(dims);
        break;
      case 2:
        type = tensor.whole();
        break;
      case 4:
        tensor.floats(floats);
        break;
      case 5:
        tensor.wholes(int32s);
        break;
      case 7:
      case 11:
        tensor.wholes(int64s);
        break;
      case 8:
        constant.name = tensor.text();
        break;
      case 9:
        raw = tensor.bytes();
        has_raw = true;
        break;
      case 10:
        tensor.doubles(doubles);
        break;
      case 13: {
        ProtoReader entry = tensor.message();
        std::string key, value;
        while (entry.next()) (entry.field() == 1 ? key : value) = entry.text();
        where[key] = value;
        break;
      }
      case 14:
        location = tensor.whole();
        break;
      default:
        break;
    }
  }
  const std::string name = printable(constant.name.substr(0, 80));
  const Index size = bytes_of(type);
  if (size == 0) begin.fail(fmt::format("tensor {} is of type {}, which firn does not read", name, type));
  Index count = 1;
  for (const std::int64_t dim : dims) {
    if (dim < 0 || (dim > 0 && count > kMostNumbers / dim))
      begin.fail(fmt::format("tensor {} has a size of {}", name, dim));
    count *= dim;
    constant.sizes.push_back(dim);
  }
  if (dims.size() > 8) begin.fail(fmt::format("tensor {} has {} dimensions", name, dims.size()));
  constant.whole = is_whole_onnx(type);
  if (location == 1) {
    raw = external(begin, where);
    has_raw = true;
  }
  const auto want = [&](std::size_t held) {
    if (static_cast<Index>(held) != count)
      begin.fail(fmt::format("tensor {} holds {} numbers, its sizes say {}", name, held, count));
  };
  if (has_raw) {
    if (static_cast<Index>(raw.size()) != count * size)
      begin.fail(fmt::format("tensor {} holds {} bytes, its sizes say {}", name, raw.size(), count * size));
    for (Index i = 0; i < count; ++i) add_raw(constant, type, raw.data() + i * size);
    return constant;
  }
  if (type == kFloat) {
    want(floats.size());
    constant.reals.assign(floats.begin(), floats.end());
  } else if (type == kDouble) {
    want(doubles.size());
    constant.reals.assign(doubles.begin(), doubles.end());
  } else if (type == kHalf || type == kBfloat16) {  // their bits, not their values
    want(int32s.size());
    for (const std::int64_t bits : int32s) {
      const auto low = static_cast<std::uint16_t>(bits);
      constant.reals.push_back(type == kHalf ? half_number(low) : bfloat_number(low));
    }
  } else {
    std::vector<std::int64_t>& held = type == kInt64 || type == kUint64 || type == kUint32 ? int64s : int32s;
    want(held.size());
    constant.wholes = std::move(held);
  }
  return constant;
}

std::span<const std::byte> OnnxTensors::external(const ProtoReader& at,
                                                 const std::map<std::string, std::string>& where) {
  const auto found = where.find("location");
  const std::string name = found == where.end() ? "" : found->second;
  const std::string shown = printable(name.substr(0, 80));
  if (name.empty() || name == "." || name == ".." || name.find_first_of("/\\") != std::string::npos ||
      name.find('\0') != std::string::npos)
    at.fail(fmt::format("external data in '{}': firn reads plain files beside the network alone", shown));
  const std::filesystem::path file = std::filesystem::path(path_).parent_path() / name;
  std::error_code error;
  if (!files_.contains(name)) {
    if (!std::filesystem::is_regular_file(std::filesystem::symlink_status(file, error)))
      at.fail(fmt::format("external data in '{}', which is no plain file beside the network", shown));
    files_[name] = read_file(file.string(), Fault::model_file);
  }
  const std::vector<std::byte>& all = files_[name];
  const auto number = [&](const char* key, std::uint64_t usual) {
    const auto entry = where.find(key);
    if (entry == where.end()) return usual;
    std::uint64_t value = 0;
    const std::string& text = entry->second;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc{} || end != text.data() + text.size())
      at.fail(fmt::format("external data: its {} is no number", key));
    return value;
  };
  const std::uint64_t offset = number("offset", 0);
  if (offset > all.size())
    at.fail(fmt::format("external data begins at {} of the {} bytes of '{}'", offset, all.size(), shown));
  const std::uint64_t length = number("length", all.size() - offset);
  if (length > all.size() - offset)
    at.fail(fmt::format("external data reaches beyond the {} bytes of '{}'", all.size(), shown));
  return std::span(all).subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
}

}  // namespace firn
