#include "engine/tensor/tensor.h"

#include <doctest/doctest.h>

#include <sstream>

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

TEST_CASE("a tensor is asked by place, added and printed") {
  Tensor t(Shape{2, 3});
  for (Index i = 0; i < 6; ++i) t.data()[i] = static_cast<real>(i) / 2;
  CHECK(t(1, 2) == real(2.5));
  t(0, 1) = -4;
  CHECK(t.data()[1] == -4);
  CHECK(test::fails_with(Fault::usage, "(2,3) has no place (1,3)", [&] { (void)t(1, 3); }));
  CHECK(test::fails_with(Fault::usage, "(2,3) has no place (1)", [&] { (void)t(1); }));
  CHECK(test::fails_with(Fault::usage, "(2,3) has no place (-1,0)", [&] { (void)t(-1, 0); }));

  const Tensor sum = t + t * real(0.5) - t;
  CHECK(sum(0, 1) == -2);
  CHECK(sum(1, 2) == real(1.25));
  CHECK(test::fails_with(Fault::usage, "(2,3) and (3,2)", [&] { (void)(t + Tensor(Shape{3, 2})); }));

  CHECK(to_string(t) == "(2,3)\n           0         -4          1\n         1.5          2        2.5");
  CHECK(to_string(Tensor(Shape{})) == "()\n           0");
  std::ostringstream printed;
  printed << Tensor(Shape{20, 1});
  CHECK(printed.str().find("...") != std::string::npos);
  CHECK(to_string(Tensor(Shape{2}, DType::int32)) == "(2)\n           0          0");
}
