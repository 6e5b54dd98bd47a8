#include "data/file_set.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
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

void check_rows(const DataInfo& info, const FileRows& rows, const std::vector<std::int32_t>& labels) {
  check_labelled(info, 0, 0, labels);
  const auto row = static_cast<std::uint64_t>(info.shape.count());
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
  check_rows(info, pixels, labels);
  return std::make_shared<FileImages>(std::move(info), std::move(pixels), std::move(labels), white);
}

}  // namespace firn
