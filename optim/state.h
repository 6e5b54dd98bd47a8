// Named values in a safetensors file: what a run has to remember beside its weights.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/graph/trainable_ranges.h"
#include "engine/tensor/safetensors.h"

namespace firn {

/// Adds values to a file in the making. Names are unique within a part; single values become metadata, texts
/// and lists tensors of bytes (little-endian), so that every bit comes back.
class StateWriter {
 public:
  /// `to` must outlive the writer and its parts.
  explicit StateWriter(SafeTensors& to) : to_(&to) {}

  /// The values of one thing, under its name: "policy" and "front" make "policy.front".
  StateWriter part(std::string_view name) const { return {*to_, prefix_ + std::string(name) + "."}; }

  void number(std::string_view key, double value) const;
  void whole(std::string_view key, Index value) const;
  void flag(std::string_view key, bool value) const { whole(key, value ? 1 : 0); }
  void text(std::string_view key, std::string_view value) const;
  void numbers(std::string_view key, std::span<const double> values) const;
  void tensor(std::string_view key, Tensor value) const;
  void ranges(std::string_view key, const std::vector<UnitRange>& value) const;

 private:
  StateWriter(SafeTensors& to, std::string prefix) : to_(&to), prefix_(std::move(prefix)) {}

  SafeTensors* to_;
  std::string prefix_;
};

/// Reads them back. What is missing, of another kind or out of range throws Error(model_file) with the path
/// and the value's name.
class StateReader {
 public:
  StateReader(SafeTensors from, std::string path);

  StateReader part(std::string_view name) const;
  const std::string& path() const { return content_->path; }

  bool has(std::string_view key) const;
  double number(std::string_view key) const;
  /// low <= value <= high
  Index whole(std::string_view key, Index low, Index high) const;
  bool flag(std::string_view key) const { return whole(key, 0, 1) == 1; }
  std::string text(std::string_view key) const;
  std::vector<double> numbers(std::string_view key) const;
  /// So many numbers.
  std::vector<double> numbers(std::string_view key, std::size_t count) const;
  /// Real numbers of this shape.
  Tensor tensor(std::string_view key, const Shape& shape) const;
  /// Sorted ranges of [0, size).
  std::vector<UnitRange> ranges(std::string_view key, Index size) const;

  [[noreturn]] void fail(std::string_view key, std::string_view what) const;

 private:
  struct Content {
    std::map<std::string, Tensor, std::less<>> tensors;
    std::map<std::string, std::string, std::less<>> values;
    std::string path;
  };
  StateReader(std::shared_ptr<const Content> content, std::string prefix)
      : content_(std::move(content)), prefix_(std::move(prefix)) {}
  std::string name(std::string_view key) const { return prefix_ + std::string(key); }
  const std::string& value(std::string_view key) const;
  const Tensor& bytes(std::string_view key) const;

  std::shared_ptr<const Content> content_;
  std::string prefix_;
};

}  // namespace firn
