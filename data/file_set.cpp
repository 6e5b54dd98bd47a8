#include "data/file_set.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "engine/base/error.h"

namespace firn {

namespace {

/// A row's bytes are read into the end of the numbers that they become: no further memory.
class FileImages : public Labelled {
 public:
  FileImages(DataInfo info, FileRows rows, std::vector<std::int32_t> labels, int white)
      : Labelled(std::move(info), std::move(labels)), rows_(std::move(rows)) {
    for (std::size_t b = 0; b < value_.size(); ++b)
      value_[b] = static_cast<real>(b) / static_cast<real>(white);
  }
  void fill_numbers(Index i, std::span<real> to) const override {
    const std::span<std::byte> bytes = std::as_writable_bytes(to).last(to.size());
    const std::uint64_t row =
        rows_.rows.empty() ? static_cast<std::uint64_t>(i) : rows_.rows[static_cast<std::size_t>(i)];
    rows_.file->read(rows_.offset + row * bytes.size(), bytes);
    // Number k covers no byte that is still to be read.
    for (std::size_t k = 0; k < to.size(); ++k) to[k] = value_[std::to_integer<std::size_t>(bytes[k])];
  }

 private:
  FileRows rows_;
  std::array<real, 256> value_{};
};

/// Floats are read into the end of the numbers that they become, likewise.
class FileNumbers : public Labelled {
 public:
  FileNumbers(DataInfo info, FileRows rows, Index row, std::vector<Index> lengths,
              std::vector<std::int32_t> labels, Places places)
      : Labelled(std::move(info), std::move(labels), std::move(places)),
        rows_(std::move(rows)),
        row_(static_cast<std::size_t>(row)),
        lengths_(std::move(lengths)) {}
  Index length(Index i) const override {
    const Shape& shape = this->info().shape;
    if (!lengths_.empty()) return lengths_[static_cast<std::size_t>(i)];
    return static_cast<Index>(row_) / shape.count_from(1);
  }
  void fill_numbers(Index i, std::span<real> to) const override {
    const std::span<std::byte> bytes = std::as_writable_bytes(to).last(row_ * sizeof(float));
    rows_.file->read(rows_.offset + static_cast<std::uint64_t>(i) * bytes.size(), bytes);
    const auto own = static_cast<std::size_t>(length(i) * info().shape.count_from(1));
    for (std::size_t k = 0; k < own; ++k) {
      float value = 0;
      std::memcpy(&value, bytes.data() + k * sizeof value, sizeof value);
      to[k] = static_cast<real>(value);
    }
    std::fill(to.begin() + static_cast<std::ptrdiff_t>(own), to.end(), real(0));
  }

 private:
  FileRows rows_;
  std::size_t row_;  // numbers of a sample in the file
  std::vector<Index> lengths_;
};

void check_rows(const DataInfo& info, const FileRows& rows, std::uint64_t row,
                const std::vector<std::int32_t>& labels) {
  check_labelled(info, 0, 0, labels);
  std::uint64_t last = labels.size();
  if (!rows.rows.empty()) {
    if (rows.rows.size() != labels.size())
      throw Error(Fault::usage, "data",
                  fmt::format("{}: {} rows, {} labels", info.name, rows.rows.size(), labels.size()));
    last = std::uint64_t{1} + *std::max_element(rows.rows.begin(), rows.rows.end());
  }
  if (rows.file->size() < rows.offset + last * row) {
    throw Error(Fault::usage, "data",
                fmt::format("{}: {} bytes, {} samples of {} need {} behind the first {}", rows.file->path(),
                            rows.file->size(), last, info.shape.text(), last * row, rows.offset));
  }
}

}  // namespace

DatasetPtr make_file_images(DataInfo info, FileRows pixels, std::vector<std::int32_t> labels, int white) {
  check_rows(info, pixels, static_cast<std::uint64_t>(info.shape.count()), labels);
  return std::make_shared<FileImages>(std::move(info), std::move(pixels), std::move(labels), white);
}

DatasetPtr make_file_numbers(DataInfo info, FileRows numbers, Index row, std::vector<Index> lengths,
                             std::vector<std::int32_t> labels, Places places) {
  check_rows(info, numbers, static_cast<std::uint64_t>(row) * sizeof(float), labels);
  return std::make_shared<FileNumbers>(std::move(info), std::move(numbers), row, std::move(lengths),
                                       std::move(labels), std::move(places));
}

}  // namespace firn
