#include "layers/selection.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/base/error.h"
#include "engine/base/glob.h"

namespace firn {

namespace {

constexpr std::string_view kRolePrefix = "role:";

/// Every name that a pattern could have meant: parameters, and the layers around them.
std::vector<std::string> known_names(const std::vector<NamedParameter>& all) {
  std::set<std::string> names;
  for (const NamedParameter& p : all) {
    names.insert(p.name);
    for (auto dot = p.name.find('.'); dot != std::string::npos; dot = p.name.find('.', dot + 1)) {
      names.insert(p.name.substr(0, dot));
    }
  }
  return {names.begin(), names.end()};
}

bool has_role(const Parameter& parameter, Role role) {
  return parameter.role() == role || (role == Role::norm && parameter.role() == Role::statistic);
}

Role parse_role(const std::string& pattern) {
  const std::string wanted = pattern.substr(kRolePrefix.size());
  std::vector<std::string> names;
  for (const Role role : {Role::weight, Role::bias, Role::norm}) {
    if (wanted == role_name(role)) return role;
    names.emplace_back(role_name(role));
  }
  throw Error(Fault::usage, "freeze",
              fmt::format("no role is called {}; there are weight, bias and norm{}", wanted,
                          did_you_mean(wanted, names)));
}

}  // namespace

std::string dotted(const std::string& prefix, const std::string& name) {
  return prefix.empty() || name.empty() ? prefix + name : prefix + "." + name;
}

bool names_parameter(const std::string& pattern, const std::string& name) {
  return glob_match(pattern, name) || glob_match(pattern + ".*", name);
}

std::vector<ParameterPtr> select(const std::vector<NamedParameter>& all, const std::string& pattern) {
  std::vector<ParameterPtr> selected;
  if (pattern.starts_with(kRolePrefix)) {
    const Role role = parse_role(pattern);
    for (const NamedParameter& p : all) {
      if (has_role(*p.parameter, role)) selected.push_back(p.parameter);
    }
    if (selected.empty()) {
      throw Error(Fault::usage, "freeze", fmt::format("no parameter has the role {}", role_name(role)));
    }
    return selected;
  }
  for (const NamedParameter& p : all) {
    if (names_parameter(pattern, p.name)) selected.push_back(p.parameter);
  }
  if (selected.empty()) {
    throw Error(Fault::usage, "freeze",
                fmt::format("no parameter is called {}{}", pattern, did_you_mean(pattern, known_names(all))));
  }
  return selected;
}

}  // namespace firn
