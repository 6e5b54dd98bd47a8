#include "engine/program/rank_time.h"

#include <algorithm>

#include "engine/program/rank_exchange.h"

namespace firn {

RankSeconds predict_ranks(const Program& program, const Forecast& forecast, int ranks, const Link& link) {
  const Plan& plan = program.plan();
  const RankExchange exchange(plan, {}, false, ranks - 1, ranks);
  const std::vector<RankTraffic> traffic = exchange.traffic();
  const auto others = static_cast<double>(ranks - 1);
  RankSeconds seconds;
  double now = 0, line = 0;  // of the rank and of its line: when they are free
  double sums = 0;           // when the last sum is at its end
  const auto hand_around = [&](std::size_t group) {
    double gathered = 0, waited_for = 0;
    for (const RankTraffic& item : traffic) {
      if (item.group != group) continue;
      const double bytes =
          static_cast<double>(item.bytes) / std::max(1.0, others);  // of one copy, or twice the sum
      if (item.way != RankWay::sums) {
        gathered += bytes * others / ranks;
        continue;
      }
      line = std::max(line, now) + bytes / link.bandwidth;
      const double chunk = std::min(bytes / 2, static_cast<double>(RankSums::kChunk * sizeof(real)));
      const double end = line + 2 * others * link.latency + (2 * others - 2) * chunk / link.bandwidth;
      (item.meanwhile ? sums : waited_for) = std::max(item.meanwhile ? sums : waited_for, end);
    }
    if (gathered > 0) {
      line = std::max(line, now) + gathered / link.bandwidth;
      now = line + link.latency;
    }
    now = std::max(now, waited_for);
  };
  for (std::size_t g = 0; g < plan.groups.size(); ++g) {
    if (ranks > 1) hand_around(g);
    double group = forecast.waiting / static_cast<double>(plan.groups.size());
    for (const int step : plan.groups[g].steps) {
      group += forecast.steps[static_cast<std::size_t>(step)] * exchange.share(step);
    }
    now += group;
    seconds.computing += group;
  }
  if (ranks > 1) hand_around(plan.groups.size());
  seconds.all = std::max(now, sums);
  return seconds;
}

}  // namespace firn
