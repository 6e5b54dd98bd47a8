#include "engine/tensor/tensor.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "tests/errors.h"

using namespace firn;

TEST_CASE("a new tensor is zero and aligned") {
  for (const Index n : {0, 1, 7, 1000}) {
    const Tensor t({n, 3});
    CHECK(t.defined());
    CHECK(reinterpret_cast<std::uintptr_t>(t.raw()) % 64 == 0);
    for (const real v : t.values()) CHECK(v == 0);
  }
  CHECK_FALSE(Tensor().defined());
}

TEST_CASE("copies share the block, clones do not") {
  Tensor a({2, 2}, std::vector<real>{1, 2, 3, 4});
  Tensor shared = a;
  const Tensor clone = a.clone();
  shared.data()[0] = 9;
  CHECK(a.data()[0] == 9);
  CHECK(clone.data()[0] == 1);
  CHECK(a.reshaped({4}).data() == a.data());
}

TEST_CASE("elements have one type") {
  const Tensor labels = Tensor::of_indices({3}, std::vector<std::int32_t>{1, 2, 3});
  CHECK(labels.indices()[2] == 3);
  CHECK(labels.bytes() == 12);
  CHECK(test::fails_with(Fault::usage, "index", [&] { labels.data(); }));
}

TEST_CASE("counts must fit") {
  CHECK(test::fails_with(Fault::usage, "(2,2)", [] { Tensor({2, 2}, std::vector<real>{1, 2, 3}); }));
  CHECK(test::fails_with(Fault::usage, "(5)", [] { Tensor({2, 2}).reshaped({5}); }));
}

TEST_CASE("a permutation moves the axes") {
  const Tensor t({2, 3}, std::vector<real>{1, 2, 3, 4, 5, 6});
  const Tensor turned = t.permuted(std::vector<int>{1, 0});
  CHECK(turned.shape() == Shape{3, 2});
  const std::vector<real> want = {1, 4, 2, 5, 3, 6};
  for (std::size_t i = 0; i < want.size(); ++i) CHECK(turned.values()[i] == want[i]);
  CHECK(test::error_of([&] { t.permuted(std::vector<int>{0, 0}); }));
  CHECK(test::error_of([&] { t.permuted(std::vector<int>{0}); }));
}
