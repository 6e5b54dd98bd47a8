#include "data/decimal.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <string>

using namespace firn;

namespace {

std::optional<float> read(std::string_view text, char point = '.') {
  float value = 0;
  return read_decimal(text, value, point) == Decimal::finite ? std::optional(value) : std::nullopt;
}
Decimal kind(std::string_view text, char point = '.') {
  float value = 0;
  return read_decimal(text, value, point);
}

}  // namespace

TEST_CASE("decimal numbers") {
  CHECK(read("0") == 0.0f);
  CHECK(read("255") == 255.0f);
  CHECK(read("+2.5e1") == 25.0f);
  CHECK(read("-0.5") == -0.5f);
  CHECK(read("1000000") == 1e6f);
  CHECK(read("3,5", ',') == 3.5f);
  CHECK(read("3", ',') == 3.0f);
  for (const char* text :
       {"", "+", "-", "+-1", "a", "1a", "0x1", "1,5", "1 2", "nan", "-nan", "nan(1)", "1e", "12%"}) {
    CAPTURE(text);
    CHECK(kind(text) == Decimal::none);
  }
  CHECK(kind("1.5", ',') == Decimal::none);
  CHECK(kind(std::string(200, '1') + ",5", ',') == Decimal::none);
}

TEST_CASE("what is too small is zero, what is too large is infinite") {
  CHECK(read("1e-40") == 1e-40f);
  CHECK(read("3.456e-47") == 0.0f);
  CHECK(read("-3.456e-47") == 0.0f);
  CHECK(read("1e-999999999999999999999") == 0.0f);
  CHECK(read("0." + std::string(400, '0') + "1") == 0.0f);
  CHECK(read("123456e-60") == 0.0f);
  CHECK(read("0e999") == 0.0f);
  for (const char* text : {"inf", "-inf", "Infinity", "1e39", "-1e999", "1e99999999999999999999"}) {
    CAPTURE(text);
    CHECK(kind(text) == Decimal::infinite);
  }
  CHECK(kind("1" + std::string(400, '0')) == Decimal::infinite);
  CHECK(kind("1" + std::string(400, '0') + "e-10") == Decimal::infinite);
  CHECK(read("3.4028235e38") == std::numeric_limits<float>::max());
}
