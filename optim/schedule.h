// Rate schedules: a factor on the base rate for each step.
#pragma once

#include <functional>
#include <string>

#include "engine/base/real.h"

namespace firn {

/// The factor for step `step` of `steps` in all, both counted from 0; a pure function.
using Schedule = std::function<double(Index step, Index steps)>;

Schedule constant_schedule();
/// gamma^floor(step / every) (torch StepLR). Throws Error(usage) when every < 1.
Schedule step_schedule(Index every, double gamma);
/// From 1 to `last` along half a cosine (Loshchilov and Hutter 2017, equation 5; torch CosineAnnealingLR).
Schedule cosine_schedule(double last = 0);
/// Up from 1/divide to 1 in the first `rise` share of the steps, down to 1/(divide*final_divide), both along
/// half a cosine (Smith 2018; torch OneCycleLR). The base rate is the greatest.
Schedule one_cycle_schedule(double rise = 0.3, double divide = 25, double final_divide = 1e4);
/// `after`, its factor scaled linearly from `start` up to 1 over the first `steps` steps.
Schedule warm_up(Schedule after, Index steps, double start = 0);

/// Whether a run of `one` steps has in all of them the rates of the first steps of one of `other`, of more.
bool same_beginning(const Schedule& schedule, Index one, Index other);

/// By name, for command lines: "constant", "cosine", "one-cycle", "step:EVERY:GAMMA"; each with
/// ",warm-up:STEPS" behind it if wanted. Throws Error(usage) for an unknown one, with the nearest name.
Schedule parse_schedule(const std::string& text);

}  // namespace firn
