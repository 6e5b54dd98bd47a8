#include "optim/schedule.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/base/split.h"

namespace firn {

namespace {

/// Along half a cosine from `from` to `to`, t in [0,1].
double ease(double from, double to, double t) {
  return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * t));
}

/// All of `text` as a number from `least` to `most`; `what`: "a number of steps".
template <class T>
T number(const std::string& schedule, const std::string& text, T least, T most, const char* what) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= least && value <= most)) {
    throw Error(Fault::usage, "schedule",
                fmt::format("{}: '{}': want {} from {} to {}", schedule, text, what, least, most));
  }
  return value;
}

Index steps_of(const std::string& schedule, const std::string& text, Index least) {
  return number<Index>(schedule, text, least, 1000000000, "a whole number of steps");
}

}  // namespace

Schedule constant_schedule() {
  return [](Index, Index) { return 1.0; };
}

Schedule step_schedule(Index every, double gamma) {
  if (every < 1) throw Error(Fault::usage, "schedule", fmt::format("step: {} steps are too few", every));
  return [=](Index step, Index) { return std::pow(gamma, static_cast<double>(step / every)); };
}

Schedule cosine_schedule(double last) {
  return [=](Index step, Index steps) {
    return ease(1, last,
                steps > 0 ? std::min(1.0, static_cast<double>(step) / static_cast<double>(steps)) : 0);
  };
}

Schedule one_cycle_schedule(double rise, double divide, double final_divide) {
  if (!(rise > 0 && rise < 1) || !(divide >= 1) || !(final_divide >= 1)) {
    throw Error(Fault::usage, "schedule",
                fmt::format("one-cycle: rise {}, divide {}, final {}", rise, divide, final_divide));
  }
  return [=](Index step, Index steps) {
    const double top = rise * static_cast<double>(steps) - 1;
    const double end = static_cast<double>(steps) - 1;
    const double at = static_cast<double>(step);
    if (at <= top) return ease(1 / divide, 1, top > 0 ? at / top : 1);
    return ease(1, 1 / (divide * final_divide), end > top ? std::min(1.0, (at - top) / (end - top)) : 1);
  };
}

Schedule warm_up(Schedule after, Index steps, double start) {
  if (steps < 0 || !(start >= 0 && start <= 1)) {
    throw Error(Fault::usage, "schedule", fmt::format("warm-up: {} steps from {}", steps, start));
  }
  return [=](Index step, Index total) {
    const double factor = after(step, total);
    if (step >= steps) return factor;
    return factor * (start + (1 - start) * static_cast<double>(step) / static_cast<double>(steps));
  };
}

bool same_beginning(const Schedule& schedule, Index one, Index other) {
  for (Index step = 0; step < one; ++step) {
    if (schedule(step, one) != schedule(step, other)) return false;
  }
  return true;
}

Schedule parse_schedule(const std::string& text) {
  Schedule schedule;
  for (const std::string& part : split(text, ',')) {
    const std::vector<std::string> words = split(part, ':');
    const std::string& name = words[0];
    const auto want = [&](std::size_t count) {
      if (words.size() != count)
        throw Error(Fault::usage, "schedule", fmt::format("{} wants {} values", name, count - 1));
    };
    if (name == "warm-up" && schedule) {
      want(2);
      schedule = warm_up(schedule, steps_of(name, words[1], 0));
    } else if (schedule) {
      throw Error(Fault::usage, "schedule", fmt::format("{}: only warm-up:STEPS may follow", part));
    } else if (name == "constant") {
      want(1);
      schedule = constant_schedule();
    } else if (name == "cosine") {
      want(1);
      schedule = cosine_schedule();
    } else if (name == "one-cycle") {
      want(1);
      schedule = one_cycle_schedule();
    } else if (name == "step") {
      want(3);
      schedule = step_schedule(steps_of(name, words[1], 1), number(name, words[2], 0.0, 1e9, "a factor"));
    } else {
      const std::vector<std::string> known{"constant", "cosine", "one-cycle", "step"};
      throw Error(Fault::usage, "schedule", fmt::format("no schedule {}{}", name, did_you_mean(name, known)));
    }
  }
  return schedule;
}

}  // namespace firn
