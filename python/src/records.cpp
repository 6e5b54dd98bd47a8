// What training and judging came to.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "optim/trainer/trainer.h"
#include "python/src/module.h"
#include "tools/app/api/learner.h"

namespace firn::python {

void bind_records(nb::module_& m) {
  nb::class_<EpochRecord>(m, "Epoch", "An epoch as it went.")
      .def_ro("epoch", &EpochRecord::epoch, "Counted from 1.")
      .def_ro("loss", &EpochRecord::loss, "Mean over the samples, before each step's update.")
      .def_ro("validated", &EpochRecord::validated, "Whether there is a validation part.")
      .def_ro("validation_score", &EpochRecord::validation_score, "Accuracy, or the task's first metric.")
      .def_ro("validation_loss", &EpochRecord::validation_loss)
      .def_ro("validation_metrics", &EpochRecord::validation_metrics, "All of the task's metrics.")
      .def_ro("rate", &EpochRecord::rate, "Of the last step.")
      .def_ro("gradient_norm", &EpochRecord::gradient_norm, "Mean over the steps.")
      .def_ro("seconds", &EpochRecord::seconds, "Of training alone.")
      .def_ro("validation_seconds", &EpochRecord::eval_seconds)
      .def_ro("memory_mb", &EpochRecord::rss_mb, "Greatest resident memory of the process so far.")
      .def_ro("steps", &EpochRecord::steps)
      .def_ro("trained_share", &EpochRecord::trained_share, "Of the blocks, mean over the steps.");

  nb::class_<FreezeChange>(m, "FreezeChange", "A block that stopped or began to train.")
      .def_ro("step", &FreezeChange::step)
      .def_ro("block", &FreezeChange::block)
      .def_ro("frozen", &FreezeChange::frozen);

  nb::class_<History>(m, "History")
      .def_ro("epochs", &History::epochs)
      .def_ro("best_epoch", &History::best_epoch)
      .def_ro("best_score", &History::best_score)
      .def_ro("stopped_early", &History::stopped_early)
      .def_ro("interrupted", &History::interrupted)
      .def_ro("changes", &History::changes)
      .def_prop_ro("audit_watched", [](const History& h) { return h.audit.watched; })
      .def_prop_ro("audit_changed", [](const History& h) { return h.audit.changed; });

  nb::class_<Evaluation>(m, "Evaluation")
      .def_ro("samples", &Evaluation::samples)
      .def_ro("loss", &Evaluation::loss)
      .def_ro("metrics", &Evaluation::metrics)
      .def_ro("classes", &Evaluation::classes)
      .def_ro("confusion", &Evaluation::confusion)
      .def("macro_f1", &Evaluation::macro_f1);

  nb::class_<BlockSummary>(m, "BlockSummary")
      .def_ro("name", &BlockSummary::name)
      .def_ro("layers", &BlockSummary::layers)
      .def_prop_ro("output",
                   [](const BlockSummary& b) {
                     return std::vector<Index>(b.output.sizes().begin(), b.output.sizes().end());
                   })
      .def_ro("parameters", &BlockSummary::parameters)
      .def_ro("trainable", &BlockSummary::trainable)
      .def_ro("frozen", &BlockSummary::frozen)
      .def_ro("macs_forward", &BlockSummary::macs_forward)
      .def_ro("macs_input_gradient", &BlockSummary::macs_input_gradient)
      .def_ro("macs_weight_gradient", &BlockSummary::macs_weight_gradient)
      .def_ro("kept_bytes", &BlockSummary::kept_bytes);
}

}  // namespace firn::python
