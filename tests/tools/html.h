// Looks at pages.
#pragma once

#include <regex>
#include <string>
#include <vector>

namespace firn::test {

/// Every element that is opened is closed, in the right order.
inline bool balanced(const std::string& html) {
  static const std::regex tag("<(/?)([a-zA-Z][a-zA-Z0-9]*)[^>]*?(/?)>");
  std::vector<std::string> open;
  for (auto m = std::sregex_iterator(html.begin(), html.end(), tag); m != std::sregex_iterator(); ++m) {
    const std::string name = (*m)[2];
    if ((*m)[3].length() > 0 || name == "meta" || name == "img" || name == "br") continue;
    if ((*m)[1].length() == 0) {
      open.push_back(name);
    } else {
      if (open.empty() || open.back() != name) return false;
      open.pop_back();
    }
  }
  return open.empty();
}

}  // namespace firn::test
