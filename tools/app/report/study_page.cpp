#include "tools/app/report/study_page.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"
#include "tools/app/record/arm.h"
#include "tools/app/record/level_text.h"
#include "tools/app/report/confusion.h"
#include "tools/app/report/cut_explorer.h"
#include "tools/app/report/page.h"
#include "tools/app/report/plot.h"
#include "tools/app/report/study_answers.h"
#include "tools/app/report/study_charts.h"
#include "tools/app/report/study_overview.h"
#include "tools/app/report/study_pictures.h"

namespace firn::cli::report {

namespace {

using Arm = StudyRecord::Arm;

constexpr std::size_t kMistakesShown = 12;

Tone tone_of(const std::string& result) {
  return result == "supported" ? Tone::good : result == "contradicted" ? Tone::bad : Tone::open;
}

/// The differences that a verdict was looked for in; none where its own sentence gives the only one.
std::vector<std::string> evidence_lines(const StudyRecord::Verdict& verdict) {
  std::vector<std::string> lines;
  for (const auto& e : verdict.evidence) {
    if (e.metric.ends_with("_ratio")) {
      const auto percent = [](double log) { return 100 * std::exp(log); };
      lines.push_back(fmt::format("{}: {:.0f} % of the {} ({:.0f} to {:.0f}, {} seeds)", e.name,
                                  percent(e.difference), e.metric == "macs_ratio" ? "MACs" : "time",
                                  percent(e.low), percent(e.high), e.seeds));
    } else if (e.metric == "macs") {
      lines.push_back(fmt::format("{}: {:+.3g} GMAC ({:+.3g} to {:+.3g}, {} seeds)", e.name,
                                  1e-9 * e.difference, 1e-9 * e.low, 1e-9 * e.high, e.seeds));
    } else if (e.metric == "seconds" || e.metric == "predicted_seconds") {
      lines.push_back(fmt::format("{}: {} ({} to {}, {} seeds)", e.name, duration_text(e.difference, true),
                                  duration_text(e.low, true), duration_text(e.high, true), e.seeds));
    } else {
      lines.push_back(fmt::format("{}: {} points ({} to {}, {} seeds)", e.name, signed_points(e.difference),
                                  signed_points(e.low), signed_points(e.high), e.seeds));
    }
  }
  if (lines.size() == 1) lines.clear();
  return lines;
}

/// The verdicts at a glance: a row a claim and model, a column a source.
PageTable verdict_table(const StudyRecord& study) {
  constexpr std::size_t kFirst = 1;  // column of a source
  PageTable table{.caption = "Verdicts by source", .heads = {"<claim"}};
  for (const auto& v : study.verdicts) {
    const std::string head = "<" + v.source;
    if (std::find(table.heads.begin() + kFirst, table.heads.end(), head) == table.heads.end())
      table.heads.push_back(head);
  }
  for (const auto& v : study.verdicts) {
    const auto column = static_cast<std::size_t>(
        std::find(table.heads.begin() + kFirst, table.heads.end(), "<" + v.source) - table.heads.begin());
    const std::string name = fmt::format("{} ({})", v.claim, v.model);
    // Of several targets each has a row.
    auto row = std::find_if(table.rows.begin(), table.rows.end(),
                            [&](const auto& cells) { return cells[0] == name && cells[column].empty(); });
    if (row == table.rows.end()) {
      table.rows.push_back({name});
      table.rows.back().resize(table.heads.size());
      table.tones.emplace_back(table.heads.size(), Tone::plain);
      row = table.rows.end() - 1;
    }
    (*row)[column] = v.result;
    table.tones[static_cast<std::size_t>(row - table.rows.begin())][column] = tone_of(v.result);
  }
  return table;
}

void add_verdicts(Page& page, const StudyRecord& study) {
  if (study.verdicts.empty()) return;
  constexpr std::size_t kFew = 4;
  page.section("Claims", "claims");
  const bool many = study.verdicts.size() > kFew;
  if (many) {
    page.table(verdict_table(study));
    page.begin_fold(fmt::format("What each of the {} verdicts rests on", study.verdicts.size()));
  }
  page.begin_row();
  for (const auto& v : study.verdicts) {
    const std::string where = fmt::format("({} on {}, from {})", v.model, v.target, v.source);
    std::string why = v.text;
    if (v.family_size > 1) why += fmt::format(" ({} in a family of {})", level_text(v.p_holm), v.family_size);
    page.verdict(v.result, tone_of(v.result), fmt::format("{} {}", v.claim, where), why, evidence_lines(v));
  }
  page.end_row();
  if (many) page.end_fold();
  if (study.pooled.empty()) return;
  page.heading("All data sets together");
  PageTable table{.caption = "Random effects over data sets, points of accuracy",
                  .heads = {"<claim", "sets", "mean", "<interval", "deviation between sets",
                            "<where another set would lie"}};
  for (const auto& p : study.pooled) {
    table.rows.push_back(
        {fmt::format("{}. {}", p.claim, p.part), fmt::format("{}", p.sets), signed_points(p.mean),
         fmt::format("{} to {}", signed_points(p.low), signed_points(p.high)),
         fmt::format("{:.1f}", 100 * p.tau),
         p.sets > 2
             ? fmt::format("{} to {}", signed_points(p.prediction_low), signed_points(p.prediction_high))
             : std::string("three sets are wanted")});
  }
  page.table(table);
}

void add_figure(Page& page, StudyPage& out, const Figure& figure) {
  page.figure(figure.drawing, figure.caption, figure.numbers);
  out.charts.push_back({figure.stem + ".svg", figure.drawing.file()});
}

/// The arm that the first answer takes.
const Arm* chosen_arm(const StudyRecord& study) {
  return study.answers.empty() ? nullptr : study.find(study.answers.front().arm);
}

/// All arms at one look, and a slider over the cut.
void add_overview(Page& page, StudyPage& out, const StudyRecord& study) {
  constexpr std::size_t kMostOpen = 4;  // settings before the others are folded
  const Overview overview = overview_of(study);
  if (overview.rows.empty()) return;
  page.section("At one look", "overview");
  page.paragraph(
      fmt::format("A row is an arm, a dot its mean {} on the test part with the interval at 95 %, the bar "
                  "its time of training; "
                  "all panels have one scale, at whose ends wide "
                  "intervals are cut. Strips show the blocks, frozen ones in ice; the dotted line is "
                  "full tuning, bold the "
                  "answer.",
                  study.score()));
  std::string legend = "<fieldset class=\"legend\"><legend>Arms</legend>";
  for (const ArmKind* kind : overview.kinds) {
    Svg sign(14, 14, kind->name, kind->words);
    sign.begin_group(fmt::format("sign-{}", kind->name));
    sign.circle(7, 7, 5, "dot");
    sign.end_group();
    legend += fmt::format(
        "<label><input type=\"checkbox\" checked data-arm=\"{}\" data-script hidden>{}{}</label>\n",
        kind->name, sign.decoration(), escape(kind->words));
  }
  page.markup(legend + "</fieldset>\n");
  for (std::size_t r = 0; r < overview.rows.size(); ++r) {
    const Overview::Row& row = overview.rows[r];
    if (r == kMostOpen) page.begin_fold(fmt::format("{} more settings", overview.rows.size() - kMostOpen));
    page.heading(row.group.title());
    page.panels(row.panels, r);
    if (row.left_out > 0) page.paragraph(fmt::format("{} more arms stand in the table alone.", row.left_out));
    page.folded_table("The numbers as a table: " + row.group.title(), summary_table(study, row.group));
  }
  if (overview.rows.size() > kMostOpen) page.end_fold();
  const CutExplorer explorer = cut_explorer(study);
  if (explorer.html.empty()) return;
  page.section("Move the cut", "move");
  page.markup(explorer.html);
  page.paragraph("Frozen work is not skipped, it is absent. firn explain prints the same step by step.");
  page.folded_table("Every cut as a table", explorer.numbers);
  out.charts.push_back({"program.svg", explorer.program_svg});
  page.use_script();
}

void add_mistakes(Page& page, const StudyRecord& study, const Arm& arm) {
  const Confusion confusion = read_confusion(study.path, arm);
  const auto mistakes = read_mistakes(study.path, arm, kMistakesShown);
  if (confusion.counts.empty() && mistakes.empty()) return;
  page.section("Where it errs", "mistakes");
  page.paragraph(fmt::format("{}, {}, {}; all seeds together.", arm.model, arm.name,
                             labels_name(arm.labels, study.labels_by_class(arm.target))));
  if (!mistakes.empty()) page.heading("Those it was surest of");
  add_shown(page, mistakes);
  if (confusion.counts.empty()) return;
  page.begin_fold("Answers by class");
  add_confusion(page, confusion.classes, confusion.counts);
  page.end_fold();
}

void add_again(Page& page, const StudyRecord& study) {
  page.section("To run it again", "again");
  page.code(study.meta_text("command"));
  page.begin_fold("How it was run, on what machine");
  for (const char* key : {"protocol", "statistics"}) {
    if (const std::string words = study.meta_text(key); !words.empty()) page.paragraph(words);
  }
  PageTable table{.caption = "Machine and program", .heads = {"<name", "<value"}};
  for (const auto& [key, value] : study.meta) {
    if (key != "command" && key != "protocol" && key != "statistics" && key != "headline")
      table.rows.push_back({key, value});
  }
  page.table(table);
  page.end_fold();
  page.paragraph("All numbers of this page stand in results.sqlite beside it.");
}

std::string title_of(const StudyRecord& study) {
  return study.experiments.size() == 1 ? study.experiments.front().title : "What freezing does";
}

std::string lead_of(const StudyRecord& study) {
  return fmt::format("A study by firn: {} cells in {} experiment{}, {}", study.cells,
                     study.experiments.size(), study.experiments.size() == 1 ? "" : "s", study.path);
}

}  // namespace

StudyPage study_page(const StudyRecord& study) {
  StudyPage out;
  Page page(title_of(study), lead_of(study));
  add_study_answers(page, study);
  add_overview(page, out, study);
  add_unknown(page, study);
  add_study_pictures(page, study);
  add_verdicts(page, study);
  page.section("In detail", "detail");
  for (const auto& experiment : study.experiments) {
    for (const ArmGroup& group : groups_of(study, experiment)) {
      std::vector<Figure> figures = figures_of(study, group);
      if (figures.empty()) continue;
      page.begin_fold(experiment.title + ": " + group.title());
      page.paragraph(experiment.question);
      for (Figure& figure : figures) {
        figure.stem = experiment.name + "-" + figure.stem;
        add_figure(page, out, figure);
      }
      page.end_fold();
    }
  }
  if (const auto costs = cost_figures(study); !costs.empty()) {
    page.begin_fold("A step's time, predicted and measured");
    for (const Figure& figure : costs) add_figure(page, out, figure);
    page.end_fold();
  }
  if (const Arm* arm = chosen_arm(study); arm != nullptr) add_mistakes(page, study, *arm);
  add_again(page, study);
  out.html = page.html();
  return out;
}

std::string studies_page(const std::vector<StudyRecord>& studies) {
  if (studies.size() < 2) throw Error(Fault::usage, "report", "one study has nothing to be compared with");
  Page page(fmt::format("{} studies", studies.size()), "Compared by firn");
  PageTable table{.caption = "Verdicts",
                  .heads = {"<study", "<claim", "<model", "<source", "<target", "<verdict", "<text"}};
  for (const StudyRecord& study : studies) {
    for (const auto& v : study.verdicts) {
      table.rows.push_back({study.path, v.claim, v.model, v.source, v.target, v.result, v.text});
    }
  }
  page.table(table);
  for (const StudyRecord& study : studies) {
    page.section(study.path, "study-" + std::to_string(&study - studies.data()));
    add_study_answers(page, study);
    for (const auto& experiment : study.experiments) {
      for (const ArmGroup& group : groups_of(study, experiment)) {
        const auto figures = figures_of(study, group);
        if (figures.empty()) continue;
        page.heading(experiment.title + ": " + group.title());
        page.figure(figures.front().drawing, figures.front().caption, figures.front().numbers);
      }
    }
  }
  return page.html();
}

}  // namespace firn::cli::report
