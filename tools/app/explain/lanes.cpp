#include "tools/app/explain/lanes.h"

#include <algorithm>

namespace firn::cli {

Lanes lanes_of(const std::vector<std::vector<std::size_t>>& reads) {
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::vector<std::size_t> last_reader(reads.size(), kNone);
  for (std::size_t i = 0; i < reads.size(); ++i) {
    for (const std::size_t from : reads[i]) last_reader[from] = i;
  }
  Lanes lanes;
  std::vector<std::size_t> holder;  // of each lane, the node whose value runs in it; kNone: it is free
  for (std::size_t i = 0; i < reads.size(); ++i) {
    LaneRow row;
    int ended = -1;
    for (std::size_t lane = 0; lane < holder.size(); ++lane) {
      const std::size_t value = holder[lane];
      if (value == kNone) continue;
      const auto here = static_cast<int>(lane);
      if (std::find(reads[i].begin(), reads[i].end(), value) != reads[i].end()) row.reads.push_back(here);
      if (last_reader[value] != i) {
        row.through.push_back(here);
        continue;
      }
      holder[lane] = kNone;
      if (ended < 0) ended = here;
    }
    if (ended < 0) {
      const auto free = std::find(holder.begin(), holder.end(), kNone);
      ended = static_cast<int>(free - holder.begin());
      if (free == holder.end()) holder.push_back(kNone);
    }
    row.lane = ended;
    row.goes_on = last_reader[i] != kNone;
    if (row.goes_on) holder[static_cast<std::size_t>(ended)] = i;
    lanes.rows.push_back(std::move(row));
  }
  lanes.count = static_cast<int>(holder.size());
  return lanes;
}

}  // namespace firn::cli
