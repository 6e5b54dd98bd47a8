// What of a training step is computed and what is absent, block by block.
#pragma once

#include <string>
#include <vector>

#include "tools/app/report/svg.h"

namespace firn::cli::report {

struct ProgramPicture {
  std::string title, description;
  std::vector<std::string> blocks;  ///< names, from the input to the head
  /// Blocks [0, frozen) are frozen: their F runs once a sample with nothing kept, X and W are absent.
  std::size_t frozen = 0;
};

/// Three rows: forward F, input gradient X, weight gradient W; what is frozen is ice, what is absent empty
/// and dashed. The first block that trains has no X: nothing below wants it. Each box is a group of the
/// classes "pass", "p" and its pass (pf, px, pw), "b" and its block (b0, b1, ...), for the page's script,
/// which draws other cuts by the same rule.
Svg draw(const ProgramPicture& picture);

}  // namespace firn::cli::report
