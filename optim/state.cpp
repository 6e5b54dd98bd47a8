#include "optim/state.h"

#include <fmt/core.h>
#include <cmath>

#include <bit>
#include <charconv>
#include <cstring>

#include "engine/base/bytes.h"

namespace firn {

namespace {

constexpr std::string_view kValue = "state.";  // what metadata of single values begin with

static_assert(std::endian::native == std::endian::little, "lists are written as they lie in memory");

template <class T>
bool parse(const std::string& text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

/// Bytes behind a byte that is always there: a tensor has one element at least.
Tensor byte_tensor(std::span<const std::byte> bytes) {
  Tensor tensor(Shape{static_cast<Index>(bytes.size()) + 1}, DType::uint8);
  if (!bytes.empty()) std::memcpy(static_cast<std::byte*>(tensor.raw()) + 1, bytes.data(), bytes.size());
  return tensor;
}

}  // namespace

void StateWriter::number(std::string_view key, double value) const {
  to_->metadata[std::string(kValue) + prefix_ + std::string(key)] = fmt::format("{}", value);
}

void StateWriter::whole(std::string_view key, Index value) const {
  to_->metadata[std::string(kValue) + prefix_ + std::string(key)] = fmt::format("{}", value);
}

void StateWriter::text(std::string_view key, std::string_view value) const {
  tensor(key, byte_tensor(as_bytes(value)));
}

void StateWriter::numbers(std::string_view key, std::span<const double> values) const {
  tensor(key, byte_tensor(std::as_bytes(values)));
}

void StateWriter::tensor(std::string_view key, Tensor value) const {
  to_->tensors.push_back({prefix_ + std::string(key), std::move(value)});
}

void StateWriter::ranges(std::string_view key, const std::vector<UnitRange>& value) const {
  std::vector<double> ends;
  for (const UnitRange& range : value) {
    ends.push_back(static_cast<double>(range.first));
    ends.push_back(static_cast<double>(range.last));
  }
  numbers(key, ends);
}

StateReader::StateReader(SafeTensors from, std::string path) {
  auto content = std::make_shared<Content>();
  content->path = std::move(path);
  for (NamedTensor& item : from.tensors) content->tensors[item.name] = std::move(item.tensor);
  for (auto& [key, value] : from.metadata) {
    if (key.starts_with(kValue)) content->values[key.substr(kValue.size())] = std::move(value);
  }
  content_ = std::move(content);
}

StateReader StateReader::part(std::string_view part_name) const {
  return {content_, name(part_name) + "."};
}

void StateReader::fail(std::string_view key, std::string_view what) const {
  throw Error(Fault::model_file, "checkpoint", fmt::format("{}: {} {}", path(), name(key), what));
}

bool StateReader::has(std::string_view key) const {
  return content_->tensors.contains(name(key)) || content_->values.contains(name(key));
}

const std::string& StateReader::value(std::string_view key) const {
  const auto found = content_->values.find(name(key));
  if (found == content_->values.end()) fail(key, "is missing");
  return found->second;
}

double StateReader::number(std::string_view key) const {
  double number = 0;
  if (!parse(value(key), number)) fail(key, fmt::format("is no number: '{}'", value(key)));
  return number;
}

Index StateReader::whole(std::string_view key, Index low, Index high) const {
  Index number = 0;
  if (!parse(value(key), number)) fail(key, fmt::format("is no whole number: '{}'", value(key)));
  if (number < low || number > high) fail(key, fmt::format("is {}, not in {} to {}", number, low, high));
  return number;
}

const Tensor& StateReader::bytes(std::string_view key) const {
  const auto found = content_->tensors.find(name(key));
  if (found == content_->tensors.end()) fail(key, "is missing");
  const Tensor& tensor = found->second;
  if (tensor.type() != DType::uint8 || tensor.count() < 1) fail(key, "is no list of bytes");
  return tensor;
}

std::string StateReader::text(std::string_view key) const {
  const Tensor& tensor = bytes(key);
  return {static_cast<const char*>(tensor.raw()) + 1, static_cast<std::size_t>(tensor.count() - 1)};
}

std::vector<double> StateReader::numbers(std::string_view key) const {
  const Tensor& tensor = bytes(key);
  const auto size = static_cast<std::size_t>(tensor.count() - 1);
  if (size % sizeof(double) != 0) fail(key, fmt::format("is no list of numbers: {} bytes", size));
  std::vector<double> values(size / sizeof(double));
  if (size > 0) std::memcpy(values.data(), static_cast<const std::byte*>(tensor.raw()) + 1, size);
  return values;
}

std::vector<double> StateReader::numbers(std::string_view key, std::size_t count) const {
  std::vector<double> values = numbers(key);
  if (values.size() != count) fail(key, fmt::format("has {} numbers, not {}", values.size(), count));
  return values;
}

Tensor StateReader::tensor(std::string_view key, const Shape& shape) const {
  const auto found = content_->tensors.find(name(key));
  if (found == content_->tensors.end()) fail(key, "is missing");
  const Tensor& tensor = found->second;
  if (tensor.type() != DType::number || tensor.shape() != shape) {
    fail(key, fmt::format("is {}, not {}", tensor.shape().text(), shape.text()));
  }
  return tensor;
}

std::vector<UnitRange> StateReader::ranges(std::string_view key, Index size) const {
  const std::vector<double> ends = numbers(key);
  double least = 0;  // that the next end may be; ranges that touch would be one
  for (const double end : ends) {
    if (!(end >= least && end <= static_cast<double>(size) && end == std::floor(end))) {
      fail(key, "holds no sorted ranges");
    }
    least = end + 1;
  }
  if (ends.size() % 2 != 0) fail(key, "holds no sorted ranges");
  std::vector<UnitRange> result;
  for (std::size_t i = 0; i < ends.size(); i += 2) {
    result.push_back({static_cast<Index>(ends[i]), static_cast<Index>(ends[i + 1])});
  }
  return result;
}

}  // namespace firn
