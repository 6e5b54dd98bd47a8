#include "optim/policy.h"

#include "engine/base/error.h"

namespace firn {

void FreezePolicy::start(PolicyStart start) {
  if (start.blocks.empty()) {
    throw Error(Fault::usage, "policy", "everything is frozen already: nothing is left to a policy");
  }
  start_ = std::move(start);
  begin();
}

}  // namespace firn
