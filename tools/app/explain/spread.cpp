#include "tools/app/explain/spread.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace firn::cli {

ValueSpread spread_of(const std::vector<real>& numbers) {
  ValueSpread s;
  double sum = 0, squares = 0;
  for (const real number : numbers) {
    const auto x = static_cast<double>(number);
    if (std::isnan(x)) continue;
    s.least = s.count == 0 ? x : std::min(s.least, x);
    s.most = s.count == 0 ? x : std::max(s.most, x);
    sum += x;
    squares += x * x;
    s.zeros += x == 0;
    ++s.count;
  }
  if (s.count == 0) return s;
  const auto n = static_cast<double>(s.count);
  s.mean = sum / n;
  s.deviation = std::sqrt(std::max(0.0, squares / n - s.mean * s.mean));
  s.zeros /= n;
  s.norm = std::sqrt(squares);
  return s;
}

std::string short_text(double x) {
  return fmt::format("{:.4g}", x);
}

std::string number_rows(const Shape& shape, const std::vector<real>& numbers) {
  const std::size_t row = shape.rank() > 0 ? static_cast<std::size_t>(std::max<Index>(1, shape[-1])) : 1;
  std::string text;
  for (std::size_t at = 0; at < numbers.size(); at += row) {
    text += " ";
    for (std::size_t i = at; i < std::min(at + row, numbers.size()); ++i) {
      const auto x = static_cast<double>(numbers[i]);
      text += fmt::format(" {:>11}", std::isnan(x) ? "-" : fmt::format("{:.6g}", x));
    }
    text += '\n';
  }
  return text;
}

}  // namespace firn::cli
