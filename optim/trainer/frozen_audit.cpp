#include "optim/trainer/frozen_audit.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/sha256.h"

namespace firn {

namespace {

std::string hash_of(const Parameter& parameter) {
  return sha256_hex(std::as_bytes(parameter.value().values()));
}

}  // namespace

FrozenAudit::FrozenAudit(const std::vector<NamedParameter>& parameters) {
  for (const NamedParameter& p : parameters) {
    const bool known = std::any_of(all_.begin(), all_.end(),
                                   [&](const Watched& one) { return one.parameter == p.parameter; });
    if (!known) all_.push_back({p.name, p.parameter, {}});
  }
}

void FrozenAudit::restart() {
  for (Watched& one : all_) {
    one.hash.clear();
    one.ever = one.changed = false;
  }
}

void FrozenAudit::take_up() {
  look();
  for (Watched& one : all_) {
    if (one.parameter->trainable() || !one.hash.empty()) continue;
    one.hash = hash_of(*one.parameter);
    one.ever = true;
  }
}

void FrozenAudit::look() {
  for (Watched& one : all_) {
    if (one.parameter->trainable() && !one.hash.empty()) judge(one);
  }
}

void FrozenAudit::judge(Watched& one) {
  if (hash_of(*one.parameter) != one.hash) one.changed = true;
  one.hash.clear();
}

void FrozenAudit::check(Index step) const {
  for (const Watched& one : all_) {
    if (one.hash.empty() || hash_of(*one.parameter) == one.hash) continue;
    throw Error(Fault::failure, "audit",
                fmt::format("{} is frozen and was changed in step {}", one.name, step));
  }
}

AuditReport FrozenAudit::finish() {
  AuditReport report;
  for (Watched& one : all_) {
    if (!one.hash.empty()) judge(one);
    if (one.ever) ++report.watched;
    if (one.changed) report.changed.push_back(one.name);
  }
  return report;
}

}  // namespace firn
