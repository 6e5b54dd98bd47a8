// Data as Python holds it.
#pragma once

#include "data/dataset.h"

namespace firn::python {

/// A set of samples.
struct Samples {
  DatasetPtr set;
};

}  // namespace firn::python
