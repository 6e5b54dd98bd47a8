#include "tools/app/report/class_table.h"

#include <fmt/core.h>

#include "tools/app/cli/interval.h"
#include "tools/app/report/training_words.h"

namespace firn::cli::report {

namespace {

/// "92.5 % (80.1 to 97.4)"
std::string share_text(Index part, Index all) {
  if (all == 0) return "–";
  const double share = static_cast<double>(part) / static_cast<double>(all);
  const Interval interval = wilson_interval(share, all);
  return fmt::format("{} ({:.1f} to {:.1f})", percent(share), 100 * interval.low, 100 * interval.high);
}

}  // namespace

PageTable class_table(const TrainingRecord& run) {
  const std::size_t n = run.classes.size();
  PageTable table{.caption = "Classes: samples, and what became of those of the test part",
                  .heads = {"<class"}};
  if (!run.trained_on.empty()) table.heads.push_back("trained on");
  if (!run.validated_on.empty()) table.heads.push_back("validated on");
  for (const char* head : {"tested on", "answered rightly", "of such answers right", "<most often taken for"})
    table.heads.push_back(head);
  for (std::size_t t = 0; t < n; ++t) {
    Index all = 0, said = 0, most = 0;
    std::size_t other = t;
    for (std::size_t p = 0; p < n; ++p) {
      const Index count = run.confusion[t * n + p];
      all += count;
      said += run.confusion[p * n + t];
      if (p == t || count <= most) continue;
      most = count;
      other = p;
    }
    const Index right = run.confusion[t * n + t];
    std::vector<std::string> row = {run.classes[t]};
    if (!run.trained_on.empty()) row.push_back(fmt::format("{}", run.trained_on[t]));
    if (!run.validated_on.empty()) row.push_back(fmt::format("{}", run.validated_on[t]));
    row.insert(row.end(), {fmt::format("{}", all), share_text(right, all),
                           said > 0 ? percent(static_cast<double>(right) / static_cast<double>(said)) : "–",
                           most > 0 ? fmt::format("{} ({})", run.classes[other], most) : "–"});
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace firn::cli::report
