// The memory of a step over its time, measured.
#pragma once

#include <string>

#include "tools/app/report/arena_chart.h"

namespace firn::cli {

/// Runs a program that is fed, two times to warm up and then five times timed. It must outlive the chart.
report::ArenaChart timed_arena(std::string title, Program& program);

}  // namespace firn::cli
