// What firn._core is made of: each function adds one part to the module.
#pragma once

#include <nanobind/nanobind.h>

namespace firn::python {

namespace nb = nanobind;

void bind_errors(nb::module_& m);
void bind_data(nb::module_& m);
void bind_records(nb::module_& m);
void bind_options(nb::module_& m);
void bind_learner(nb::module_& m);
void bind_policy(nb::module_& m);
void bind_outlook(nb::module_& m);
void bind_graph(nb::module_& m);
void bind_model_step(nb::module_& m);
void bind_ops(nb::module_& m);
void bind_process(nb::module_& m);

}  // namespace firn::python
