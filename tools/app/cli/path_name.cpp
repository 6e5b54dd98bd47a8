#include "tools/app/cli/path_name.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/printable.h"

namespace firn::cli {

namespace {

constexpr std::size_t kMostNameBytes = 200;  // with a number, or an ending, still a name

}  // namespace

std::string path_name_fault(std::string_view name) {
  const bool good = !name.empty() && name.size() <= kMostNameBytes && name.front() != '.' &&
                    name.front() != '-' && name.find_first_of("/\\") == std::string_view::npos &&
                    printable(name) == name;
  if (good) return {};
  return fmt::format(
      "'{}' is no name for a folder or a file: want 1 to {} bytes of printable text without / and \\, which "
      "do "
      "not begin with a dot or a dash",
      name, kMostNameBytes);
}

void require_path_name(std::string_view name, Fault fault, std::string_view operation,
                       std::string_view where) {
  const std::string wrong = path_name_fault(name);
  if (wrong.empty()) return;
  throw Error(fault, operation, where.empty() ? wrong : fmt::format("{}: {}", where, wrong));
}

std::string path_name(std::string_view text) {
  std::string name = printable(text);
  std::replace_if(
      name.begin(), name.end(),
      [](char c) { return std::string_view("/\\: ").find(c) != std::string_view::npos; }, '-');
  name.erase(0, std::min(name.find_first_not_of("-."), name.size()));
  name.resize(std::min(name.size(), kMostNameBytes / 2));
  while (!name.empty() && printable(name) != name) name.pop_back();  // cut within a character
  return name.empty() ? "data" : name;
}

}  // namespace firn::cli
