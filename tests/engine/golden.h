// The golden numbers of tests/golden, by case.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/tensor/safetensors.h"

namespace firn::test {

struct Golden {
  std::string name;
  nlohmann::json options;
  std::map<std::string, Tensor> tensors;

  bool has(const std::string& what) const { return tensors.contains(what); }
  const Tensor& at(const std::string& what) const { return tensors.at(what); }
};

/// The cases of one file of tests/golden ("ops.safetensors").
std::vector<Golden> load_goldens(const std::string& file);

}  // namespace firn::test
