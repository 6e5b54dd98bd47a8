#include "python/src/module.h"

/// threadpoolctl knows the module by it.
extern "C" __attribute__((visibility("default"), used)) const int firn_python_module = 1;

NB_MODULE(_core, m) {
  using namespace firn::python;
  m.doc() = "The C++ half of firn; what people use is in the package around it.";
  nb::set_leak_warnings(false);  // objects that live until the interpreter ends are no fault of the user's
  bind_errors(m);
  bind_process(m);
  bind_data(m);
  bind_records(m);
  bind_options(m);
  bind_policy(m);
  bind_learner(m);
  bind_outlook(m);
  bind_graph(m);
  bind_ops(m);
  bind_model_step(m);
}
