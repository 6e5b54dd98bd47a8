#include "tools/app/study/strength.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "tools/app/record/schema.h"

namespace firn::cli {

namespace {

constexpr double kPoint = 0.01;
constexpr double kNoSpread = 1e-6;  // of a difference's error

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
  using Targets = std::map<std::string, Estimate>;
  std::map<std::tuple<int, std::string, std::string, std::string>, Targets> groups;
  struct All {
    Targets targets;
    std::set<std::tuple<std::string, std::string, std::string>> groups;
  };
  std::map<std::pair<int, std::string>, All> kinds;
  for (const Verdict& v : verdicts) {
    if (v.evidence.empty()) continue;
    const Difference& one = v.evidence[v.rests];
    if (one.seeds < 2 || one.estimate.error <= kNoSpread) continue;
    groups[{v.claim, v.part, v.model, v.source}].try_emplace(v.target, one.estimate);
    if (v.kind.empty()) continue;
    All& kind = kinds[{v.claim, v.kind}];
    if (kind.targets.try_emplace(v.target, one.estimate).second)
      kind.groups.insert({v.part, v.model, v.source});
  }
  std::vector<std::tuple<int, std::string, const Targets*>> wanted;
  for (const auto& [key, targets] : groups) {
    const auto& [claim, part, model, source] = key;
    wanted.emplace_back(claim, fmt::format("{}; {}, {}", part, model, source), &targets);
  }
  for (const auto& [key, kind] : kinds) {
    if (kind.groups.size() > 1)
      wanted.emplace_back(key.first, key.second + "; the first network of each set", &kind.targets);
  }
  std::vector<PooledVerdict> all;
  for (const auto& [claim, part, targets] : wanted) {
    std::vector<Estimate> sets;
    for (const auto& [target, one] : *targets) sets.push_back(one);
    const auto pooled = pool(sets);
    if (!pooled) continue;
    const Interval interval = pooled->effect.interval();
    PooledVerdict v{claim, part, {}, *pooled};
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
