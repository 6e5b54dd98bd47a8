#include "data/npy.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/data/damage.h"

using namespace firn;
using test::fails_with;

namespace {

/// A file of version 1 with this header and these elements.
std::string npy(const std::string& header, const std::string& elements) {
  std::string text("\x93NUMPY\x01\x00", 8);
  text += static_cast<char>(header.size() & 0xff);
  text += static_cast<char>(header.size() >> 8);
  return text + header + elements;
}

Tensor parse(const std::string& text) {
  return parse_npy(as_bytes(text), "file");
}

std::string header(const char* descr, const char* shape) {
  return std::string("{'descr': '") + descr + "', 'fortran_order': False, 'shape': " + shape +
         ", }          \n";
}

}  // namespace

TEST_CASE("what is written is read again, and begins as NumPy wants it") {
  const Tensor numbers({2, 3}, std::vector<real>{1, 2.5, -3, 4, 5, 6e10f});
  const auto bytes = format_npy(numbers);
  CHECK((bytes.size() - 6 * sizeof(real)) % 64 == 0);
  CHECK(as_text(bytes).substr(10, 11) == "{'descr': '");
  CHECK(as_text(bytes).find("'shape': (2, 3), }") != std::string_view::npos);
  const Tensor again = parse_npy(bytes, "file");
  CHECK(again.shape() == Shape{2, 3});
  for (std::size_t i = 0; i < 6; ++i) CHECK(again.values()[i] == numbers.values()[i]);

  const Tensor indices = Tensor::of_indices({3}, std::vector<std::int32_t>{1, -2, 3});
  CHECK(as_text(format_npy(indices)).find("'shape': (3,), }") != std::string_view::npos);
  CHECK(parse_npy(format_npy(indices), "file").indices()[1] == -2);
  CHECK(parse_npy(format_npy(Tensor({2, 0}, DType::uint8)), "file").shape() == Shape{2, 0});
  CHECK(parse_npy(format_npy(Tensor(Shape())), "file").shape() == Shape());
}

TEST_CASE("element types and byte orders") {
  CHECK(parse(npy(header(">f4", "(1,)"), std::string("\x3f\x80\0\0", 4))).data()[0] == 1);
  CHECK(parse(npy(header("<f8", "(1,)"), std::string("\0\0\0\0\0\0\xf0\x3f", 8))).data()[0] == 1);
  CHECK(parse(npy(header("<i8", "(1,)"), std::string("\xfe\xff\xff\xff\xff\xff\xff\xff", 8))).indices()[0] ==
        -2);
  CHECK(parse(npy(header(">i2", "(2,)"), std::string("\x01\x02\xff\xff", 4))).indices()[0] == 258);
  CHECK(parse(npy(header("<u2", "(1,)"), "\xff\xff")).indices()[0] == 65535);
  CHECK(parse(npy(header("|b1", "(2,)"), std::string("\0\1", 2))).type() == DType::uint8);
  const std::string large("\0\0\0\x80\0\0\0\0", 8);
  CHECK(
      fails_with(Fault::data, "2147483648 does not fit", [&] { parse(npy(header("<i8", "(1,)"), large)); }));
}

TEST_CASE("half floats, texts and Fortran order") {
  // 1, -2, the smallest subnormal, infinity.
  const Tensor halves = parse(npy(header("<f2", "(4,)"), std::string("\x00\x3c\x00\xc0\x01\x00\x00\x7c", 8)));
  CHECK(halves.data()[0] == 1);
  CHECK(halves.data()[1] == -2);
  CHECK(halves.data()[2] == std::ldexp(real{1}, -24));
  CHECK(std::isinf(halves.data()[3]));
  CHECK(parse(npy(header(">f2", "(1,)"), std::string("\x3c\x00", 2))).data()[0] == 1);
  std::string fortran = header("|u1", "(2, 3)");
  fortran.replace(fortran.find("False"), 5, "True ");
  const Tensor turned = parse(npy(fortran, std::string("\1\4\2\5\3\6", 6)));
  for (int i = 0; i < 6; ++i) CHECK(static_cast<const std::uint8_t*>(turned.raw())[i] == i + 1);
  CHECK(fails_with(Fault::data, "holds texts", [] { parse(npy(header("|S2", "(1,)"), "ab")); }));
}

TEST_CASE("headers that are not as NumPy writes them") {
  const struct {
    std::string header;
    const char* message;
  } cases[] = {
      {header("<c8", "(1,)"), "type '<c8'"},
      {header("f4", "(1,)"), "type 'f4'"},
      {header("|O", "(1,)"),
       "type '|O' are not read: it holds Python objects, as sequences of different lengths"},
      {header("<f16", "(1,)"), "type '<f16'"},
      {header("<U0", "(1,)"), "type '<U0'"},
      {header("<f99999999999999999999", "(1,)"), "type '<f999"},
      {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "an array of records"},
      {"{'descr': '<f4', 'fortran_order': False, }", "want the keys"},
      {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", "twice"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}", "unknown"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "want a size"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1.0,)}", "want a comma"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1)}", "six dimensions"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296,4294967296,4294967296)}", "too large"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "want a size"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "the shape wants 8"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (0,)}", "the shape wants 0"},
      {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} {", "follows the header"},
      {"{'descr': '<f4", "does not end"},
      {"", "want '{'"},
  };
  for (const auto& c : cases) {
    CAPTURE(c.header);
    CHECK(fails_with(Fault::data, c.message, [&] { parse(npy(c.header, std::string(4, '\0'))); }));
  }
}

TEST_CASE("a damaged array is refused or read") {
  const auto whole = format_npy(Tensor({2, 3}, std::vector<real>{1, 2, 3, 4, 5, 6}));
  const auto result = test::damage(whole, [](auto bytes) { parse_npy(bytes, "file"); });
  CHECK(result.refused_cuts == static_cast<int>(whole.size()));
  CHECK(result.refused_flips > 100);
}
