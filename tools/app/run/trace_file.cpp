#include "tools/app/run/trace_file.h"

#include <fmt/core.h>

#include "engine/base/atomic_file.h"

namespace firn::cli {

namespace {

std::string_view category_of(Pass pass) {
  return pass == Pass::forward          ? "forward"
         : pass == Pass::input_gradient ? "input gradient"
                                        : "weight gradient";
}

JsonObject event_json(const StepTrace::Label& label, const StepTrace::Event& event, std::size_t thread) {
  JsonObject where;
  where.add("block", label.block).add("slice", event.slice).add("task", event.task);
  JsonObject line;
  line.add("name", label.layer + ": " + label.operation).add("cat", category_of(label.pass)).add("ph", "X");
  line.add("ts", event.begin * 1e6).add("dur", (event.end - event.begin) * 1e6);
  return line.add("pid", 1).add("tid", thread + 1).add("args", where);
}

JsonObject name_json(std::string_view what, std::size_t thread, const std::string& name) {
  JsonObject line;
  line.add("name", what).add("ph", "M").add("pid", 1).add("tid", thread);
  return line.add("args", JsonObject().add("name", name));
}

}  // namespace

void declare_trace(Arguments& arguments, TraceChoice& choice) {
  arguments.option("--trace", choice.path, "FILE.json",
                   "also write when each kernel ran on which thread, for Perfetto or chrome://tracing");
  arguments.option("--trace-steps", choice.runs, "N", from_to(1, 10000), "--trace: runs of a program (8)");
}

std::shared_ptr<StepTrace> make_trace(const TraceChoice& choice, Index skip) {
  return choice.path.empty() ? nullptr : std::make_shared<StepTrace>(choice.runs, skip);
}

std::string trace_json(const StepTrace& trace) {
  std::string text =
      "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n" + name_json("process_name", 0, "firn").text();
  for (std::size_t thread = 0; thread < trace.events().size(); ++thread) {
    text += ",\n" + name_json("thread_name", thread + 1, fmt::format("thread {}", thread)).text();
    for (const StepTrace::Event& event : trace.events()[thread])
      text += ",\n" + event_json(trace.labels()[event.label], event, thread).text();
  }
  return text + "\n]}\n";
}

void write_trace(Console& console, const TraceChoice& choice, const StepTrace& trace) {
  atomic_write(choice.path, trace_json(trace));
  std::size_t calls = 0;
  for (const auto& thread : trace.events()) calls += thread.size();
  console.note(fmt::format("{}: {} kernel calls of {} runs, for https://ui.perfetto.dev or chrome://tracing",
                           choice.path, calls, trace.runs()));
}

}  // namespace firn::cli
