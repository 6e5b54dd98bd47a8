#include "tools/app/report/confusion.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>

#include "tools/app/report/heat_map.h"

namespace firn::cli::report {

namespace {

constexpr std::size_t kMostDrawn = 30, kMostMistakes = 10;

struct Mistake {
  std::size_t truly, said;
  Index count;
};

std::vector<Mistake> mistakes(std::size_t classes, const std::vector<Index>& counts) {
  std::vector<Mistake> out;
  for (std::size_t t = 0; t < classes; ++t) {
    for (std::size_t p = 0; p < classes; ++p) {
      if (t != p && counts[t * classes + p] > 0) out.push_back({t, p, counts[t * classes + p]});
    }
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Mistake& a, const Mistake& b) { return a.count > b.count; });
  return out;
}

}  // namespace

void add_confusion(Page& page, const std::vector<std::string>& classes, const std::vector<Index>& counts) {
  const std::size_t n = classes.size();
  const auto row_total = [&](std::size_t t) {
    const auto begin = counts.begin() + static_cast<std::ptrdiff_t>(t * n);
    return std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(n), Index{0});
  };
  const std::vector<Mistake> wrong = mistakes(n, counts);
  PageTable list{.caption = "The most frequent mistakes", .heads = {"<true", "<taken for", "times", "of"}};
  for (const Mistake& m : wrong) {
    if (list.rows.size() == kMostMistakes) break;
    list.rows.push_back({classes[m.truly], classes[m.said], fmt::format("{}", m.count),
                         fmt::format("{}", row_total(m.truly))});
  }
  if (n <= kMostDrawn) {
    HeatMap map{.title = "Answers by true class",
                .description = "Rows are true classes, columns answers; the diagonal is right.",
                .row_title = "true class",
                .column_title = "answer",
                .rows = classes,
                .columns = classes};
    map.low = 0;
    map.high = 1;
    map.cell_width = map.cell_height = 34;
    for (const std::string& name : classes) map.cell_width = std::max(map.cell_width, text_width(name) + 10);
    PageTable numbers{.caption = "Counts", .heads = {"<true"}};
    numbers.heads.insert(numbers.heads.end(), classes.begin(), classes.end());
    for (std::size_t t = 0; t < n; ++t) {
      const double total = std::max<double>(1, static_cast<double>(row_total(t)));
      numbers.rows.push_back({classes[t]});
      for (std::size_t p = 0; p < n; ++p) {
        const Index count = counts[t * n + p];
        map.values.push_back(static_cast<double>(count) / total);
        map.texts.push_back(count > 0 ? fmt::format("{}", count) : "");
        numbers.rows.back().push_back(fmt::format("{}", count));
      }
    }
    page.figure(draw(map), "Samples of the test part; colours are shares of the true class.", numbers);
  }
  if (!list.rows.empty()) page.table(list);
}

}  // namespace firn::cli::report
