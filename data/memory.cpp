#include "data/memory.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "engine/base/error.h"

namespace firn {

void check_labelled(const DataInfo& info, std::size_t values, std::size_t wanted,
                    const std::vector<std::int32_t>& labels) {
  if (values != wanted) {
    throw Error(Fault::usage, "data",
                fmt::format("{}: {} values, {} samples of {} have {}", info.name, values, labels.size(),
                            info.shape.text(), wanted));
  }
  for (const std::int32_t label : labels) {
    if (label < 0 || static_cast<std::size_t>(label) >= info.classes.size()) {
      throw Error(Fault::usage, "data",
                  fmt::format("{}: label {} with {} classes", info.name, label, info.classes.size()));
    }
  }
}

Index longest_of(const DataInfo& info, const std::vector<Index>& starts, std::size_t labels) {
  if (starts.size() != labels + 1 || starts.front() != 0) {
    throw Error(Fault::usage, "data",
                fmt::format("{}: {} starts, {} labels", info.name, starts.size(), labels));
  }
  Index longest = 0;
  for (std::size_t i = 0; i < labels; ++i) {
    const Index length = starts[i + 1] - starts[i];
    if (length < 1) throw Error(Fault::usage, "data", fmt::format("{}: sample {} is empty", info.name, i));
    longest = std::max(longest, length);
  }
  return longest;
}

namespace {

class ByteImages : public Labelled {
 public:
  ByteImages(DataInfo info, std::vector<std::uint8_t> pixels, std::vector<std::int32_t> labels, int white)
      : Labelled(std::move(info), std::move(labels)), pixels_(std::move(pixels)) {
    for (std::size_t b = 0; b < value_.size(); ++b)
      value_[b] = static_cast<real>(b) / static_cast<real>(white);
  }
  void fill_numbers(Index i, std::span<real> to) const override {
    const std::uint8_t* from = pixels_.data() + static_cast<std::size_t>(i) * to.size();
    for (std::size_t k = 0; k < to.size(); ++k) to[k] = value_[from[k]];
  }

 private:
  std::vector<std::uint8_t> pixels_;
  std::array<real, 256> value_{};
};

class BlankImages : public Labelled {
 public:
  using Labelled::Labelled;
  void fill_numbers(Index, std::span<real> to) const override { std::fill(to.begin(), to.end(), real{0}); }
};

class NumbersInMemory : public Labelled {
 public:
  NumbersInMemory(DataInfo info, std::vector<float> values, std::vector<std::int32_t> labels, Places places)
      : Labelled(std::move(info), std::move(labels), std::move(places)), values_(std::move(values)) {}
  void fill_numbers(Index i, std::span<real> to) const override {
    const float* from = values_.data() + static_cast<std::size_t>(i) * to.size();
    std::copy(from, from + to.size(), to.begin());
  }

 private:
  std::vector<float> values_;
};

class Sequences : public Labelled {
 public:
  Sequences(DataInfo info, std::vector<float> values, std::vector<Index> starts,
            std::vector<std::int32_t> labels, Places places)
      : Labelled(std::move(info), std::move(labels), std::move(places)),
        values_(std::move(values)),
        starts_(std::move(starts)) {}
  Index length(Index i) const override { return start(i + 1) - start(i); }
  void fill_numbers(Index i, std::span<real> to) const override {
    const Index step = info().shape[1];
    const auto end =
        std::copy(values_.begin() + start(i) * step, values_.begin() + start(i + 1) * step, to.begin());
    std::fill(end, to.end(), real{0});
  }

 private:
  Index start(Index i) const { return starts_[static_cast<std::size_t>(i)]; }

  std::vector<float> values_;
  std::vector<Index> starts_;
};

class TokensInMemory : public Labelled {
 public:
  TokensInMemory(DataInfo info, std::vector<std::int32_t> tokens, std::vector<Index> starts,
                 std::vector<std::int32_t> labels)
      : Labelled(std::move(info), std::move(labels)),
        tokens_(std::move(tokens)),
        starts_(std::move(starts)) {}
  Index length(Index i) const override { return start(i + 1) - start(i); }
  void fill_tokens(Index i, std::span<std::int32_t> to) const override {
    const auto end = std::copy(tokens_.begin() + start(i), tokens_.begin() + start(i + 1), to.begin());
    std::fill(end, to.end(), 0);
  }

 private:
  Index start(Index i) const { return starts_[static_cast<std::size_t>(i)]; }

  std::vector<std::int32_t> tokens_;
  std::vector<Index> starts_;
};

}  // namespace

DatasetPtr make_byte_images(DataInfo info, std::vector<std::uint8_t> pixels, std::vector<std::int32_t> labels,
                            int white) {
  check_labelled(info, pixels.size(), labels.size() * static_cast<std::size_t>(info.shape.count()), labels);
  return std::make_shared<ByteImages>(std::move(info), std::move(pixels), std::move(labels), white);
}

DatasetPtr make_blank_images(DataInfo info, std::vector<std::int32_t> labels) {
  check_labelled(info, 0, 0, labels);
  return std::make_shared<BlankImages>(std::move(info), std::move(labels));
}

Places samples_of(const std::string& file) {
  return [file](Index i) { return fmt::format("sample {} (counted from 0) of {}", i, file); };
}

DatasetPtr make_numbers(DataInfo info, std::vector<float> values, std::vector<std::int32_t> labels,
                        Places places) {
  check_labelled(info, values.size(), labels.size() * static_cast<std::size_t>(info.shape.count()), labels);
  return std::make_shared<NumbersInMemory>(std::move(info), std::move(values), std::move(labels),
                                           std::move(places));
}

DatasetPtr make_sequences(DataInfo info, std::vector<float> values, std::vector<Index> starts,
                          std::vector<std::int32_t> labels, Places places) {
  const Index longest = longest_of(info, starts, labels.size());
  info.kind = DataKind::sequence;
  info.shape = info.shape.with(0, std::max(info.shape[0], longest));
  check_labelled(info, values.size(), static_cast<std::size_t>(starts.back() * info.shape[1]), labels);
  return std::make_shared<Sequences>(std::move(info), std::move(values), std::move(starts), std::move(labels),
                                     std::move(places));
}

DatasetPtr make_tokens(DataInfo info, std::vector<std::int32_t> tokens, std::vector<Index> starts,
                       std::vector<std::int32_t> labels, Index longest) {
  longest = std::max(longest, longest_of(info, starts, labels.size()));
  info.kind = DataKind::tokens;
  info.shape = Shape({longest});
  check_labelled(info, tokens.size(), static_cast<std::size_t>(starts.back()), labels);
  return std::make_shared<TokensInMemory>(std::move(info), std::move(tokens), std::move(starts),
                                          std::move(labels));
}

}  // namespace firn
