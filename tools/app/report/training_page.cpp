#include "tools/app/report/training_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"
#include "tools/app/report/answers.h"
#include "tools/app/report/class_table.h"
#include "tools/app/report/confusion.h"
#include "tools/app/report/effect.h"
#include "tools/app/report/events.h"
#include "tools/app/report/freeze_timeline.h"
#include "tools/app/report/page.h"
#include "tools/app/report/plot.h"
#include "tools/app/report/training_words.h"

namespace firn::cli::report {

namespace {

using Epoch = TrainingRecord::Epoch;

/// The part that choices were made on.
std::string part_of_choice(const TrainingRecord& run) {
  return run.chose_on_test ? "test" : "validation";
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
  page.begin_row();
  const FreezeLanes lanes = lanes_of(run);
  if (lanes.stretches.empty()) {
    page.figure(draw(losses), fmt::format("Mean {} by epoch.", loss_words(run)), table);
  } else {
    page.figure(draw_over_lanes(losses, {lanes}, static_cast<double>(run.epochs.size())),
                fmt::format("Mean {} by epoch, and beneath it what was frozen: ice is frozen, and so absent "
                            "from the steps of that time.",
                            loss_words(run)),
                table);
  }
  if (!run.validated) return page.end_row();
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
  page.end_row();
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
    page.folded_table(fmt::format("The {} changes while it trained", run.changes.size()), table);
    page.folded_table("When blocks were frozen", stretches_table({lanes_of(run)}, "epoch"));
  }
  page.list(run.audit);
}

/// With --pictures.
void add_pictures(Page& page, const TrainingRecord& run) {
  if (run.movement.empty() && run.effect.way.places.empty()) return;
  Look look{.classes = run.classes, .loss = loss_words(run), .time = "epoch", .effect = run.effect};
  for (const auto& block : run.blocks) look.blocks.push_back(block.name);
  if (!run.movement.empty()) {
    look.at.push_back(0);
    look.moved.emplace_back();
    for (const double moved : run.movement.front().blocks)
      look.moved[0].push_back(std::isfinite(moved) ? 0 : moved);
  }
  for (const auto& m : run.movement) {
    look.at.push_back(m.step > 0 ? epochs_at(run, m.step) : static_cast<double>(m.epoch));
    look.moved.push_back(m.blocks);
  }
  page.section("What freezing did", "effect");
  add_effect(page, {&look, 1});
}

/// The headline: all its numbers are of one set of weights.
void add_answer(Page& page, const TrainingRecord& run) {
  const Epoch* best = run.best();
  if (best == nullptr) return page.answer("No epoch was finished.");
  const std::string time = duration_text(total_seconds(run)) + " of training";
  if (run.chose_on_test) {
    return page.answer(fmt::format(
        "{} {} in epoch {} of {} on the test part, by which that epoch was chosen; {}.", headline_title(run),
        score_text(run, best->validation_score), best->epoch, run.epochs.size(), time));
  }
  const TrainingRecord::Result& result = run.result;
  const std::string of = fmt::format(
      "The weights of epoch {} of {}, {}", best->epoch, run.epochs.size(),
      run.validated ? fmt::format("the best on validation ({})", score_text(run, best->validation_score))
                    : std::string("the last"));
  if (result.samples == 0) return page.card(of, "No test part was looked at", "", {time});
  std::string choice, interval;
  std::vector<std::string> remarks;
  const std::vector<TaskMetric> metrics = run.task->metrics();
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    const std::string words =
        fmt::format("{} {}", metrics[i].text, metric_words(metrics[i], result.test_metrics[i]));
    const std::string range = std::isfinite(result.lows[i])
                                  ? fmt::format("95 % {} to {}", metric_words(metrics[i], result.lows[i]),
                                                metric_words(metrics[i], result.highs[i]))
                                  : "";
    if (i > 0) {
      remarks.push_back(words + (range.empty() ? "" : ", " + range));
    } else {
      choice = "Test " + words;
      interval = range;
    }
  }
  const std::string on = fmt::format("on {} samples that no choice was made on", result.samples);
  remarks.push_back("all numbers below are of these weights" +
                    (result.weights.empty() ? "" : fmt::format(", {}.safetensors", result.weights)));
  remarks.push_back(time);
  page.card(of, choice, interval.empty() ? on : interval + ", " + on, remarks);
}

}  // namespace

std::string training_page(const TrainingRecord& run) {
  Page page(fmt::format("{} on {}", run.model, run.data), "A training run of firn: " + run.path);
  add_answer(page, run);
  const std::string weights = fmt::format(
      "All of the test part, answered by the {} weights, those of the line above.", run.result.weights);
  if (!run.wrong.empty() || !run.unsure.empty()) {
    page.section("What it gets wrong", "wrong");
    page.paragraph(weights);
    if (!run.wrong.empty()) page.heading("Wrong, those it was surest of first");
    add_shown(page, run.wrong);
    if (!run.unsure.empty()) page.heading("Least sure of, right or wrong");
    add_shown(page, run.unsure);
  }
  if (!run.confusion.empty()) {
    page.section("Classes", "classes");
    if (!run.chose_on_test) page.paragraph(weights);
    page.table(class_table(run));
    page.begin_fold("Every answer by true class");
    add_confusion(page, run.classes, run.confusion);
    page.end_fold();
  }
  if (!run.truths.empty()) {
    page.section("Answers", "answers");
    page.paragraph(weights);
    add_answers(page, run);
  }
  if (!run.epochs.empty()) {
    page.section("How it trained", "curves");
    add_curves(page, run);
  }
  add_pictures(page, run);
  page.section("Freezing", "freezing");
  add_freezing(page, run);
  page.section("To run it again", "again");
  if (!run.command.empty()) page.code(run.command);
  page.folded_table("The configuration that was in force",
                    pairs_table("Configuration (config.json)", run.config));
  page.folded_table("Machine and data", pairs_table("Machine and data (env.json)", run.environment));
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
