#include "tools/app/study/strength.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "tools/app/record/schema.h"

namespace firn::cli {

namespace {

constexpr double kPoint = 0.01;

Index median_of(std::vector<Index> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

std::vector<ArmPower> power_of(const Outcomes& outcomes) {
  std::vector<ArmPower> all;
  for (const Outcome& outcome : outcomes.all()) {
    const Outcome* full = outcome.arm->full() ? nullptr : outcomes.find(outcome.arm->full_tuning());
    const auto spread = full != nullptr ? outcomes.spread_of(outcome, *full) : std::nullopt;
    if (!spread) continue;
    const auto items = static_cast<Index>(outcome.items.begin()->second.size());
    all.push_back({&outcome, *spread, items, seeds_to_tell(kPoint, *spread, items)});
  }
  return all;
}

std::string power_text(const std::vector<ArmPower>& arms) {
  std::vector<Index> seeds;
  for (const ArmPower& arm : arms) {
    if (arm.seeds_for_a_point) seeds.push_back(*arm.seeds_for_a_point);
  }
  if (arms.empty()) return {};
  const std::size_t none = arms.size() - seeds.size();
  std::string text;
  if (!seeds.empty()) {
    text = fmt::format("one point to full tuning is told with {} seeds (80 % power; median of {} arm{})",
                       median_of(seeds), seeds.size(), seeds.size() == 1 ? "" : "s");
  }
  if (none > 0) {
    text += fmt::format("{}of {} arm{} no number of seeds tells it: more test items are wanted",
                        text.empty() ? "" : "; ", none, none == 1 ? "" : "s");
  }
  return text;
}

Index seeds_for_a_point(Database* database) {
  std::vector<Index> known;
  if (database != nullptr && has_tables_of(*database, 4)) {
    Statement rows(*database, "SELECT seeds_for_a_point FROM power WHERE seeds_for_a_point IS NOT NULL");
    while (rows.next()) known.push_back(rows.whole(0));
  }
  if (!known.empty()) return median_of(known);
  return *seeds_to_tell(kPoint, {kPoint * kPoint, 0, 0}, 0);
}

std::vector<PooledVerdict> pooled_verdicts(const std::vector<Verdict>& verdicts) {
  std::map<std::tuple<int, std::string, std::string, std::string>, std::map<std::string, Estimate>> groups;
  for (const Verdict& v : verdicts) {
    if (v.evidence.empty() || v.evidence.front().seeds < 2) continue;
    groups[{v.claim, v.part, v.model, v.source}].try_emplace(v.target, v.evidence.front().estimate);
  }
  std::vector<PooledVerdict> all;
  for (const auto& [key, targets] : groups) {
    std::vector<Estimate> sets;
    for (const auto& [target, one] : targets) sets.push_back(one);
    const auto pooled = pool(sets);
    if (!pooled) continue;
    const auto& [claim, part, model, source] = key;
    const Interval interval = pooled->effect.interval();
    PooledVerdict v{claim, fmt::format("{}; {}, {}", part, model, source), {}, *pooled};
    v.text = fmt::format("over {} sets {:+.1f} points ({:+.1f} to {:+.1f}), deviation between them {:.1f}",
                         pooled->sets, 100 * pooled->effect.mean, 100 * interval.low, 100 * interval.high,
                         100 * pooled->tau);
    if (pooled->sets > 2) {
      v.text += fmt::format("; another such set: {:+.1f} to {:+.1f}", 100 * pooled->prediction.low,
                            100 * pooled->prediction.high);
    }
    all.push_back(std::move(v));
  }
  return all;
}

}  // namespace firn::cli
