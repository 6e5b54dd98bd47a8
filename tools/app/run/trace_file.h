// Kernel calls as a file that Perfetto and chrome://tracing open.
#pragma once

#include <memory>
#include <string>

#include "engine/program/step_trace.h"
#include "tools/app/cli/arguments.h"
#include "tools/app/cli/console.h"

namespace firn::cli {

struct TraceChoice {
  std::string path;  ///< empty: nothing is traced
  Index runs = 8;
};

/// --trace FILE, --trace-steps N
void declare_trace(Arguments& arguments, TraceChoice& choice);
/// Null where nothing is traced. The first `skip` runs of programs are left out.
std::shared_ptr<StepTrace> make_trace(const TraceChoice& choice, Index skip = 0);

/// The JSON of the Trace Event Format: a track a thread, a complete event ("X", microseconds) a call, named
/// "conv1: conv2d 3x3 32->64", its category the pass.
std::string trace_json(const StepTrace& trace);
/// Writes it where the choice says, whole or not at all, and says so. Throws Error(failure).
void write_trace(Console& console, const TraceChoice& choice, const StepTrace& trace);

}  // namespace firn::cli
