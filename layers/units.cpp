#include "layers/units.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/base/split.h"

namespace firn {

namespace {

/// What a bracket says, for one parameter.
class UnitParser {
 public:
  UnitParser(const Parameter& parameter, const std::string& text) : parameter_(parameter), text_(text) {}

  std::vector<UnitRange> parse() const {
    std::vector<UnitRange> ranges;
    for (const std::string& part : split(text_, '+')) ranges.push_back(range(part));
    return sorted_ranges(std::move(ranges));
  }

 private:
  UnitRange range(const std::string& part) const {
    const std::size_t colon = part.find(':');
    if (colon == std::string::npos) return named(part);
    const Index units = parameter_.units();
    const Index first = colon == 0 ? 0 : number(part.substr(0, colon));
    const Index last = colon + 1 == part.size() ? units : number(part.substr(colon + 1));
    if (last > units) fail(fmt::format("{} goes beyond its {} units", part, units));
    if (first >= last) fail(fmt::format("{} is empty", part));
    return {first, last};
  }

  UnitRange named(const std::string& name) const {
    const std::vector<std::string>& names = parameter_.unit_names();
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      if (names.empty()) fail(fmt::format("'{}' is no range, as in {}", name, "0:8 or 0:8+16:24"));
      std::string known;
      for (const std::string& gate : names) known += (known.empty() ? "" : ", ") + gate;
      fail(fmt::format("no gate is called '{}'; there are {}", name, known));
    }
    const Index share = parameter_.units() / static_cast<Index>(names.size());
    const Index gate = found - names.begin();
    return {gate * share, (gate + 1) * share};
  }

  Index number(const std::string& digits) const {
    Index value = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.starts_with('-')) fail(fmt::format("{} is negative: units count from 0", digits));
    if (result.ec == std::errc::result_out_of_range)
      fail(fmt::format("{} goes beyond its {} units", digits, parameter_.units()));
    if (result.ec != std::errc() || result.ptr != digits.data() + digits.size()) {
      fail(fmt::format("'{}' is no number", digits));
    }
    return value;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(
        Fault::usage, "freeze",
        fmt::format("{} {}: [{}]: {}", parameter_.name(), parameter_.file_shape().text(), text_, what));
  }

  const Parameter& parameter_;
  const std::string& text_;
};

/// Where the bracket at the end of `pattern` begins that names units; npos: there is none.
std::size_t find_bracket(const std::vector<NamedParameter>& all, const std::string& pattern) {
  if (!pattern.ends_with(']')) return std::string::npos;
  const std::size_t open = pattern.rfind('[');
  if (open == std::string::npos || open == 0) return std::string::npos;
  if (pattern.find_first_of(":+", open) != std::string::npos) return open;
  const bool is_glob =
      std::any_of(all.begin(), all.end(), [&](const auto& p) { return names_parameter(pattern, p.name); });
  return is_glob ? std::string::npos : open;
}

}  // namespace

std::vector<SelectedUnits> select_units(const std::vector<NamedParameter>& all, const std::string& pattern) {
  std::vector<SelectedUnits> selected;
  const std::size_t open = find_bracket(all, pattern);
  if (open == std::string::npos) {
    for (ParameterPtr& p : select(all, pattern)) {
      const Index units = p->units();
      selected.push_back({std::move(p), {{0, units}}});
    }
    return selected;
  }
  const std::string units = pattern.substr(open + 1, pattern.size() - open - 2);
  const std::vector<ParameterPtr> named = select(all, pattern.substr(0, open));
  for (const ParameterPtr& p : named) {
    if (p->role() != Role::statistic) selected.push_back({p, UnitParser(*p, units).parse()});
  }
  if (selected.empty()) {
    throw Error(Fault::usage, "freeze",
                fmt::format("{} is a statistic: it freezes as a whole or not at all", named[0]->name()));
  }
  return selected;
}

void set_trainable(const SelectedUnits& selected, bool trainable) {
  Parameter& parameter = *selected.parameter;
  const Index units = parameter.units();
  std::vector<UnitRange> marked = parameter.frozen_units();
  if (!trainable) {
    marked.insert(marked.end(), selected.units.begin(), selected.units.end());
    parameter.set_frozen_units(marked);
    return;
  }
  marked = complement(marked, units);
  marked.insert(marked.end(), selected.units.begin(), selected.units.end());
  parameter.set_frozen_units(complement(sorted_ranges(std::move(marked)), units));
}

}  // namespace firn
