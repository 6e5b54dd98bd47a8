// Which classes are taken for which.
#pragma once

#include <string>
#include <vector>

#include "engine/base/real.h"
#include "tools/app/report/page.h"

namespace firn::cli::report {

/// Draws `counts` (true, predicted), row-major, as shares of each true class, and lists the most frequent
/// mistakes. Of more than 30 classes only the list is given.
void add_confusion(Page& page, const std::vector<std::string>& classes, const std::vector<Index>& counts);

}  // namespace firn::cli::report
