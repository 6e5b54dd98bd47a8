#include "engine/program/plan.h"

namespace firn {

Operand Plan::place_of(Value value) const {
  const auto found = places.find(key_of(behind_views(value)));
  return found == places.end() ? Operand{} : found->second;
}

Value behind_views(Value value) {
  while (value.node->op() != nullptr && value.node->op()->traits().view) value = value.node->inputs()[0];
  return value;
}

}  // namespace firn
