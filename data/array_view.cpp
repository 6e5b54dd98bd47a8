#include "data/array_view.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "engine/base/error.h"

namespace firn {

namespace {

/// Copies what lies behind `from` along the axes of `shape` to `to`, which it moves on.
template <class T, class Convert>
void gather(const T* from, std::span<const Index> shape, std::span<const Index> strides, real*& to,
            const Convert& convert) {
  if (shape.size() == 1) {
    for (Index i = 0; i < shape[0]; ++i) *to++ = convert(from[i * strides[0]]);
    return;
  }
  for (Index i = 0; i < shape[0]; ++i)
    gather(from + i * strides[0], shape.subspan(1), strides.subspan(1), to, convert);
}

class ArraySamples : public Dataset {
 public:
  ArraySamples(DataInfo info, ArrayView x, std::vector<std::int32_t> labels, int white,
               std::vector<Index> lengths)
      : Dataset(std::move(info)),
        x_(std::move(x)),
        labels_(std::move(labels)),
        lengths_(std::move(lengths)),
        contiguous_(x_.contiguous()) {
    for (std::size_t b = 0; b < value_.size(); ++b)
      value_[b] = static_cast<real>(b) / static_cast<real>(white);
  }

  Index size() const override { return x_.shape[0]; }
  std::int32_t label(Index i) const override { return labels_[static_cast<std::size_t>(i)]; }
  Index length(Index i) const override {
    return lengths_.empty() ? Dataset::length(i) : lengths_[static_cast<std::size_t>(i)];
  }
  std::string place(Index i) const override { return fmt::format("sample {} (counted from 0)", i); }

  void fill_numbers(Index i, std::span<real> to) const override {
    const Index offset = i * x_.strides[0];
    switch (x_.element) {
      case ArrayView::Element::float32:
        copy(static_cast<const float*>(x_.data) + offset, to, [](float v) { return static_cast<real>(v); });
        break;
      case ArrayView::Element::float64:
        copy(static_cast<const double*>(x_.data) + offset, to, [](double v) { return static_cast<real>(v); });
        break;
      case ArrayView::Element::byte:
        copy(static_cast<const std::uint8_t*>(x_.data) + offset, to,
             [this](std::uint8_t v) { return value_[v]; });
        break;
    }
    if (lengths_.empty()) return;
    const Index valid = length(i) * (info().shape.count() / info().shape[0]);
    std::fill(to.begin() + valid, to.end(), real{0});
  }

 private:
  template <class T, class Convert>
  void copy(const T* from, std::span<real> to, const Convert& convert) const {
    if (contiguous_) {
      std::transform(from, from + to.size(), to.begin(), convert);
      return;
    }
    real* out = to.data();
    gather(from, std::span(x_.shape).subspan(1), std::span(x_.strides).subspan(1), out, convert);
  }

  ArrayView x_;
  std::vector<std::int32_t> labels_;
  std::vector<Index> lengths_;
  bool contiguous_;
  std::array<real, 256> value_{};
};

}  // namespace

bool ArrayView::contiguous() const {
  Index step = 1;
  for (std::size_t axis = shape.size(); axis-- > 0; step *= shape[axis]) {
    if (shape[axis] != 1 && strides[axis] != step) return false;
  }
  return true;
}

DatasetPtr make_array_view(DataInfo info, ArrayView x, std::vector<std::int32_t> labels, int white,
                           std::vector<Index> lengths) {
  const auto fail = [&](const std::string& what) {
    throw Error(Fault::usage, "data", info.name + ": " + what);
  };
  if (x.shape.size() < 2 || x.strides.size() != x.shape.size() || x.shape.size() > Shape::kMaxRank) {
    fail(fmt::format("an array of rank {}, samples of {} want one of rank {}", x.shape.size(),
                     info.shape.text(), info.shape.rank() + 1));
  }
  const Shape own(std::span<const Index>(x.shape).subspan(1));
  if (own != info.shape) fail(fmt::format("samples of {}, {} are wanted", own.text(), info.shape.text()));
  const auto count = static_cast<std::size_t>(x.shape[0]);
  if (labels.size() != count) fail(fmt::format("{} samples, {} labels", count, labels.size()));
  for (const std::int32_t label : labels) {
    if (label < 0 || static_cast<std::size_t>(label) >= info.classes.size())
      fail(fmt::format("label {} with {} classes", label, info.classes.size()));
  }
  if (!lengths.empty()) {
    if (info.kind != DataKind::sequence) fail("lengths are for sequences");
    if (lengths.size() != count) fail(fmt::format("{} samples, {} lengths", count, lengths.size()));
    for (const Index length : lengths) {
      if (length < 1 || length > info.shape[0])
        fail(fmt::format("length {} of sequences of {} steps", length, info.shape[0]));
    }
  }
  return std::make_shared<ArraySamples>(std::move(info), std::move(x), std::move(labels), white,
                                        std::move(lengths));
}

}  // namespace firn
