#include "tools/app/report/study_page.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"
#include "layers/model.h"
#include "tools/app/record/arm.h"
#include "tools/app/report/confusion.h"
#include "tools/app/report/page.h"
#include "tools/app/report/plot.h"
#include "tools/app/report/png.h"
#include "tools/app/report/program_picture.h"
#include "tools/app/report/study_charts.h"

namespace firn::cli::report {

namespace {

using Arm = StudyRecord::Arm;

constexpr std::size_t kMistakesShown = 12;

Tone tone_of(const std::string& result) {
  return result == "supported" ? Tone::good : result == "contradicted" ? Tone::bad : Tone::open;
}

std::string points(double share) {
  return fmt::format("{:+.1f}", 100 * share);
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
      lines.push_back(fmt::format("{}: {} points ({} to {}, {} seeds)", e.name, points(e.difference),
                                  points(e.low), points(e.high), e.seeds));
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

void add_answers(Page& page, const StudyRecord& study) {
  const std::string headline = study.meta_text("headline");
  if (!headline.empty()) page.answer(headline);
  if (study.cells_done < study.cells) {
    page.paragraph(
        fmt::format("{} of {} cells are done; the numbers are of these.", study.cells_done, study.cells));
  }
  std::vector<std::string> others;
  for (const auto& answer : study.answers) {
    if (answer.text != headline) others.push_back(answer.text);
  }
  constexpr std::size_t kMost = 6;
  if (others.size() > kMost) {
    page.unfold(fmt::format("{} more answers: other models, sources and numbers of labels", others.size()),
                others);
  } else {
    page.list(others);
  }
}

void add_verdicts(Page& page, const StudyRecord& study) {
  if (study.verdicts.empty()) return;
  constexpr std::size_t kFew = 4;
  page.section("Claims", "claims");
  if (study.verdicts.size() > kFew) page.table(verdict_table(study));
  for (const auto& v : study.verdicts) {
    const std::string where = fmt::format("({} on {}, from {})", v.model, v.target, v.source);
    std::string why = v.text;
    if (v.family_size > 1) why += fmt::format(" (p {:.3f} in a family of {})", v.p_holm, v.family_size);
    page.verdict(v.result, tone_of(v.result), fmt::format("{} {}", v.claim, where), why, evidence_lines(v));
  }
  if (study.pooled.empty()) return;
  page.heading("All data sets together");
  PageTable table{.caption = "Random effects over data sets, points of accuracy",
                  .heads = {"<claim", "sets", "mean", "<interval", "deviation between sets",
                            "<where another set would lie"}};
  for (const auto& p : study.pooled) {
    table.rows.push_back(
        {fmt::format("{}. {}", p.claim, p.part), fmt::format("{}", p.sets), points(p.mean),
         fmt::format("{} to {}", points(p.low), points(p.high)), fmt::format("{:.1f}", 100 * p.tau),
         p.sets > 2 ? fmt::format("{} to {}", points(p.prediction_low), points(p.prediction_high))
                    : std::string("three sets are wanted")});
  }
  page.table(table);
}

/// How much the study can tell, and what choosing rates cost.
void add_strength(Page& page, const StudyRecord& study) {
  std::vector<std::string> lines;
  const std::vector<Index>& seeds = study.seeds_for_a_point;
  if (!seeds.empty()) {
    lines.push_back(
        fmt::format("One point to full tuning is told with {} seeds (80 % of the time; median of {} arms, "
                    "from {} to {}).",
                    seeds[seeds.size() / 2], seeds.size(), seeds.front(), seeds.back()));
  }
  if (study.arms_too_few_items > 0) {
    lines.push_back(fmt::format("Of {} arms no number of seeds tells one point: {} test items are too few.",
                                study.arms_too_few_items, study.items));
  }
  if (study.tuning_macs_share > 0) {
    lines.push_back(
        fmt::format("Choosing the rates took {:.1f} times the multiply-adds of the trainings that are "
                    "reported, the same for every arm but for what it freezes.",
                    study.tuning_macs_share));
  }
  if (const std::string departs = study.meta_text("departures"); !departs.empty())
    lines.push_back("Registered before it was run: " + study.meta_text("registered") + ". " + departs);
  if (lines.empty()) return;
  page.section("How much it can tell", "strength");
  page.list(lines);
}

/// The names of a model's blocks; numbers where the registry has it with another number of blocks.
std::vector<std::string> block_names(const Arm& arm) {
  std::vector<std::string> names;
  const auto& registry = model_registry();
  const auto entry = std::find_if(registry.begin(), registry.end(),
                                  [&](const ModelEntry& e) { return e.name == arm.model; });
  if (entry != registry.end()) {
    const ModelPtr model = entry->make(entry->default_input, entry->usual_classes);
    for (const Model::Block& block : model->blocks()) names.push_back(block.name);
  }
  if (static_cast<Index>(names.size()) == arm.blocks) return names;
  names.clear();
  for (Index b = 0; b < arm.blocks; ++b) names.push_back(fmt::format("block {}", b));
  return names;
}

void add_figure(Page& page, StudyPage& out, const Figure& figure) {
  page.figure(figure.drawing, figure.caption, figure.numbers);
  out.charts.push_back({figure.stem + ".svg", figure.drawing.file()});
}

/// The arm that the first answer takes.
const Arm* chosen_arm(const StudyRecord& study) {
  return study.answers.empty() ? nullptr : study.find(study.answers.front().arm);
}

void add_program(Page& page, StudyPage& out, const Arm& arm) {
  if (arm.frozen_blocks < 0) return;
  page.section("What is computed", "program");
  ProgramPicture picture{.title = fmt::format("A training step of {}, {}", arm.model, arm.name),
                         .description = "Passes of each block; grey ones are absent from the program.",
                         .blocks = block_names(arm),
                         .frozen = static_cast<std::size_t>(arm.frozen_blocks)};
  PageTable table{.caption = "Passes by block",
                  .heads = {"<block", "<forward", "<input gradient", "<weight gradient"}};
  for (std::size_t b = 0; b < picture.blocks.size(); ++b) {
    table.rows.push_back({picture.blocks[b], b < picture.frozen ? "computed, nothing kept" : "computed",
                          b > picture.frozen ? "computed" : "absent",
                          b >= picture.frozen ? "computed" : "absent"});
  }
  const Svg drawing = draw(picture);
  page.figure(drawing, "Frozen work is not skipped, it is absent. firn explain prints the same step by step.",
              table);
  out.charts.push_back({"program.svg", drawing.file()});
}

void add_mistakes(Page& page, const StudyRecord& study, const Arm& arm) {
  const Confusion confusion = read_confusion(study.path, arm);
  const auto mistakes = read_mistakes(study.path, arm, kMistakesShown);
  if (confusion.counts.empty() && mistakes.empty()) return;
  page.section("Where it errs", "mistakes");
  page.paragraph(fmt::format("{}, {}, {}; all seeds together.", arm.model, arm.name,
                             labels_name(arm.labels, study.labels_by_class())));
  if (!confusion.counts.empty()) add_confusion(page, confusion.classes, confusion.counts);
  std::vector<Page::Picture> pictures;
  std::vector<std::string> texts;
  for (const auto& m : mistakes) {
    const std::string words =
        fmt::format("{} taken for {} ({:.0f} % sure)", m.truth, m.predicted, 100 * m.confidence);
    if (m.pixels.empty()) {
      texts.push_back(fmt::format("“{}”: {}", m.text, words));
      continue;
    }
    std::vector<real> pixels(m.pixels.size());
    std::transform(m.pixels.begin(), m.pixels.end(), pixels.begin(),
                   [](std::uint8_t byte) { return static_cast<real>(byte) / 255; });
    pictures.push_back({png(pixels, m.height, m.width, m.channels), words,
                        fmt::format("sample {} of the test part: {}", m.sample, words)});
  }
  if (!mistakes.empty()) page.heading("Those it was surest of");
  if (!pictures.empty()) page.pictures(pictures);
  page.list(texts);
}

void add_again(Page& page, const StudyRecord& study) {
  page.section("To run it again", "again");
  page.code(study.meta_text("command"));
  for (const char* key : {"protocol", "statistics"}) {
    if (const std::string words = study.meta_text(key); !words.empty()) page.paragraph(words);
  }
  PageTable table{.caption = "Machine and program", .heads = {"<name", "<value"}};
  for (const auto& [key, value] : study.meta) {
    if (key != "command" && key != "protocol" && key != "statistics" && key != "headline")
      table.rows.push_back({key, value});
  }
  page.table(table);
  page.paragraph("All numbers of this page stand in results.sqlite beside it.");
}

std::string title_of(const StudyRecord& study) {
  return study.experiments.size() == 1 ? study.experiments.front().title : "What freezing does";
}

std::string lead_of(const StudyRecord& study) {
  return fmt::format("A study by firn: {} cells in {} experiments, {}", study.cells, study.experiments.size(),
                     study.path);
}

}  // namespace

StudyPage study_page(const StudyRecord& study) {
  StudyPage out;
  Page page(title_of(study), lead_of(study));
  add_answers(page, study);
  add_verdicts(page, study);
  add_strength(page, study);
  for (const auto& experiment : study.experiments) {
    page.section(experiment.title, experiment.name);
    page.paragraph(experiment.question);
    for (const ArmGroup& group : groups_of(study, experiment)) {
      page.heading(group.title());
      for (Figure& figure : figures_of(study, group)) {
        figure.stem = experiment.name + "-" + figure.stem;
        add_figure(page, out, figure);
      }
    }
  }
  if (const auto costs = cost_figures(study); !costs.empty()) {
    page.section("What it costs", "costs");
    for (const Figure& figure : costs) add_figure(page, out, figure);
  }
  if (const Arm* arm = chosen_arm(study); arm != nullptr) {
    add_program(page, out, *arm);
    add_mistakes(page, study, *arm);
  }
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
    add_answers(page, study);
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
