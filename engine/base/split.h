// Lists as options write them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace firn {

/// The parts of `text` between the characters `at`: "a,,b" gives "a", "", "b", and "" one empty part.
std::vector<std::string> split(std::string_view text, char at);

}  // namespace firn
