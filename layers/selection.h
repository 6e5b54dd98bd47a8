// Parameters by name: what a pattern stands for.
#pragma once

#include <string>
#include <vector>

#include "engine/graph/parameter.h"

namespace firn {

/// A parameter under the name that it has seen from some layer: "layer1.0.conv1.weight".
struct NamedParameter {
  std::string name;
  ParameterPtr parameter;
};

/// The parameters among `all` that `pattern` names, as `Layer::freeze` understands it; same errors.
std::vector<ParameterPtr> select(const std::vector<NamedParameter>& all, const std::string& pattern);

/// Whether a dotted name is one that a glob or the name of a layer around it ("conv1") stands for.
bool names_parameter(const std::string& pattern, const std::string& name);

/// `name` below `prefix`: "layer1" and "conv" give "layer1.conv"; an empty one adds no dot.
std::string dotted(const std::string& prefix, const std::string& name);

}  // namespace firn
