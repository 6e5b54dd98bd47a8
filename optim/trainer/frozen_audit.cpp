#include "optim/trainer/frozen_audit.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/sha256.h"

namespace firn {

namespace {

constexpr std::size_t kDigits = 64;  // of a hash

/// Of what does not train beside `trains`.
std::string hash_of(const Parameter& parameter, const std::optional<TrainableRanges>& trains) {
  const auto values = parameter.value().values();
  if (!trains) return sha256_hex(std::as_bytes(values));
  const TrainableRanges frozen{trains->axis, complement(trains->ranges, parameter.shape()[trains->axis])};
  Sha256 hash;
  for_each_trainable(&frozen, parameter.shape(), 0, frozen.shape_in(parameter.shape()).count(),
                     [&](Index, Index place, Index count) {
                       hash.update(std::as_bytes(
                           values.subspan(static_cast<std::size_t>(place), static_cast<std::size_t>(count))));
                     });
  return hash.hex();
}

}  // namespace

bool FrozenAudit::Watched::frozen_as_hashed(const FreezeSet& freeze) const {
  if (!freeze.trains(*parameter)) return !trains;
  const TrainableRanges* now = freeze.trainable_ranges(*parameter);
  return trains && now != nullptr && *now == *trains;
}

bool FrozenAudit::Watched::same() const {
  return hash_of(*parameter, trains) == hash;
}

/// As --freeze would name it.
std::string FrozenAudit::Watched::text() const {
  if (!trains) return name;
  return fmt::format("{}[{}]", name, text_of(complement(trains->ranges, parameter->units())));
}

FrozenAudit::FrozenAudit(const std::vector<NamedParameter>& parameters, bool each_step)
    : each_step_(each_step) {
  for (const NamedParameter& p : parameters) {
    const bool known = std::any_of(all_.begin(), all_.end(),
                                   [&](const Watched& one) { return one.parameter == p.parameter; });
    if (!known) all_.push_back({p.name, p.parameter});
  }
}

void FrozenAudit::before_step(StepMoment& now) {
  if (each_step_ || now.opens_epoch) {
    take_up(*now.freeze);
  } else {
    verify_changed(*now.freeze);
  }
}

void FrozenAudit::after_update(StepMoment& now) {
  if (each_step_) check(now.number + 1);
}

void FrozenAudit::end_run(History& history) {
  history.audit = finish();
}

void FrozenAudit::restart() {
  for (Watched& one : all_) one = {one.name, one.parameter};
}

void FrozenAudit::take_up(const FreezeSet& freeze) {
  verify_changed(freeze);
  for (Watched& one : all_) {
    const TrainableRanges* trains = freeze.trainable_ranges(*one.parameter);
    if ((freeze.trains(*one.parameter) && trains == nullptr) || !one.hash.empty()) continue;
    one.trains.reset();
    if (trains != nullptr) one.trains = *trains;
    one.hash = hash_of(*one.parameter, one.trains);
    one.ever = true;
    one.whole = one.whole || trains == nullptr;
  }
}

void FrozenAudit::verify_changed(const FreezeSet& freeze) {
  for (Watched& one : all_) {
    if (!one.hash.empty() && !one.frozen_as_hashed(freeze)) judge(one);
  }
}

void FrozenAudit::judge(Watched& one) {
  if (!one.same()) one.changed = true;
  one.hash.clear();
}

void FrozenAudit::check(Index step) const {
  for (const Watched& one : all_) {
    if (one.hash.empty() || one.same()) continue;
    throw Error(Fault::failure, "audit",
                fmt::format("{} is frozen and was changed in step {}", one.text(), step));
  }
}

AuditReport FrozenAudit::finish() {
  AuditReport report;
  for (Watched& one : all_) {
    if (!one.hash.empty()) judge(one);
    if (one.ever) ++report.watched;
    if (one.ever && !one.whole) ++report.in_part;
    if (one.changed) report.changed.push_back(one.name);
  }
  return report;
}

void FrozenAudit::save(const StateWriter& to) const {
  for (const Watched& one : all_) {
    const StateWriter part = to.part(one.name);
    part.flag("ever", one.ever);
    if (!one.ever) continue;
    part.text("sha256", one.hash);
    part.flag("whole", one.whole);
    part.flag("changed", one.changed);
    if (!one.hash.empty() && one.trains) part.ranges("live", one.trains->ranges);
  }
}

void FrozenAudit::load(const StateReader& from, const History&) {
  restart();
  for (Watched& one : all_) {
    const StateReader part = from.part(one.name);
    one.ever = part.flag("ever");
    if (!one.ever) continue;
    one.whole = part.flag("whole");
    one.changed = part.flag("changed");
    one.hash = part.text("sha256");
    if (!one.hash.empty() && one.hash.size() != kDigits) part.fail("sha256", "is no hash");
    if (!part.has("live")) continue;
    one.trains = TrainableRanges{one.parameter->unit_axis(), part.ranges("live", one.parameter->units())};
    const Index trains = one.trains->count();
    if (one.trains->axis < 0 || trains == 0 || trains == one.parameter->units()) {
      part.fail("live", "cannot be a part of it");
    }
  }
}

}  // namespace firn
