#include "engine/tensor/shape.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/errors.h"

using namespace firn;

TEST_CASE("sizes, counts and text") {
  const Shape shape{8, 28, 28, 3};
  CHECK(shape.rank() == 4);
  CHECK(shape[0] == 8);
  CHECK(shape[-1] == 3);
  CHECK(shape.count() == 8 * 28 * 28 * 3);
  CHECK(shape.count_from(2) == 84);
  CHECK(shape.count_from(4) == 1);
  CHECK(shape.text() == "(8,28,28,3)");
  CHECK(shape.with(0, 2) == Shape{2, 28, 28, 3});
  CHECK(shape.with(-1, 1) == Shape{8, 28, 28, 1});
  CHECK(shape.tail(1) == Shape{28, 28, 3});
  CHECK(Shape().count() == 1);
  CHECK(Shape().text() == "()");
  CHECK(Shape{3, 0}.count() == 0);
  CHECK(Shape{2, 3} != Shape{2, 3, 1});
}

TEST_CASE("impossible shapes are refused") {
  CHECK(test::error_of([] { Shape{2, -1}; }));
  CHECK(test::error_of([] { Shape{1, 1, 1, 1, 1, 1, 1}; }));
  CHECK(test::error_of([] { Shape{Index{1} << 40, Index{1} << 40}; }));
  CHECK(test::error_of([] { Shape{Index{1} << 62, 4}; }));
  CHECK_FALSE(test::error_of([] { Shape{Index{1} << 48}; }));
}
