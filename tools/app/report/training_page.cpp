#include "tools/app/report/training_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"
#include "tools/app/report/answers.h"
#include "tools/app/report/confusion.h"
#include "tools/app/report/events.h"
#include "tools/app/report/page.h"
#include "tools/app/report/plot.h"

namespace firn::cli::report {

namespace {

using Epoch = TrainingRecord::Epoch;

/// The part that choices were made on.
std::string part_of_choice(const TrainingRecord& run) {
  return run.chose_on_test ? "test" : "validation";
}

std::string percent(double share) {
  return number_text(share, Unit::percent, 0.001);
}

/// A metric as pages have it.
std::string metric_words(const TaskMetric& metric, double value) {
  if (!std::isfinite(value)) return "–";
  return metric.share              ? percent(value)
         : metric.higher_is_better ? fmt::format("{:.4f}", value)
                                   : fmt::format("{:.4g}", value);
}
std::string score_text(const TrainingRecord& run, double value) {
  return metric_words(run.headline(), value);
}

/// "Accuracy", "R²".
std::string headline_title(const TrainingRecord& run) {
  std::string text = run.headline().text;
  if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

Unit score_unit(const TrainingRecord& run) {
  return run.headline().share ? Unit::percent : Unit::plain;
}

/// What the loss is, in words.
std::string loss_words(const TrainingRecord& run) {
  return run.task->name() == "regression" ? "squared error of standardised targets"
         : run.task->name() == "labels"   ? "binary cross-entropy"
                                          : "cross-entropy";
}

double total_seconds(const TrainingRecord& run) {
  double total = 0;
  for (const Epoch& e : run.epochs) total += e.seconds;
  return total;
}

Series curve(const TrainingRecord& run, std::string name, double Epoch::*value) {
  Series series{.name = std::move(name), .marks = run.epochs.size() <= 30};
  for (const Epoch& e : run.epochs) series.points.push_back({static_cast<double>(e.epoch), e.*value});
  return series;
}

Plot epoch_plot(std::string title, std::string description, std::string y, Unit unit) {
  Plot plot{.title = std::move(title), .description = std::move(description)};
  plot.x = {.title = "epoch", .whole = true};
  plot.y = {.title = std::move(y), .unit = unit};
  plot.height = 320;
  return plot;
}

PageTable epoch_table(const TrainingRecord& run) {
  const std::string part = part_of_choice(run);
  PageTable table{.caption = "Epochs", .heads = {"epoch", "training loss", part + " loss"}};
  const std::vector<TaskMetric> metrics = run.task->metrics();
  for (const TaskMetric& metric : metrics) table.heads.push_back(part + " " + metric.text);
  table.heads.insert(table.heads.end(), {"rate", "blocks trained", "time"});
  for (const Epoch& e : run.epochs) {
    std::vector<std::string> row = {fmt::format("{}", e.epoch), fmt::format("{:.4f}", e.loss),
                                    run.validated ? fmt::format("{:.4f}", e.validation_loss) : "–"};
    for (std::size_t i = 0; i < metrics.size(); ++i)
      row.push_back(run.validated ? metric_words(metrics[i], e.validation_metrics[i]) : "–");
    row.insert(row.end(),
               {fmt::format("{:.3g}", e.rate), percent(e.trained_share), duration_text(e.seconds)});
    table.rows.push_back(std::move(row));
    if (&e == run.best()) table.strong_row = static_cast<int>(table.rows.size()) - 1;
  }
  return table;
}

PageTable pairs_table(std::string caption, const std::vector<std::pair<std::string, std::string>>& pairs) {
  PageTable table{.caption = std::move(caption), .heads = {"<name", "<value"}};
  for (const auto& [name, value] : pairs) table.rows.push_back({name, value});
  return table;
}

void add_curves(Page& page, const TrainingRecord& run) {
  const PageTable table = epoch_table(run);
  const std::string part = part_of_choice(run);
  Plot losses = epoch_plot(
      "Loss",
      fmt::format("Loss on the training{} part after each epoch.", run.validated ? " and the " + part : ""),
      loss_words(run), Unit::plain);
  losses.series = {curve(run, "training", &Epoch::loss)};
  if (run.validated) losses.series.push_back(curve(run, part, &Epoch::validation_loss));
  page.figure(draw(losses), fmt::format("Mean {} by epoch.", loss_words(run)), table);
  if (!run.validated) return;
  const std::string title = headline_title(run), text = run.headline().text;
  Plot scores =
      epoch_plot((run.chose_on_test ? "Test " : "Validation ") + text,
                 fmt::format("{} on the {} part after each epoch.", title, part), text, score_unit(run));
  scores.series = {curve(run, "", &Epoch::validation_score)};
  const bool right = run.task->name() == "classification";
  page.figure(draw(scores),
              right ? fmt::format("Share of the {} samples answered rightly, by epoch.", part)
                    : fmt::format("{} on the {} part, by epoch.", title, part),
              table);
}

void add_freezing(Page& page, const TrainingRecord& run) {
  if (!run.blocks.empty()) {
    PageTable table{.caption = "Blocks at the start",
                    .heads = {"<block", "parameters", "that train", "<frozen"}};
    for (const auto& b : run.blocks) {
      table.rows.push_back({b.name, fmt::format("{}", b.parameters), fmt::format("{}", b.trained), b.frozen});
    }
    page.table(table);
  }
  if (!run.changes.empty()) {
    PageTable table{.caption = "Changes while it trained", .heads = {"step", "epoch", "<block", "<what"}};
    for (const auto& c : run.changes) {
      table.rows.push_back(
          {fmt::format("{}", c.step), fmt::format("{}", c.epoch), c.block, c.frozen ? "frozen" : "thawed"});
    }
    page.table(table);
    Plot plot = epoch_plot("Blocks that trained", "Share of the blocks that trained in each epoch.",
                           "share of the blocks", Unit::percent);
    plot.y.from_zero = true;
    plot.series = {curve(run, "", &Epoch::trained_share)};
    page.figure(draw(plot), "Mean over the steps of an epoch.", epoch_table(run));
  }
  page.list(run.audit);
}

/// The headline: all its numbers are of one set of weights.
std::string answer(const TrainingRecord& run) {
  const Epoch* best = run.best();
  if (best == nullptr) return "No epoch was finished.";
  const std::string time = duration_text(total_seconds(run));
  if (run.chose_on_test) {
    return fmt::format(
        "{} {} in epoch {} of {} on the test part, by which that epoch was chosen; {} of training.",
        headline_title(run), score_text(run, best->validation_score), best->epoch, run.epochs.size(), time);
  }
  const TrainingRecord::Result& result = run.result;
  const std::string weights = run.validated
                                  ? fmt::format("epoch {} of {}, the best on validation ({})", best->epoch,
                                                run.epochs.size(), score_text(run, best->validation_score))
                                  : fmt::format("epoch {}, the last", best->epoch);
  if (result.samples == 0)
    return fmt::format("The weights of {}; no test part was looked at; {} of training.", weights, time);
  std::string scores;
  const std::vector<TaskMetric> metrics = run.task->metrics();
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    scores += fmt::format("{}{} {}", i > 0 ? "; " : "", metrics[i].text,
                          metric_words(metrics[i], result.test_metrics[i]));
    if (std::isfinite(result.lows[i])) {
      scores += fmt::format(", 95 % {} to {}", metric_words(metrics[i], result.lows[i]),
                            metric_words(metrics[i], result.highs[i]));
    }
  }
  return fmt::format("Test {}, on {} samples that no choice was made on: the weights of {}; {} of training.",
                     scores, result.samples, weights, time);
}

}  // namespace

std::string training_page(const TrainingRecord& run) {
  Page page(fmt::format("{} on {}", run.model, run.data), "A training run of firn: " + run.path);
  page.answer(answer(run));
  if (!run.epochs.empty()) {
    page.section("Curves", "curves");
    add_curves(page, run);
  }
  page.section("Freezing", "freezing");
  add_freezing(page, run);
  if (!run.confusion.empty()) {
    page.section("Confusions", "confusions");
    if (!run.chose_on_test)
      page.paragraph(fmt::format("On the test part, with the {} weights.", run.result.weights));
    add_confusion(page, run.classes, run.confusion);
  }
  if (!run.truths.empty()) {
    page.section("Answers", "answers");
    page.paragraph(fmt::format("On the test part, with the {} weights.", run.result.weights));
    add_answers(page, run);
  }
  page.section("To run it again", "again");
  if (!run.command.empty()) page.code(run.command);
  page.table(pairs_table("Configuration (config.json)", run.config));
  page.table(pairs_table("Machine and data (env.json)", run.environment));
  return page.html();
}

std::string comparison_page(const std::vector<TrainingRecord>& runs) {
  if (runs.size() < 2) throw Error(Fault::usage, "report", "one run has nothing to be compared with");
  const TrainingRecord& one = runs.front();
  for (const TrainingRecord& run : runs) {
    if (run.task->name() == one.task->name()) continue;
    throw Error(Fault::usage, "report",
                fmt::format("{} is a run of {}, {} one of {}: they have no score in common", one.path,
                            one.task->name(), run.path, run.task->name()));
  }
  const std::string score = one.headline().text, title = headline_title(one);
  Page page(fmt::format("{} training runs", runs.size()), "Compared by firn");
  PageTable table{.caption = "What came of them",
                  .heads = {"<run", "<model", "<data", "validation " + score, "epoch", "test " + score,
                            "95 %", "epochs", "time"}};
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
    table.rows.push_back({run.path, run.model, run.data, score_text(run, accuracy),
                          best != nullptr ? fmt::format("{}", best->epoch) : "–",
                          run.result.samples > 0 ? score_text(run, run.result.test_score) : "–",
                          run.result.samples > 0 ? fmt::format("{} to {}", score_text(run, run.result.low),
                                                               score_text(run, run.result.high))
                                                 : "–",
                          fmt::format("{}", run.epochs.size()), duration_text(total_seconds(run))});
    if (run.validated) accuracies.series.push_back(curve(run, run.path, &Epoch::validation_score));
    times.series.push_back({.name = run.path, .points = {{total_seconds(run), accuracy}}, .line = false});
  }
  page.table(table);
  page.figure(draw(accuracies),
              one.task->name() == "classification"
                  ? std::string("Share of the validation samples answered rightly, by epoch.")
                  : fmt::format("{} on the validation part, by epoch.", title),
              table);
  page.figure(draw(times), "Up and to the left is better.", table);
  return page.html();
}

std::string training_events(const TrainingRecord& run, double time) {
  EventFile file(time);
  const std::vector<TaskMetric> metrics = run.task->metrics();
  for (const Epoch& e : run.epochs) {
    file.scalar("loss/train", e.epoch, e.loss, time);
    if (run.validated) {
      const std::string part = part_of_choice(run);
      file.scalar("loss/" + part, e.epoch, e.validation_loss, time);
      for (std::size_t i = 0; i < e.validation_metrics.size(); ++i)
        file.scalar(metrics[i].name + "/" + part, e.epoch, e.validation_metrics[i], time);
    }
    file.scalar("rate", e.epoch, e.rate, time);
    file.scalar("gradient_norm", e.epoch, e.gradient_norm, time);
    file.scalar("trained_share", e.epoch, e.trained_share, time);
    file.scalar("seconds", e.epoch, e.seconds, time);
  }
  if (run.result.samples > 0) {
    file.scalar("loss/test", run.result.epoch, run.result.test_loss, time);
    for (std::size_t i = 0; i < run.result.test_metrics.size(); ++i)
      file.scalar(metrics[i].name + "/test", run.result.epoch, run.result.test_metrics[i], time);
  }
  return file.bytes();
}

}  // namespace firn::cli::report
