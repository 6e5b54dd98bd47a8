#include "tools/app/run/forecast.h"

#include <algorithm>

#include "optim/trainer/trainer.h"

namespace firn::cli {

namespace {

constexpr Index kSteps = 3;  // of a kind, before their mean counts
constexpr double kEnoughSeconds = 0.5;

double share(Index part, Index of) {
  return static_cast<double>(part) / static_cast<double>(std::max<Index>(1, of));
}

}  // namespace

void RunForecast::after_step(Index epoch, Index step, double now) {
  const Index count = std::min(work_.batch, work_.samples - (step - 1) * work_.batch);
  // The first one has compiled its program, and waited for the first batch.
  if (epoch_ == 0) {
    first_ = now - last_;
  } else {
    Seen& seen = seen_[kept(epoch)];
    seen.seconds += now - last_;
    seen.samples += count;
    ++seen.steps;
  }
  epoch_ = epoch;
  step_ = step;
  evaluated_ = false;
  last_ = now;
}

void RunForecast::after_epoch(Index epoch, double evaluation, double now) {
  seen_[validates_kept(epoch)].evaluation = evaluation;
  epoch_ = epoch;
  evaluated_ = true;
  last_ = now;
}

bool RunForecast::known() const {
  const bool some =
      seen_[0].steps + seen_[1].steps >= kSteps && seen_[0].seconds + seen_[1].seconds >= kEnoughSeconds;
  return some || (epoch_ >= 2 && evaluated_);
}

/// Of a whole batch.
double RunForecast::step_seconds(bool kept) const {
  const Seen& seen = seen_[kept];
  const auto mean = [&] { return seen.seconds * share(work_.batch, seen.samples); };
  if (kept) return seen.steps >= kSteps ? mean() : work_.kept_step;
  return seen.steps > 0 ? mean() : first_;
}

double RunForecast::evaluation_seconds(bool kept) const {
  const double measured = seen_[kept].evaluation;
  if (measured >= 0) return measured;
  return share(work_.validation, work_.batch) * step_seconds(kept) *
         (kept ? work_.kept_forward : work_.forward);
}

RunSeconds RunForecast::left() const {
  RunSeconds left;
  if (epoch_ == 0) return left;
  const Index gone = evaluated_ ? work_.samples : std::min(work_.samples, step_ * work_.batch);
  left.steps = share(work_.samples - gone, work_.batch) * step_seconds(kept(epoch_));
  if (work_.validation > 0 && !evaluated_) left.validation = evaluation_seconds(validates_kept(epoch_));
  const Index computed = std::clamp<Index>(work_.computing - epoch_, 0, work_.epochs - epoch_);
  const Index from_kept = work_.epochs - epoch_ - computed;
  left.steps += share(work_.samples, work_.batch) * (static_cast<double>(computed) * step_seconds(false) +
                                                     static_cast<double>(from_kept) * step_seconds(true));
  if (work_.validation > 0) {
    left.validation += static_cast<double>(work_.epochs - epoch_) * evaluation_seconds(work_.kept_validation);
  }
  const bool measured = seen_[0].evaluation >= 0 && work_.validation > 0;
  left.test = measured ? share(work_.test, work_.validation) * seen_[0].evaluation
                       : share(work_.test, work_.batch) * step_seconds(false) * work_.forward;
  if (work_.saves) {
    left.files = saving_seconds(work_.saving, work_.files, epoch_ - (evaluated_ ? 0 : 1), work_.epochs,
                                left.steps + left.validation);
  }
  return left;
}

void rehearse(Trainer& trainer, RunForecast& forecast, const std::function<double()>& now) {
  struct Enough {};
  TrainHooks hooks;
  hooks.after_step = [&](Index step, Index, double) {
    forecast.after_step(trainer.epoch(), step, now());
    if (forecast.known()) throw Enough();
  };
  hooks.after_epoch = [&](const EpochRecord& epoch) {
    forecast.after_epoch(epoch.epoch, epoch.eval_seconds, now());
    if (forecast.known()) throw Enough();
  };
  try {
    trainer.run(hooks);
  } catch (const Enough&) {
  }
}

}  // namespace firn::cli
