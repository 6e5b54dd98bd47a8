#include "tools/app/cli/duration.h"

#include <fmt/core.h>

#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include "engine/base/error.h"
#include "tools/app/cli/console.h"

namespace firn::cli {

double parse_duration(const std::string& text, const std::string& what) {
  constexpr std::pair<const char*, double> kUnits[] = {
      {"", 1}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}};
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  for (const auto& [unit, seconds] : kUnits) {
    const bool good = error == std::errc{} && value > 0 && std::isfinite(value);
    if (good && std::string_view(end, text.data() + text.size()) == unit) return value * seconds;
  }
  throw Error(Fault::usage, what, fmt::format("'{}' is no time as in 30s, 2m or 1h", text));
}

std::string seconds_text(double seconds) {
  if (seconds >= 99.95) return clock_text(seconds);
  return fmt::format(fmt::runtime(seconds < 9.995 ? "{:.2f} s" : "{:.1f} s"), seconds);
}

}  // namespace firn::cli
