// A command of the program: a verb and its words.
#pragma once

#include <string>
#include <vector>

namespace firn::cli {

/// Runs "train", "--model", "cnn", ... as the program does; the exit code. Throws Error, whose fault is the
/// exit code, Interrupted, and ClosedPipe.
int run_command(std::vector<std::string> words);

}  // namespace firn::cli
