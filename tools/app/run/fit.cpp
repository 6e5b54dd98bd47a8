#include "tools/app/run/fit.h"

namespace firn::cli {

InputSpec input_of(const DataInfo& info) {
  InputSpec input;
  input.sample = info.shape;
  if (info.kind == DataKind::tokens) input.vocabulary = static_cast<Index>(info.vocabulary.size());
  input.lengths = (info.kind == DataKind::tokens && !info.label_each_step) || info.kind == DataKind::sequence;
  input.each_step = info.label_each_step;
  return input;
}

}  // namespace firn::cli
