// Arrays that somebody else owns, read where they lie.
#include "data/array_view.h"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

#include "tests/errors.h"

namespace {

using namespace firn;
using firn::test::fails_with;

DataInfo images(Shape shape) {
  DataInfo info;
  info.name = "x";
  info.kind = DataKind::image;
  info.shape = shape;
  info.classes = {"a", "b"};
  return info;
}

std::vector<real> sample(const Dataset& data, Index i) {
  std::vector<real> to(static_cast<std::size_t>(data.info().shape.count()));
  data.fill_numbers(i, to);
  return to;
}

TEST_CASE("an array is read where it lies, in any order of its axes") {
  // Two images of two channels, 2x3, channels first.
  std::vector<float> first(2 * 2 * 2 * 3);
  std::iota(first.begin(), first.end(), 0.f);
  ArrayView x{.data = first.data(), .shape = {2, 2, 3, 2}, .strides = {12, 3, 1, 6}};
  const DatasetPtr data = make_array_view(images({2, 3, 2}), x, {0, 1});
  CHECK(data->size() == 2);
  CHECK(data->label(1) == 1);
  CHECK(sample(*data, 1) == std::vector<real>{12, 18, 13, 19, 14, 20, 15, 21, 16, 22, 17, 23});
  first[12] = 100;  // no copy was made
  CHECK(sample(*data, 1).front() == 100);
  CHECK_FALSE(x.contiguous());
  x.strides = {12, 6, 2, 1};
  CHECK(x.contiguous());
  CHECK(sample(*make_array_view(images({2, 3, 2}), x, {0, 1}), 0)[5] == 5);
}

TEST_CASE("doubles, bytes and reversed arrays are read as they are") {
  const std::vector<double> numbers = {1, 2, 3, 4};
  const ArrayView back{.data = numbers.data() + 3,
                       .element = ArrayView::Element::float64,
                       .shape = {2, 2},
                       .strides = {-2, -1}};
  DataInfo info = images({2});
  info.kind = DataKind::vector;
  const DatasetPtr data = make_array_view(info, back, {0, 0});
  CHECK(sample(*data, 0) == std::vector<real>{4, 3});
  CHECK(sample(*data, 1) == std::vector<real>{2, 1});
  const std::vector<std::uint8_t> bytes = {0, 255};
  const ArrayView b{
      .data = bytes.data(), .element = ArrayView::Element::byte, .shape = {1, 2}, .strides = {2, 1}};
  CHECK(sample(*make_array_view(info, b, {0}, 255), 0) == std::vector<real>{0, 1});
  CHECK(sample(*make_array_view(info, b, {0}), 0) == std::vector<real>{0, 255});
}

TEST_CASE("sequences end where their lengths say") {
  const std::vector<float> numbers = {1, 2, 3, 4, 5, 6};
  DataInfo info = images({3, 2});
  info.kind = DataKind::sequence;
  const ArrayView x{.data = numbers.data(), .shape = {1, 3, 2}, .strides = {6, 2, 1}};
  const DatasetPtr data = make_array_view(info, x, {0}, 1, {2});
  CHECK(data->length(0) == 2);
  CHECK(sample(*data, 0) == std::vector<real>{1, 2, 3, 4, 0, 0});
  CHECK(fails_with(Fault::usage, "length 4 of sequences of 3 steps",
                   [&] { make_array_view(info, x, {0}, 1, {4}); }));
  CHECK(fails_with(Fault::usage, "1 samples, 2 lengths", [&] { make_array_view(info, x, {0}, 1, {1, 1}); }));
}

TEST_CASE("what does not fit says both shapes") {
  const std::vector<float> numbers(12);
  const ArrayView x{.data = numbers.data(), .shape = {1, 2, 3, 2}, .strides = {12, 6, 2, 1}};
  CHECK(fails_with(Fault::usage, "samples of (2,3,2), (3,2,2) are wanted", [&] {
    make_array_view(images({3, 2, 2}), x, {0});
  }));
  CHECK(fails_with(Fault::usage, "1 samples, 2 labels", [&] {
    make_array_view(images({2, 3, 2}), x, {0, 1});
  }));
  CHECK(fails_with(Fault::usage, "label 2 with 2 classes", [&] {
    make_array_view(images({2, 3, 2}), x, {2});
  }));
  const ArrayView flat{.data = numbers.data(), .shape = {12}, .strides = {1}};
  CHECK(fails_with(Fault::usage, "an array of rank 1", [&] {
    make_array_view(images({2, 3, 2}), flat, {0});
  }));
}

}  // namespace
