#include "tools/app/run/dry_run.h"

#include <fmt/core.h>

#include <cmath>

#include "engine/base/parallel.h"
#include "tools/app/cli/duration.h"

namespace firn::cli {

void report_dry_run(Console& console, const DryRun& run) {
  const RunSeconds& left = run.left;
  const double all = run.reading + left.all();
  const double kept = run.kept_step;
  if (console.json()) {
    return console.close(JsonObject()
                             .add("dry_run", true)
                             .add("epochs", run.epochs)
                             .add("reading_seconds", run.reading)
                             .add("training_seconds", left.steps)
                             .add("validation_seconds", left.validation)
                             .add("test_seconds", left.test)
                             .add("files_seconds", left.files)
                             .add("seconds", all)
                             .add("step_ms", run.step * 1e3)
                             .add("kept_ms", kept > 0 ? kept * 1e3 : std::nan(""))
                             .add("bytes", run.bytes)
                             .add("resident_bytes", run.resident > 0 ? run.resident : std::nan(""))
                             .add("threads", thread_count()));
  }
  console.out(fmt::format(
      "about {} on {} threads: reading {}, steps of {} epochs {}, validation {}, the test part {}, files {}; "
      "a step {:.3f} ms{}",
      seconds_text(all), thread_count(), seconds_text(run.reading), run.epochs, seconds_text(left.steps),
      seconds_text(left.validation), seconds_text(left.test), seconds_text(left.files), run.step * 1e3,
      kept > 0 ? fmt::format(", {:.3f} ms from kept features", kept * 1e3) : ""));
}

}  // namespace firn::cli
