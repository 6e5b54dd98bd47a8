// What holds for the whole process: threads, versions, the program itself.
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <tuple>
#include <vector>

#include "engine/base/parallel.h"
#include "layers/model.h"
#include "python/src/module.h"
#include "tools/app/cli/process.h"
#include "tools/app/cli/version.h"
#include "tools/app/verbs/command.h"

namespace firn::python {

using namespace nb::literals;

void bind_process(nb::module_& m) {
  m.def("version", &cli::version);
  m.def("commit", &cli::commit);
  m.def("threads", &thread_count);
  m.def("set_threads", &set_thread_count, "n"_a);
  m.def("models", [] {
    std::vector<std::tuple<std::string, std::string>> all;
    for (const ModelEntry& entry : model_registry()) all.emplace_back(entry.name, entry.text);
    return all;
  });
  m.def("set_leak_warnings", &nb::set_leak_warnings, "on"_a,
        "At the interpreter's end, of what still lives.");
  m.def("set_own_program", &cli::set_own_program, "words"_a, "What runs the program once more.");
  m.def("run_command", &cli::run_command, "words"_a, nb::call_guard<nb::gil_scoped_release>(),
        "Runs a verb of the program firn, which prints to the process's own streams; its exit code.");
}

}  // namespace firn::python
