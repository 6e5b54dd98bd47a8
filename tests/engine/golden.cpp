#include "tests/engine/golden.h"

#include <doctest/doctest.h>

#include <cstdlib>

namespace firn::test {

std::vector<Golden> load_goldens(const std::string& file) {
  const char* root = std::getenv("FIRN_SOURCE_DIR");
  REQUIRE_MESSAGE(root != nullptr, "FIRN_SOURCE_DIR is not set");
  const SafeTensors stored = load_safetensors(std::string(root) + "/tests/golden/" + file);
  std::vector<Golden> cases;
  for (const auto& [name, text] : stored.metadata) {
    if (name == "format" || name == "torch") continue;
    Golden golden{name, nlohmann::json::parse(text), {}};
    for (const NamedTensor& tensor : stored.tensors) {
      const std::size_t dot = tensor.name.find('.');
      if (tensor.name.substr(0, dot) == name) golden.tensors[tensor.name.substr(dot + 1)] = tensor.tensor;
    }
    cases.push_back(std::move(golden));
  }
  return cases;
}

}  // namespace firn::test
