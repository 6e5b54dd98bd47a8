// Parameters that a layer shares with others that were made before it.
#pragma once

#include <map>
#include <set>
#include <string>

#include "engine/graph/parameter.h"

namespace firn {

/// While it lives, a layer that this thread makes has these parameters in the place of its own of these names
/// ("weight"). The innermost one counts.
class TiedParameters {
 public:
  explicit TiedParameters(std::map<std::string, ParameterPtr> by_name);
  ~TiedParameters();
  TiedParameters(const TiedParameters&) = delete;
  TiedParameters& operator=(const TiedParameters&) = delete;

  /// What a layer asks before it makes one; null: it makes its own.
  static ParameterPtr take(const std::string& name);
  /// The names that no layer has asked for.
  std::set<std::string> left() const;

 private:
  std::map<std::string, ParameterPtr> by_name_;
  std::set<std::string> taken_;
  TiedParameters* outer_;
};

}  // namespace firn
