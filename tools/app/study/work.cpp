#include "tools/app/study/work.h"

#include <algorithm>
#include <numeric>

namespace firn::cli {

std::vector<double> WorkForecast::cells_in_order() const {
  std::vector<double> seconds = cells;
  SharedWork shared(*this);
  for (std::size_t cell = 0; cell < cells.size(); ++cell) seconds[cell] += shared.add(cell);
  return seconds;
}

double WorkForecast::wall(int threads) const {
  // The last cells of a stage leave threads idle: half of the dearest one, on average.
  const auto stage = [&](const std::vector<double>& all) {
    if (all.empty()) return 0.0;
    const double sum = std::accumulate(all.begin(), all.end(), 0.0), n = threads;
    const double most = *std::max_element(all.begin(), all.end());
    return std::max(most, sum / n + (n - 1) / n * most / 2);
  };
  return alone() + stage(origins) + stage(cells_in_order()) + pictures;
}

double WorkForecast::alone() const {
  SharedWork shared(*this);
  double seconds = before + end();
  for (std::size_t cell = 0; cell < cells.size(); ++cell) seconds += shared.time(cell);
  return seconds;
}

WorkForecast WorkForecast::of(std::span<const std::size_t> some_cells,
                              std::span<const std::size_t> some_origins) const {
  WorkForecast some;
  some.before = before;
  some.timings = timings;
  some.after = after;
  some.after_cell = after_cell;
  some.sets = sets;
  for (const std::size_t cell : some_cells) {
    some.cells.push_back(cells[cell]);
    if (!needs.empty()) some.needs.push_back(needs[cell]);
    if (!timed.empty()) some.timed.push_back(timed[cell]);
  }
  for (const std::size_t origin : some_origins) some.origins.push_back(origins[origin]);
  return some;
}

double SharedWork::add(std::size_t cell) {
  if (work_.needs.empty() || !work_.needs[cell]) return 0;
  const SharedNeed& need = *work_.needs[cell];
  Computed& computed = computed_[need.features];
  Index fresh = 0;
  for (const std::size_t set : need.sets) {
    if (!computed.sets.insert(set).second) continue;
    for (const Index sample : work_.sets[set]) {
      const auto at = static_cast<std::size_t>(sample);
      if (at >= computed.samples.size()) computed.samples.resize(at + 1);
      fresh += computed.samples[at] ? 0 : 1;
      computed.samples[at] = true;
    }
  }
  return static_cast<double>(fresh) * need.seconds;
}

double SharedWork::time(std::size_t cell) {
  if (work_.timed.empty()) return 0;
  double seconds = 0;
  for (const std::size_t timing : work_.timed[cell]) {
    if (timed_.insert(timing).second) seconds += work_.timings[timing];
  }
  return seconds;
}

SharedWork SharedWork::of(std::span<const std::size_t> cells) const {
  SharedWork some(work_);
  some.timed_ = timed_;
  if (work_.needs.empty()) return some;
  for (const std::size_t cell : cells) {
    if (!work_.needs[cell]) continue;
    const auto at = computed_.find(work_.needs[cell]->features);
    if (at != computed_.end()) some.computed_.insert(*at);
  }
  return some;
}

}  // namespace firn::cli
