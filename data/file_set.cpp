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
void read_floats(const FileReader& file, std::uint64_t offset, std::span<real> to) {
  const std::span<std::byte> bytes = std::as_writable_bytes(to).last(to.size() * sizeof(float));
  file.read(offset, bytes);
  for (std::size_t k = 0; k < to.size(); ++k) {
    float value = 0;
    std::memcpy(&value, bytes.data() + k * sizeof value, sizeof value);
    to[k] = static_cast<real>(value);
  }
}

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
    const auto own = static_cast<std::size_t>(length(i) * info().shape.count_from(1));
    read_floats(*rows_.file, rows_.offset + static_cast<std::uint64_t>(i) * row_ * sizeof(float),
                to.first(own));
    std::fill(to.begin() + static_cast<std::ptrdiff_t>(own), to.end(), real(0));
  }

 private:
  FileRows rows_;
  std::size_t row_;  // numbers of a sample in the file
  std::vector<Index> lengths_;
};

/// Samples of different lengths, one behind the other.
class FileSequences : public Labelled {
 public:
  FileSequences(DataInfo info, FileReaderPtr values, std::vector<Index> starts,
                std::vector<std::int32_t> labels, Places places)
      : Labelled(std::move(info), std::move(labels), std::move(places)),
        values_(std::move(values)),
        starts_(std::move(starts)) {}
  Index length(Index i) const override { return start(i + 1) - start(i); }
  void fill_numbers(Index i, std::span<real> to) const override {
    const Index step = info().shape[1];
    const auto own = static_cast<std::size_t>(length(i) * step);
    read_floats(*values_, static_cast<std::uint64_t>(start(i) * step) * sizeof(float), to.first(own));
    std::fill(to.begin() + static_cast<std::ptrdiff_t>(own), to.end(), real(0));
  }

 private:
  Index start(Index i) const { return starts_[static_cast<std::size_t>(i)]; }

  FileReaderPtr values_;
  std::vector<Index> starts_;
};

class FileTokens : public Labelled {
 public:
  FileTokens(DataInfo info, FileReaderPtr tokens, std::vector<std::int32_t> order, std::vector<Index> starts,
             std::vector<std::int32_t> labels)
      : Labelled(std::move(info), std::move(labels)),
        tokens_(std::move(tokens)),
        order_(std::move(order)),
        starts_(std::move(starts)) {}
  Index length(Index i) const override { return start(i + 1) - start(i); }
  void fill_tokens(Index i, std::span<std::int32_t> to) const override {
    const auto own = to.first(static_cast<std::size_t>(length(i)));
    tokens_->read_on(static_cast<std::uint64_t>(start(i)) * sizeof(std::int32_t),
                     std::as_writable_bytes(own));
    for (std::int32_t& token : own) token = order_[static_cast<std::size_t>(token)];
    std::fill(to.begin() + static_cast<std::ptrdiff_t>(own.size()), to.end(), 0);
  }

 private:
  Index start(Index i) const { return starts_[static_cast<std::size_t>(i)]; }

  FileReaderPtr tokens_;
  std::vector<std::int32_t> order_;
  std::vector<Index> starts_;
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

DatasetPtr make_file_sequences(DataInfo info, FileReaderPtr values, std::vector<Index> starts,
                               std::vector<std::int32_t> labels, Places places) {
  const Index longest = longest_of(info, starts, labels.size());
  info.kind = DataKind::sequence;
  info.shape = info.shape.with(0, std::max(info.shape[0], longest));
  check_labelled(info, values->size(),
                 static_cast<std::size_t>(starts.back() * info.shape[1]) * sizeof(float), labels);
  return std::make_shared<FileSequences>(std::move(info), std::move(values), std::move(starts),
                                         std::move(labels), std::move(places));
}

DatasetPtr make_file_tokens(DataInfo info, FileReaderPtr tokens, std::vector<std::int32_t> order,
                            std::vector<Index> starts, std::vector<std::int32_t> labels, Index longest) {
  longest = std::max(longest, longest_of(info, starts, labels.size()));
  info.kind = DataKind::tokens;
  info.shape = Shape({longest});
  check_labelled(info, tokens->size(), static_cast<std::size_t>(starts.back()) * sizeof(std::int32_t),
                 labels);
  return std::make_shared<FileTokens>(std::move(info), std::move(tokens), std::move(order), std::move(starts),
                                      std::move(labels));
}

}  // namespace firn
