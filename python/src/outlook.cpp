// What training will cost, and what to freeze of it.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <string>

#include "python/src/module.h"
#include "python/src/samples.h"
#include "python/src/signals.h"
#include "tools/app/api/learner.h"

namespace firn::python {

using namespace nb::literals;

namespace {

StepOutlook forecast(const Learner& learner, Index batch, const FitOptions& options) {
  const nb::gil_scoped_release free;
  Signals signals;
  return learner.forecast(batch, options, [&] { signals.check(); });
}

LearnerAdvice advise(Learner& learner, const Samples& train, const std::optional<Samples>& validation,
                     const FitOptions& options, double time, double memory, double accuracy,
                     double probe_time) {
  DataParts data;
  data.train = train.set;
  if (validation) data.validation = validation->set;
  const nb::gil_scoped_release free;
  Signals signals;
  return learner.advise(data, {.time = time,
                               .memory = memory,
                               .accuracy = accuracy,
                               .probe_time = probe_time,
                               .fit = options,
                               .each = [&] { signals.check(); }});
}

}  // namespace

void bind_outlook(nb::module_& m) {
  nb::class_<StepOutlook::Block>(m, "BlockOutlook")
      .def_ro("name", &StepOutlook::Block::name)
      .def_ro("forward", &StepOutlook::Block::forward)
      .def_ro("input_gradient", &StepOutlook::Block::input_gradient)
      .def_ro("weight_gradient", &StepOutlook::Block::weight_gradient);
  nb::class_<StepOutlook>(m, "StepOutlook")
      .def_ro("blocks", &StepOutlook::blocks)
      .def_ro("seconds", &StepOutlook::seconds)
      .def_ro("optimizer", &StepOutlook::optimizer)
      .def_ro("arena", &StepOutlook::arena)
      .def_ro("once", &StepOutlook::once)
      .def_ro("parameters", &StepOutlook::parameters)
      .def_ro("state", &StepOutlook::state)
      .def_ro("feeds", &StepOutlook::feeds);
  nb::class_<AdvisedCut>(m, "AdvisedCut")
      .def_ro("frozen", &AdvisedCut::frozen)
      .def_ro("step", &AdvisedCut::step)
      .def_ro("seconds", &AdvisedCut::seconds)
      .def_ro("bytes", &AdvisedCut::bytes)
      .def_ro("accuracy", &AdvisedCut::accuracy)
      .def_ro("low", &AdvisedCut::low)
      .def_ro("high", &AdvisedCut::high)
      .def_ro("known", &AdvisedCut::known)
      .def_ro("fits", &AdvisedCut::fits);
  nb::class_<LearnerAdvice>(m, "LearnerAdvice")
      .def_ro("cuts", &LearnerAdvice::cuts)
      .def_ro("chosen", &LearnerAdvice::chosen)
      .def_ro("reason", &LearnerAdvice::reason);
  m.def("forecast", &forecast, "learner"_a, "batch"_a, "options"_a);
  m.def("advise", &advise, "learner"_a, "train"_a, "validation"_a.none(), "options"_a, "time"_a, "memory"_a,
        "accuracy"_a, "probe_time"_a);
}

}  // namespace firn::python
