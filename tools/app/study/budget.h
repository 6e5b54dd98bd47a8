// A study that fits a time: which cells of a grid say the most in it, and in which order.
#pragma once

#include <string>
#include <vector>

#include "tools/app/study/grid.h"
#include "tools/app/study/work.h"

namespace firn::cli {

/// A time, and what is spent of it.
struct TimeBudget {
  TimeBudget(double all, double gone = 0) : seconds(all), spent(gone) {}
  double seconds, spent;
  double left() const { return seconds - spent; }
};

/// The part of a plan that is done, and what is said of it.
struct BudgetedPlan {
  Plan plan;
  WorkForecast work;
  std::string text;  ///< "84 of 320 cells: ..."
};

/// Leaves out of the plan what is left of the time does not allow on so many threads. Arms are taken with
/// three seeds together, since fewer cannot tell them apart: for each task full tuning and the deepest cut
/// first, then scratch and the middle cut, then the other cuts and policies; then of all of these as many
/// seeds as tell one point (`told_seeds`); then random frozen, late and unusual arms; then all that is left.
/// What comes first is also run first. Where not even the first two arms of the first task fit with three
/// seeds they have two, or one. Throws Error(usage) naming the least time where nothing fits.
BudgetedPlan within_budget(const Plan& plan, const WorkForecast& work, const TimeBudget& time, int threads,
                           Index told_seeds = 10);

}  // namespace firn::cli
