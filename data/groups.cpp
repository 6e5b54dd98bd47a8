#include "data/groups.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>

#include "engine/base/error.h"
#include "engine/base/glob.h"

namespace firn {

namespace {

constexpr std::string_view kByName = "name:";
constexpr std::string_view kByColumn = "column:";

// Of bursts: so many groups a class at least, and what is too large a part of a class and of all.
constexpr Index kFewest = 10;
constexpr Index kShareOfClass = 5;
constexpr Index kShareOfAll = 10;

bool is_decimal_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// "scene012" of "scene012_3.jpg" and "scene012_frame3.jpg"; empty where the name is none of a burst.
std::string_view burst_of(std::string_view name) {
  if (const std::size_t dot = name.rfind('.'); dot != std::string_view::npos && dot > 0)
    name = name.substr(0, dot);
  std::size_t end = name.size();
  if (end > 0 && name[end - 1] == ')') --end;
  std::size_t at = end;
  while (at > 0 && is_decimal_digit(name[at - 1])) --at;
  if (at == end || end - at > 6) return {};
  while (at > 0 && is_letter(name[at - 1])) --at;
  constexpr std::string_view kBetween = "_-. (#";
  if (at == 0 || kBetween.find(name[at - 1]) == std::string_view::npos) return {};
  while (at > 0 && kBetween.find(name[at - 1]) != std::string_view::npos) --at;
  const std::string_view scene = name.substr(0, at);
  return std::any_of(scene.begin(), scene.end(), is_decimal_digit) ? scene : std::string_view();
}

/// The longest beginning of `name` that `pattern` matches; empty where none does.
std::string_view beginning_of(std::string_view name, std::string_view pattern) {
  for (std::size_t length = name.size(); length > 0; --length) {
    if (glob_match(pattern, name.substr(0, length))) return name.substr(0, length);
  }
  return {};
}

struct Numbered {
  std::vector<Index> of;
  std::vector<Index> sizes;
  Index shared() const {
    return std::count_if(sizes.begin(), sizes.end(), [](Index n) { return n > 1; });
  }
  Index largest() const { return sizes.empty() ? 0 : *std::max_element(sizes.begin(), sizes.end()); }
};

/// Samples of one key are a group, one without a key is a group of its own.
Numbered number(const std::vector<std::string_view>& keys) {
  Numbered groups;
  std::unordered_map<std::string_view, Index> places;
  for (const std::string_view key : keys) {
    const auto next = static_cast<Index>(groups.sizes.size());
    const Index group = key.empty() ? next : places.try_emplace(key, next).first->second;
    if (group == next) groups.sizes.push_back(0);
    groups.of.push_back(group);
    ++groups.sizes[static_cast<std::size_t>(group)];
  }
  return groups;
}

/// Whether every class has so many groups, of which none is much of it, that parts can be drawn from them.
bool divisible(const Numbered& groups, const std::vector<Index>& labels) {
  std::map<Index, Index> samples;
  std::map<std::pair<Index, Index>, Index> together;  // by class and group
  for (std::size_t i = 0; i < labels.size(); ++i) {
    ++samples[labels[i]];
    ++together[{labels[i], groups.of[i]}];
  }
  std::map<Index, Index> kinds;
  for (const auto& [which, count] : together) {
    if (count * kShareOfClass > samples[which.first]) return false;
    ++kinds[which.first];
  }
  return groups.largest() * kShareOfAll <= static_cast<Index>(labels.size()) &&
         std::all_of(kinds.begin(), kinds.end(), [](const auto& kind) { return kind.second >= kFewest; });
}

Groups find_bursts(const std::vector<std::string>& names, const std::vector<Index>& labels) {
  std::vector<std::string_view> keys;
  for (const std::string& name : names) keys.push_back(burst_of(name));
  Numbered groups = number(keys);
  if (groups.shared() == 0 || !divisible(groups, labels)) return {};
  return {std::move(groups.of),
          fmt::format(
              "names that differ in their last number alone are taken for bursts, which stay in one part: "
              "{} of up to {} samples (--group none: each sample for itself)",
              groups.shared(), groups.largest())};
}

}  // namespace

std::string group_column(const std::string& rule) {
  return rule.starts_with(kByColumn) ? rule.substr(kByColumn.size()) : "";
}

Groups find_groups(const std::vector<std::string>& names, const std::vector<Index>& labels,
                   const std::string& rule) {
  if (rule == "none") return {};
  if (rule.empty()) return names.empty() ? Groups() : find_bursts(names, labels);
  const bool by_name = rule.starts_with(kByName) && rule.size() > kByName.size();
  const bool by_column = rule.starts_with(kByColumn) && rule.size() > kByColumn.size();
  if (!by_name && !by_column) {
    throw Error(
        Fault::usage, "group",
        fmt::format("'{}': want name:PATTERN (as in 'name:*_', up to the last underscore), column:NAME or "
                    "none",
                    rule));
  }
  if (names.empty()) {
    throw Error(Fault::usage, "group",
                fmt::format("'{}': {}", rule,
                            by_name ? "the samples have no names; name: is for pictures in folders"
                                    : "there is no such column; column: is for tables with a header"));
  }
  std::vector<std::string_view> keys;
  for (const std::string& name : names)
    keys.push_back(by_name ? beginning_of(name, std::string_view(rule).substr(kByName.size()))
                           : std::string_view(name));
  Numbered groups = number(keys);
  return {std::move(groups.of), fmt::format("{} groups of up to {} samples by {}, each in one part",
                                            groups.sizes.size(), groups.largest(), rule)};
}

}  // namespace firn
