// How a model is trained, field by field.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "python/src/module.h"
#include "tools/app/api/fit_options.h"

namespace firn::python {

void bind_options(nb::module_& m) {
  nb::class_<FitOptions>(m, "FitOptions")
      .def(nb::init<>())
      .def_rw("epochs", &FitOptions::epochs)
      .def_rw("batch", &FitOptions::batch)
      .def_rw("seed", &FitOptions::seed)
      .def_rw("optimizer", &FitOptions::optimizer)
      .def_rw("rate", &FitOptions::rate, nb::arg().none())
      .def_rw("momentum", &FitOptions::momentum, nb::arg().none())
      .def_rw("nesterov", &FitOptions::nesterov)
      .def_rw("betas", &FitOptions::betas)
      .def_rw("alpha", &FitOptions::alpha, nb::arg().none())
      .def_rw("epsilon", &FitOptions::epsilon, nb::arg().none())
      .def_rw("decay", &FitOptions::decay, nb::arg().none())
      .def_rw("schedule", &FitOptions::schedule)
      .def_rw("clip", &FitOptions::clip)
      .def_rw("smoothing", &FitOptions::smoothing)
      .def_rw("augment", &FitOptions::augment)
      .def_rw("block_rates", &FitOptions::block_rates)
      .def_rw("patience", &FitOptions::patience)
      .def_rw("class_weights", &FitOptions::class_weights)
      .def_rw("thaw", &FitOptions::thaw)
      .def_rw("policy", &FitOptions::policy)
      .def_rw("frozen_state", &FitOptions::frozen_state)
      .def_rw("thaw_warm_up", &FitOptions::thaw_warm_up)
      .def_rw("frozen_norm", &FitOptions::frozen_norm)
      .def_rw("frozen_dropout", &FitOptions::frozen_dropout)
      .def_rw("precision", &FitOptions::precision)
      .def_rw("frozen_precision", &FitOptions::frozen_precision)
      .def_rw("cache", &FitOptions::cache)
      .def_rw("exact", &FitOptions::exact)
      .def_rw("restore_best", &FitOptions::restore_best);
}

}  // namespace firn::python
