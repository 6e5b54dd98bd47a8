#include "tools/app/cli/range.h"

#include <fmt/core.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "engine/base/error.h"

namespace firn::cli {

namespace {

[[noreturn]] void refuse(std::string_view text, const std::string& wanted, const Asked& asked) {
  throw Error(Fault::usage, asked.operation,
              fmt::format("{} {}: want {}", asked.option, text.empty() ? "''" : text, wanted));
}

template <class T>
bool read(std::string_view text, T& value) {
  if (text.size() > 1 && text.front() == '+' && text[1] != '-') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

bool Range::holds(double number) const {
  const bool low = above ? number > least : number >= least;
  const bool high = below ? number < most : number <= most;
  return std::isfinite(number) && low && high;
}

std::string Range::text(bool whole) const {
  const char* kind = whole ? "a whole number" : "a number";
  if (!above && !below) return fmt::format("{} from {} to {}", kind, least, most);
  return fmt::format("{} {} {} and {} {}", kind, above ? "above" : "of at least", least,
                     below ? "below" : "at most", most);
}

Index whole_in(std::string_view text, const Range& range, const Asked& asked) {
  Index value = 0;
  if (!read(text, value) || !range.holds(static_cast<double>(value))) refuse(text, range.text(true), asked);
  return value;
}

double number_in(std::string_view text, const Range& range, const Asked& asked) {
  double value = 0;
  if (!read(text, value) || !range.holds(value)) refuse(text, range.text(false), asked);
  return value;
}

std::uint64_t seed_in(std::string_view text, const Asked& asked) {
  std::uint64_t value = 0;
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  if (!read(text, value)) refuse(text, fmt::format("a whole number from 0 to {}", most), asked);
  return value;
}

}  // namespace firn::cli
