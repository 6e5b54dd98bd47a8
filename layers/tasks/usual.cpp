#include "layers/tasks/usual.h"

#include "layers/tasks/classification.h"

namespace firn {

TaskPtr usual_task(const Model& model) {
  if (model.each_step()) return std::make_shared<NextToken>(model.width(), model.input().lengths);
  return std::make_shared<Classification>(model.width());
}

}  // namespace firn
