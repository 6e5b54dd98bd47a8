// Other programs, run to their end.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace firn::cli {

struct ProcessOutcome {
  int code = 0;  ///< exit code; 128 + signal when one ended it
  std::string out, err;
};

/// Runs a program (found by PATH) with these words and this process' environment, `environment` put over it,
/// and waits for it. Throws Error(failure) when it cannot be started.
ProcessOutcome run_process(const std::vector<std::string>& words,
                           const std::vector<std::pair<std::string, std::string>>& environment = {});

/// The words that run this program once more: its file, unless others were said.
std::vector<std::string> own_program();
/// Where the program is part of another one (of Python's package): what runs it there.
void set_own_program(std::vector<std::string> words);

}  // namespace firn::cli
