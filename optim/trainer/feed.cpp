#include "optim/trainer/feed.h"

namespace firn {

void feed_batch(Program& program, const Model& model, const Batch& batch) {
  program.feed("x", batch.x);
  if (model.input().lengths) program.feed("lengths", batch.lengths);
}

}  // namespace firn
