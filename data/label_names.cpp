#include "data/label_names.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace firn {

namespace {

constexpr std::size_t kFewClasses = 20;      // that small sets of numbers may well have
constexpr std::size_t kMostShown = 10;       // classes that a note lists one by one
constexpr double kExact = 9007199254740992;  // 2^53: whole numbers below it are exact

std::optional<double> value_of(std::string text, char point) {
  if (point != '.') {
    if (text.find('.') != std::string::npos) return {};
    std::replace(text.begin(), text.end(), point, '.');
  }
  const std::size_t sign = text.starts_with('+') ? 1 : 0;
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + sign, end, value);
  if (error != std::errc() || stop != end || !std::isfinite(value)) return {};
  return value;
}

bool is_whole(double value) {
  return std::floor(value) == value && std::abs(value) < kExact;
}

std::string shortest(double value) {
  return is_whole(value) ? fmt::format("{}", static_cast<std::int64_t>(value)) : fmt::format("{}", value);
}

}  // namespace

std::vector<std::string> merge_classes(std::span<TextLabels* const> parts, char point) {
  bool numbers = true;
  for (const TextLabels* part : parts) {
    numbers =
        numbers && std::all_of(part->classes.begin(), part->classes.end(), [&](const std::string& name) {
          const auto value = value_of(name, point);
          // A whole number of many digits is a name.
          return value && (std::abs(*value) < kExact);
        });
  }
  // Sorted by value, then by name: all values are 0 where they are no numbers.
  std::map<std::pair<double, std::string>, std::int32_t> places;
  const auto key = [&](const std::string& name) {
    if (!numbers) return std::pair(0.0, name);
    const double value = *value_of(name, point) + 0.0;  // 0 for -0
    return std::pair(value, shortest(value));
  };
  for (const TextLabels* part : parts) {
    for (const std::string& name : part->classes) places.emplace(key(name), 0);
  }
  std::vector<std::string> classes;
  for (auto& [name, place] : places) {
    place = static_cast<std::int32_t>(classes.size());
    classes.push_back(name.second);
  }
  for (TextLabels* part : parts) {
    std::vector<std::int32_t> moved;
    for (const std::string& name : part->classes) moved.push_back(places.at(key(name)));
    for (std::int32_t& label : part->labels) label = moved[static_cast<std::size_t>(label)];
    part->classes = classes;
  }
  return classes;
}

bool is_measure(const TextLabels& part, char point) {
  std::set<double> values;
  bool whole = true;
  for (const std::string& name : part.classes) {
    const auto value = value_of(name, point);
    if (!value) return false;
    whole = whole && is_whole(*value);
    values.insert(*value);
  }
  if (values.empty()) return false;
  const std::size_t different = values.size();
  const std::size_t rows = part.labels.size();
  if (!whole) return different > kFewClasses || different * 2 > rows;
  // Numbers of classes leave no gaps.
  const double range = *values.rbegin() - *values.begin() + 1;
  const bool gaps = range > 1.2 * static_cast<double>(different);
  return different > kFewClasses && different * 5 > rows && gaps;
}

std::string classes_text(const std::vector<std::string>& classes, const std::vector<Index>& counts) {
  std::string text = fmt::format("{} {}", classes.size(), classes.size() == 1 ? "class" : "classes");
  if (classes.size() > kMostShown) {
    const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
    return *least == *most ? fmt::format("{} of {} samples each", text, *most)
                           : fmt::format("{} of {} to {} samples", text, *least, *most);
  }
  for (std::size_t c = 0; c < classes.size(); ++c) {
    text += fmt::format("{} {:.40} {}", c == 0 ? ":" : ",", classes[c], counts[c]);
  }
  return text;
}

}  // namespace firn
