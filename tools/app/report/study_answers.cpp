#include "tools/app/report/study_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tools/app/record/arm.h"
#include "tools/app/report/study_charts.h"

namespace firn::cli::report {

namespace {

constexpr std::size_t kMostCards = 7;  // before the others are folded

/// An answer's sentence in its parts: "TASK: CHOICE: RESULT; REMARK; REMARK".
struct Parts {
  std::string task, choice, result;
  std::vector<std::string> remarks;
};

Parts parts_of(const StudyRecord& study, const StudyRecord::Answer& answer) {
  Parts parts;
  std::string text = answer.text;
  for (std::size_t end = text.find("; "); end != std::string::npos; end = text.find("; ")) {
    parts.remarks.push_back(text.substr(0, end));
    text.erase(0, end + 2);
  }
  parts.remarks.push_back(text);
  parts.choice = parts.remarks.front();
  parts.remarks.erase(parts.remarks.begin());
  parts.task = fmt::format("{} on {}{}, {}", answer.model, data_name(answer.target),
                           answer.part == kWholePart ? "" : fmt::format(" ({} of the classes)", answer.part),
                           labels_name(answer.labels, study.labels_by_class(answer.target)));
  if (parts.choice.starts_with(parts.task + ": ")) parts.choice.erase(0, parts.task.size() + 2);
  if (const std::size_t at = parts.choice.rfind(": "); at != std::string::npos) {
    parts.result = parts.choice.substr(at + 2);
    parts.choice.erase(at);
  }
  return parts;
}

std::string card(const StudyRecord& study, const StudyRecord::Answer& answer, bool first) {
  const Parts parts = parts_of(study, answer);
  return card_html(parts.task, capital(parts.choice), parts.result, parts.remarks, first);
}

}  // namespace

void add_study_answers(Page& page, const StudyRecord& study) {
  if (study.answers.empty()) {
    if (const std::string headline = study.meta_text("headline"); !headline.empty()) page.answer(headline);
    return;
  }
  std::string cards, others;
  for (std::size_t i = 0; i < study.answers.size(); ++i)
    (i < kMostCards ? cards : others) += card(study, study.answers[i], i == 0);
  page.markup("<ul class=\"cards\">\n" + cards + "</ul>\n");
  if (others.empty()) return;
  page.begin_fold(fmt::format("{} more answers: other models, targets and numbers of labels",
                              study.answers.size() - kMostCards));
  page.markup("<ul class=\"cards\">\n" + others + "</ul>\n");
  page.end_fold();
}

void add_unknown(Page& page, const StudyRecord& study) {
  std::vector<std::string> lines;
  if (study.cells_done < study.cells) {
    lines.push_back(
        fmt::format("{} of {} cells are done; the numbers are of these.", study.cells_done, study.cells));
  }
  const auto open = std::count_if(study.verdicts.begin(), study.verdicts.end(),
                                  [](const auto& v) { return v.result == "undecided"; });
  if (open > 0) {
    lines.push_back(fmt::format("{} of {} verdicts {} undecided: their intervals hold both answers.", open,
                                study.verdicts.size(), open == 1 ? "is" : "are"));
  }
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
  std::set<std::string> targets;
  for (const auto& arm : study.arms) targets.insert(data_name(arm.target));
  if (targets.size() == 1) {
    lines.push_back(
        fmt::format("What would come of other data: the intervals speak of other seeds and another test "
                    "part of {}.",
                    *targets.begin()));
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
  page.section("What is not known", "unknown");
  page.list(lines);
}

}  // namespace firn::cli::report
