#include "tools/app/explain/arena.h"

#include <cmath>
#include <numeric>
#include <vector>

#include "engine/base/parallel.h"

namespace firn::cli {

report::ArenaChart timed_arena(std::string title, Program& program) {
  constexpr std::uint64_t kWarm = 2, kRuns = 9;
  for (std::uint64_t i = 0; i < kWarm; ++i) program.run(i);
  // The quickest run is the one that others disturbed least.
  std::vector<double> before, least;
  double total = HUGE_VAL;
  program.set_timing(true);
  for (std::uint64_t i = 0; i < kRuns; ++i) {
    program.run(kWarm + i);
    std::vector<double> now = program.step_times(), one = now;
    for (std::size_t step = 0; step < before.size(); ++step) one[step] -= before[step];
    const double sum = std::accumulate(one.begin(), one.end(), 0.0);
    if (sum < total) {
      total = sum;
      least = std::move(one);
    }
    before = std::move(now);
  }
  // Seconds are summed over the threads: a step's share of the wall is theirs by the number of them.
  const double share = 1.0 / program.threads_of(thread_count());
  report::ArenaChart chart;
  chart.title = std::move(title);
  chart.spans = life_spans(program);
  chart.steps = running_order(program.plan());
  for (const Step* step : chart.steps) {
    const auto place = static_cast<std::size_t>(step - program.plan().steps.data());
    chart.seconds.push_back(least[place] * share);
  }
  program.set_timing(false);
  chart.shared_bytes = program.plan().shared_bytes;
  chart.local_bytes = program.plan().local_bytes;
  return chart;
}

}  // namespace firn::cli
