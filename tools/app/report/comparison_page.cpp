#include "tools/app/report/comparison_page.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"
#include "tools/app/report/page.h"
#include "tools/app/report/training_words.h"

namespace firn::cli::report {

namespace {

using Epoch = TrainingRecord::Epoch;

void refuse_others(const std::vector<TrainingRecord>& runs) {
  if (runs.size() < 2) throw Error(Fault::usage, "report", "one run has nothing to be compared with");
  const TrainingRecord& one = runs.front();
  for (const TrainingRecord& run : runs) {
    if (run.task->name() == one.task->name()) continue;
    throw Error(Fault::usage, "report",
                fmt::format("{} is a run of {}, {} one of {}: they have no score in common", one.path,
                            one.task->name(), run.path, run.task->name()));
  }
}

bool tested(const TrainingRecord& run) {
  return run.result.samples > 0 && std::isfinite(run.result.test_score);
}

bool has_interval(const TrainingRecord& run) {
  return tested(run) && run.result.low < run.result.high;
}

/// The run that validation would choose; null where one of them has no validation part.
const TrainingRecord* chosen(const std::vector<TrainingRecord>& runs) {
  const TrainingRecord* found = nullptr;
  double greatest = 0;
  for (const TrainingRecord& run : runs) {
    const Epoch* best = run.best();
    if (best == nullptr || !run.validated || run.chose_on_test) return nullptr;
    const double merit = run.task->merit(best->validation_loss, best->validation_metrics);
    if (found == nullptr || merit > greatest) {
      found = &run;
      greatest = merit;
    }
  }
  return found;
}

struct Difference {
  double value, low, high;
};

/// Of two scores that have intervals of their own, as if their samples were independent: MOVER (Zou and
/// Donner 2008), of two shares Newcombe's method 10 (1998).
Difference difference_of(const TrainingRecord::Result& a, const TrainingRecord::Result& b) {
  const double d = a.test_score - b.test_score;
  return {d, d - std::hypot(a.test_score - a.low, b.high - b.test_score),
          d + std::hypot(a.high - a.test_score, b.test_score - b.low)};
}

std::string difference_words(const TrainingRecord& run, const Difference& d) {
  if (run.headline().share)
    return fmt::format("{:+.1f} points ({:+.1f} to {:+.1f})", 100 * d.value, 100 * d.low, 100 * d.high);
  return fmt::format("{:+.4g} ({:+.4g} to {:+.4g})", d.value, d.low, d.high);
}

/// What is best, and which of the others are told from it.
std::string answer(const std::vector<TrainingRecord>& runs, const TrainingRecord* best) {
  if (best == nullptr) return "Not all of these runs have a validation part to be chosen by.";
  std::string text = fmt::format("{} is best on validation ({})", best->path,
                                 score_text(*best, best->best()->validation_score));
  if (tested(*best)) {
    text +=
        fmt::format("; its test {} is {}", best->headline().text, score_text(*best, best->result.test_score));
    if (has_interval(*best)) {
      text += fmt::format(" (95 % {} to {})", score_text(*best, best->result.low),
                          score_text(*best, best->result.high));
    }
  }
  std::size_t told = 0, held = 0;
  for (const TrainingRecord& run : runs) {
    if (&run == best || !has_interval(run) || !has_interval(*best)) continue;
    const Difference d = difference_of(best->result, run.result);
    ++held;
    told += d.low > 0 || d.high < 0 ? 1 : 0;
  }
  if (held == 0) return text + ".";
  return text + (told == 0 ? "; on the test part no other run is told from it."
                 : told == held
                     ? "; on the test part it is told from every other."
                     : fmt::format("; on the test part it is told from {} of {} others.", told, held));
}

PageTable outcomes(const std::vector<TrainingRecord>& runs, const TrainingRecord* best) {
  const std::string score = runs.front().headline().text;
  PageTable table{.caption = "What came of them",
                  .heads = {"<run", "<model", "<data", "validation " + score, "epoch", "test " + score,
                            "95 %", "best against it", "epochs", "time"}};
  for (const TrainingRecord& run : runs) {
    const Epoch* epoch = run.best();
    const double validated = epoch != nullptr && run.validated ? epoch->validation_score : std::nan("");
    const bool held = best != nullptr && &run != best && has_interval(run) && has_interval(*best);
    if (&run == best) table.strong_row = static_cast<int>(table.rows.size());
    table.rows.push_back({run.path, run.model, run.data, score_text(run, validated),
                          epoch != nullptr ? fmt::format("{}", epoch->epoch) : "–",
                          run.result.samples > 0 ? score_text(run, run.result.test_score) : "–",
                          run.result.samples > 0 ? fmt::format("{} to {}", score_text(run, run.result.low),
                                                               score_text(run, run.result.high))
                                                 : "–",
                          held ? difference_words(run, difference_of(best->result, run.result)) : "–",
                          fmt::format("{}", run.epochs.size()), duration_text(total_seconds(run))});
  }
  return table;
}

/// A row a name of the configuration that has not one value in all runs, a column a run.
PageTable differences(const std::vector<TrainingRecord>& runs) {
  PageTable table{.caption = "What differs in the configuration", .heads = {"<name"}};
  std::vector<std::string> names;
  for (const TrainingRecord& run : runs) {
    table.heads.push_back("<" + run.path);
    for (const auto& [name, value] : run.config) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  for (const std::string& name : names) {
    std::vector<std::string> row = {name};
    for (const TrainingRecord& run : runs) {
      const auto found = std::find_if(run.config.begin(), run.config.end(),
                                      [&](const auto& pair) { return pair.first == name; });
      row.push_back(found == run.config.end() ? "–" : found->second);
    }
    const bool alike =
        std::all_of(row.begin() + 2, row.end(), [&](const auto& value) { return value == row[1]; });
    if (!alike) table.rows.push_back(std::move(row));
  }
  return table;
}

void add_curves(Page& page, const std::vector<TrainingRecord>& runs, const PageTable& table) {
  const TrainingRecord& one = runs.front();
  const std::string score = one.headline().text, title = headline_title(one);
  Plot accuracies = epoch_plot(
      "Validation " + score, fmt::format("{} on the validation part after each epoch, a curve a run.", title),
      score, score_unit(one));
  Plot times{.title = title + " against time",
             .description = fmt::format("Best {} on validation and seconds of training of each run.", score)};
  times.x = {.title = "time of training", .unit = Unit::seconds, .from_zero = true};
  times.y = {.title = "validation " + score, .unit = score_unit(one)};
  for (const TrainingRecord& run : runs) {
    const Epoch* best = run.best();
    const double accuracy = best != nullptr && run.validated ? best->validation_score : std::nan("");
    if (run.validated) accuracies.series.push_back(curve(run, run.path, &Epoch::validation_score));
    times.series.push_back({.name = run.path, .points = {{total_seconds(run), accuracy}}, .line = false});
  }
  page.begin_row();
  page.figure(draw(accuracies),
              one.task->name() == "classification"
                  ? std::string("Share of the validation samples answered rightly, by epoch.")
                  : fmt::format("{} on the validation part, by epoch.", title),
              table);
  page.figure(draw(times), "Up and to the left is better.", table);
  page.end_row();
}

}  // namespace

std::string comparison_page(const std::vector<TrainingRecord>& runs) {
  refuse_others(runs);
  Page page(fmt::format("{} training runs", runs.size()), "Compared by firn");
  const TrainingRecord* best = chosen(runs);
  page.answer(answer(runs, best));
  const PageTable table = outcomes(runs, best);
  page.table(table);
  page.paragraph(
      "Best against it: the test score of the run that is best on validation less this run's, with its "
      "interval "
      "at 95 % as if the test samples were others for each run (Newcombe 1998; Zou and Donner 2008); where "
      "the "
      "interval leaves zero the two are told apart. A run is one seed: what another would bring is not in "
      "it.");
  page.section("What differs between them", "differences");
  const PageTable different = differences(runs);
  if (different.rows.empty()) {
    page.paragraph("Nothing in their configuration.");
  } else {
    page.table(different);
  }
  page.section("How they trained", "curves");
  add_curves(page, runs, table);
  return page.html();
}

}  // namespace firn::cli::report
