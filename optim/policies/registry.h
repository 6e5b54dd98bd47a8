// Policies by name, as command lines write them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "optim/policy.h"

namespace firn {

/// The values of a policy's keys, as written or by default.
class PolicyValues {
 public:
  PolicyValues(std::string policy, std::map<std::string, std::string> values)
      : policy_(std::move(policy)), values_(std::move(values)) {}

  const std::string& text(const std::string& key) const { return values_.at(key); }
  /// Throw Error(usage) for what is no number, no whole number, neither "on" nor "off", none of `words`.
  double number(const std::string& key) const;
  Index whole(const std::string& key) const;
  bool on(const std::string& key) const { return one_of(key, {"off", "on"}) == 1; }
  std::size_t one_of(const std::string& key, const std::vector<std::string>& words) const;

 private:
  std::string policy_;
  std::map<std::string, std::string> values_;
};

struct PolicyKey {
  std::string name;
  std::string usual;  ///< the value unless given
  std::string text;   ///< what it is, for --help
};

struct PolicyEntry {
  std::string name;
  std::string text;  ///< one line for --help
  std::vector<PolicyKey> keys;
  /// Keys with the values that "authors=on" gives those that are not given: the authors' settings, where
  /// firn's differ. docs/freezing.md has the table.
  std::vector<std::pair<std::string, std::string>> authors = {};
  std::function<std::unique_ptr<FreezePolicy>(const PolicyValues&)> make;
};

/// All policies, in the order of --help.
const std::vector<PolicyEntry>& policy_registry();

/// NAME[,key=value...], "authors=on" among them (of a policy that has nothing to change it changes nothing).
/// Throws Error(usage) for an unknown name or key, with the nearest one, for a key given
/// twice, and for a value that the policy does not take.
std::unique_ptr<FreezePolicy> parse_policy(const std::string& text);

}  // namespace firn
