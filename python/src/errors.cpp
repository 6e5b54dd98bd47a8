// Errors of firn become exceptions of firn.errors, with the text of the program.
#include <nanobind/stl/string.h>

#include <exception>

#include "engine/base/error.h"
#include "python/src/module.h"
#include "tools/app/cli/interrupt.h"

namespace firn::python {

namespace {

void raise(const Error& error) {
  const nb::object made = nb::module_::import_("firn.errors")
                              .attr("from_core")(static_cast<int>(error.fault()), error.what(),
                                                 error.operation(), error.path(), error.offset());
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made.ptr())), made.ptr());
}

}  // namespace

void bind_errors(nb::module_&) {
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const Error& error) {
      raise(error);
    } catch (const cli::Interrupted&) {
      PyErr_SetNone(PyExc_KeyboardInterrupt);
    }
  });
}

}  // namespace firn::python
