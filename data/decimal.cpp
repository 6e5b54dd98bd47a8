#include "data/decimal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <system_error>

namespace firn {

namespace {

constexpr std::size_t kLongestNumber = 128;  // characters of a number with a decimal comma

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Whether a number that from_chars found out of range is so because it is small: the decimal exponent of its
/// first digit that is not 0.
bool is_tiny(std::string_view text) {
  constexpr std::int64_t kHuge = 1'000'000'000;
  std::int64_t exponent = 0;
  const std::size_t e = std::min(text.find_first_of("eE"), text.size());
  if (e < text.size()) {
    std::string_view digits = text.substr(e + 1);
    const bool minus = digits.starts_with('-');
    if (minus || digits.starts_with('+')) digits.remove_prefix(1);
    for (const char c : digits) exponent = std::min(kHuge, exponent * 10 + (c - '0'));
    if (minus) exponent = -exponent;
  }
  const std::string_view mantissa = text.substr(0, e);
  const auto point = static_cast<std::int64_t>(std::min(mantissa.find('.'), mantissa.size()));
  const std::size_t first = mantissa.find_first_of("123456789");
  if (first == std::string_view::npos) return true;
  const auto place = static_cast<std::int64_t>(first);
  return exponent + (place < point ? point - place : point - place + 1) < 0;
}

/// One to three digits: most fields of tables of pixels.
template <class T>
bool read_small(std::string_view text, T& value) {
  if (text.empty() || text.size() > 3) return false;
  int whole = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    whole = whole * 10 + (c - '0');
  }
  value = static_cast<T>(whole);
  return true;
}

template <class T>
Decimal read_any(std::string_view text, T& value, char point) {
  if (read_small(text, value)) return Decimal::finite;
  std::array<char, kLongestNumber> changed;
  if (point != '.') {
    if (text.size() > changed.size() || text.find('.') != std::string_view::npos) return Decimal::none;
    std::replace_copy(text.begin(), text.end(), changed.begin(), point, '.');
    text = {changed.data(), text.size()};
  }
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return Decimal::none;
  }
  T read = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, read);
  if (stop != end || error == std::errc::invalid_argument || std::isnan(read)) return Decimal::none;
  if (error == std::errc::result_out_of_range) {
    if (!is_tiny(text.starts_with('-') ? text.substr(1) : text)) return Decimal::infinite;
    read = 0;
  }
  if (std::isinf(read)) return Decimal::infinite;
  value = read;
  return Decimal::finite;
}

}  // namespace

Decimal read_decimal(std::string_view text, float& value, char point) {
  return read_any(text, value, point);
}

Decimal read_decimal(std::string_view text, double& value, char point) {
  return read_any(text, value, point);
}

}  // namespace firn
