#include "optim/policy.h"

#include "engine/base/error.h"

namespace firn {

void FreezePolicy::start(PolicyStart start) {
  if (start.blocks.empty()) {
    throw Error(Fault::usage, "policy", "everything is frozen already: nothing is left to a policy");
  }
  start_ = std::move(start);
  start_.seed ^= data_;
  begin();
}

void FreezePolicy::set_data(std::string_view fingerprint) {
  // FNV-1a, 64 bits.
  data_ = fingerprint.empty() ? 0 : 14695981039346656037ULL;
  for (const char c : fingerprint) data_ = (data_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
}

}  // namespace firn
