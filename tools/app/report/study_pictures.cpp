#include "tools/app/report/study_pictures.h"

#include <fmt/format.h>

#include "tools/app/record/arm.h"
#include "tools/app/report/effect.h"
#include "tools/app/report/freeze_timeline.h"
#include "tools/app/report/study_charts.h"

namespace firn::cli::report {

namespace {

/// Learning curves, and beneath them what was frozen in each training that freezes anything.
void add_pictured_curves(Page& page, const StudyRecord& study) {
  Plot plot{.title = capital(study.score()) + " while they train, and what is frozen",
            .description = "Validation score by step of each training that was looked into."};
  plot.x = {.title = "step", .whole = true};
  plot.y = {.title = "validation " + study.score(),
            .unit = study.score_is_share() ? Unit::percent : Unit::plain};
  PageTable table{.caption = plot.title, .heads = {"<training", "step", "training loss", plot.y.title}};
  std::vector<FreezeLanes> lanes;
  double total = 1;
  for (const auto& p : study.pictured) {
    total = std::max(total, static_cast<double>(p.steps));
    Series series{.name = p.look.name};
    for (const auto& point : p.curve) {
      series.points.push_back({static_cast<double>(point.step), point.accuracy});
      table.rows.push_back({p.look.name, fmt::format("{}", point.step), fmt::format("{:.4f}", point.loss),
                            number_text(point.accuracy, plot.y.unit, 0.001)});
    }
    plot.series.push_back(std::move(series));
    if (p.frozen.empty()) continue;
    FreezeLanes& own = lanes.emplace_back(FreezeLanes{.name = p.look.name, .blocks = p.look.blocks});
    for (const auto& f : p.frozen)
      own.stretches.push_back({f.block, static_cast<double>(f.from), static_cast<double>(f.to), f.whole});
  }
  if (table.rows.empty() && lanes.empty()) return;
  page.figure(
      draw_over_lanes(std::move(plot), lanes, total),
      "How to read it: ice is frozen, and so absent from the steps of that time; a bend of a curve "
      "above a change of its lanes is what freezing or thawing did. The first block is at the bottom.",
      table);
}

}  // namespace

void add_study_pictures(Page& page, const StudyRecord& study) {
  if (study.pictured.empty()) return;
  const StudyRecord::Arm* arm = study.find(study.pictured.front().arm);
  std::vector<Look> looks;
  std::vector<std::string> names;
  for (const auto& p : study.pictured) {
    looks.push_back(p.look);
    names.push_back(p.look.name);
  }
  page.section("What freezing did inside", "inside");
  page.paragraph(fmt::format(
      "{} on {}, {}: {} of seed {}, trained once more and looked into. One seed shows how it "
      "happens, not how "
      "often.",
      arm->model, data_name(arm->target), labels_name(arm->labels, study.labels_by_class(arm->target)),
      fmt::join(names, " and "), study.pictured.front().seed));
  page.begin_row();
  add_pictured_curves(page, study);
  for (const auto& way : study.ways) add_way(page, way.way, names.front(), names[way.to], looks.front().loss);
  page.end_row();
  add_effect(page, looks);
}

}  // namespace firn::cli::report
