#include "engine/base/bytes.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

#include "tests/errors.h"

using namespace firn;
using test::error_of;

namespace {

ByteReader reader_of(std::string_view text) {
  return {as_bytes(text), Fault::data, "bytes", "file"};
}

}  // namespace

TEST_CASE("numbers of either byte order") {
  constexpr std::string_view kText("\x01\x02\x03\x04\xff\xfe\x00\x00\x80\x3f", 10);
  ByteReader reader = reader_of(kText);
  CHECK(reader.big<std::uint16_t>() == 0x0102);
  CHECK(reader.little<std::uint16_t>() == 0x0403);
  CHECK(reader.big<std::int16_t>() == -2);
  CHECK(reader.little<float>() == 1.0f);
  CHECK(reader.at_end());
  CHECK_NOTHROW(reader.expect_end());
}

TEST_CASE("reading past the end throws where it stands and reads nothing") {
  ByteReader reader = reader_of("abc");
  reader.skip(1);
  const auto error = error_of([&] { reader.big<std::uint32_t>(); });
  REQUIRE(error);
  CHECK(error->offset() == 1);
  CHECK(error->path() == "file");
  CHECK(reader.offset() == 1);
  CHECK(error_of([&] { reader.take(std::numeric_limits<std::uint64_t>::max()); }));
  CHECK(error_of([&] { reader.seek(4); }));
  CHECK(error_of([&] { reader.expect_end(); }));
  reader.seek(3);
  CHECK(error_of([&] { reader.line(); }));
}

TEST_CASE("lines end in either way") {
  ByteReader reader = reader_of("one\r\n\ntwo\nthree");
  CHECK(reader.line() == "one");
  CHECK(reader.line() == "");
  CHECK(reader.line() == "two");
  CHECK(reader.line() == "three");
  CHECK(reader.at_end());
}

TEST_CASE("products and sums are checked at the edge") {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  CHECK(checked_multiply(kMost / 3, 3) == kMost);
  CHECK_FALSE(checked_multiply(kMost / 3 + 1, 3));
  CHECK(checked_multiply(kMost, 0) == 0);
  CHECK(checked_multiply(std::uint64_t{1} << 32, (std::uint64_t{1} << 32) - 1) == kMost - 0xffffffffu);
  CHECK_FALSE(checked_multiply(std::uint64_t{1} << 32, std::uint64_t{1} << 32));
  CHECK(checked_add(kMost - 1, 1) == kMost);
  CHECK_FALSE(checked_add(kMost, 1));
  const ByteReader reader = reader_of("");
  CHECK(test::fails_with(Fault::data, "elements", [&] { reader.multiply(kMost, 2, "elements"); }));
  CHECK(test::fails_with(Fault::data, "size", [&] { reader.add(kMost, 2, "size"); }));
}
