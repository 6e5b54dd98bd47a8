#include "tools/app/report/answers.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "layers/tasks/registry.h"
#include "tools/app/report/plot.h"

namespace firn::cli::report {

namespace {

constexpr std::size_t kMostPictures = 6, kMostErrors = 10;

void add_scatter(Page& page, const TrainingRecord& run, std::size_t column) {
  const std::size_t width = run.classes.size(), rows = run.truths.size() / width;
  const auto truth = [&](std::size_t row) { return run.truths[row * width + column]; };
  const auto answer = [&](std::size_t row) { return run.answers[row * width + column]; };
  const std::string& name = run.classes[column];
  Plot plot{.title = "Predicted against true: " + name,
            .description = "A point a sample of the test part; on the diagonal the prediction is right."};
  plot.x = {.title = "true " + name};
  plot.y = {.title = "predicted " + name};
  plot.diagonal = true;
  plot.width = 520;
  plot.height = 440;
  Series points{.name = "", .line = false};
  for (std::size_t row = 0; row < rows; ++row) points.points.push_back({truth(row), answer(row)});
  plot.series.push_back(std::move(points));
  std::vector<std::size_t> order(rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::abs(answer(a) - truth(a)) > std::abs(answer(b) - truth(b));
  });
  PageTable errors{.caption = "The largest errors", .heads = {"true", "predicted", "error"}};
  for (const std::size_t row : order) {
    if (errors.rows.size() == kMostErrors) break;
    errors.rows.push_back({fmt::format("{:.6g}", truth(row)), fmt::format("{:.6g}", answer(row)),
                           fmt::format("{:+.6g}", answer(row) - truth(row))});
  }
  page.figure(draw(plot), fmt::format("{} samples of the test part; the line is where both are alike.", rows),
              errors);
}

void add_labels(Page& page, const TrainingRecord& run) {
  const std::size_t width = run.classes.size(), rows = run.truths.size() / width;
  PageTable table{.caption = fmt::format("Labels, of {} samples of the test part", rows),
                  .heads = {"<label", "have it", "predicted", "rightly", "precision", "recall", "F1"}};
  for (std::size_t c = 0; c < width; ++c) {
    Index truly = 0, said = 0, both = 0;
    for (std::size_t row = 0; row < rows; ++row) {
      const bool t = run.truths[row * width + c] != 0, s = run.answers[row * width + c] >= 0.5;
      truly += t ? 1 : 0;
      said += s ? 1 : 0;
      both += t && s ? 1 : 0;
    }
    const auto share = [](Index part, Index all) {
      return all > 0 ? number_text(static_cast<double>(part) / static_cast<double>(all), Unit::percent, 0.001)
                     : std::string("–");
    };
    table.rows.push_back({run.classes[c], fmt::format("{}", truly), fmt::format("{}", said),
                          fmt::format("{}", both), share(both, said), share(both, truly),
                          share(2 * both, truly + said)});
  }
  page.table(table);
}

}  // namespace

void add_answers(Page& page, const TrainingRecord& run) {
  if (!answers_with_numbers(run.task->name())) return add_labels(page, run);
  for (std::size_t c = 0; c < std::min(run.classes.size(), kMostPictures); ++c) add_scatter(page, run, c);
  if (run.classes.size() > kMostPictures) {
    page.paragraph(fmt::format("{} more targets are not drawn.", run.classes.size() - kMostPictures));
  }
}

}  // namespace firn::cli::report
