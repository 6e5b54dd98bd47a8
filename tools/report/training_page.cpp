#include "tools/report/training_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"
#include "tools/report/confusion.h"
#include "tools/report/events.h"
#include "tools/report/page.h"
#include "tools/report/plot.h"

namespace firn::cli::report {

namespace {

using Epoch = TrainingRecord::Epoch;

std::string percent(double share) {
  return number_text(share, Unit::percent, 0.001);
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
  PageTable table{
      .caption = "Epochs",
      .heads = {"epoch", "training loss", "test loss", "test accuracy", "rate", "blocks trained", "time"}};
  for (const Epoch& e : run.epochs) {
    table.rows.push_back({fmt::format("{}", e.epoch), fmt::format("{:.4f}", e.loss),
                          fmt::format("{:.4f}", e.test_loss), percent(e.test_accuracy),
                          fmt::format("{:.3g}", e.rate), percent(e.trained_share), duration_text(e.seconds)});
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
  Plot losses = epoch_plot("Loss", "Loss on the training and the test part after each epoch.",
                           "cross-entropy", Unit::plain);
  losses.series = {curve(run, "training", &Epoch::loss), curve(run, "test", &Epoch::test_loss)};
  page.figure(draw(losses), "Mean cross-entropy by epoch.", table);
  Plot accuracies =
      epoch_plot("Test accuracy", "Accuracy on the test part after each epoch.", "accuracy", Unit::percent);
  accuracies.series = {curve(run, "", &Epoch::test_accuracy)};
  page.figure(draw(accuracies), "Share of the test samples answered rightly, by epoch.", table);
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

}  // namespace

std::string training_page(const TrainingRecord& run) {
  Page page(fmt::format("{} on {}", run.model, run.data), "A training run of firn: " + run.path);
  if (const Epoch* best = run.best()) {
    page.answer(fmt::format("Test accuracy {} in epoch {} of {}, {} of training.",
                            percent(best->test_accuracy), best->epoch, run.epochs.size(),
                            duration_text(total_seconds(run))));
  } else {
    page.answer("No epoch was finished.");
  }
  if (!run.epochs.empty()) {
    page.section("Curves", "curves");
    add_curves(page, run);
  }
  page.section("Freezing", "freezing");
  add_freezing(page, run);
  if (!run.confusion.empty()) {
    page.section("Confusions", "confusions");
    add_confusion(page, run.classes, run.confusion);
  }
  page.section("To run it again", "again");
  if (!run.command.empty()) page.code(run.command);
  page.table(pairs_table("Configuration (config.json)", run.config));
  page.table(pairs_table("Machine and data (env.json)", run.environment));
  return page.html();
}

std::string comparison_page(const std::vector<TrainingRecord>& runs) {
  if (runs.size() < 2) throw Error(Fault::usage, "report", "one run has nothing to be compared with");
  Page page(fmt::format("{} training runs", runs.size()), "Compared by firn");
  PageTable table{.caption = "What came of them",
                  .heads = {"<run", "<model", "<data", "best accuracy", "epoch", "epochs", "time"}};
  Plot accuracies = epoch_plot("Test accuracy", "Accuracy on the test part after each epoch, a curve a run.",
                               "accuracy", Unit::percent);
  Plot times{.title = "Accuracy against time",
             .description = "Best accuracy and seconds of training of each run."};
  times.x = {.title = "time of training", .unit = Unit::seconds, .from_zero = true};
  times.y = {.title = "best accuracy", .unit = Unit::percent};
  for (const TrainingRecord& run : runs) {
    const Epoch* best = run.best();
    const double accuracy = best != nullptr ? best->test_accuracy : std::nan("");
    table.rows.push_back({run.path, run.model, run.data, percent(accuracy),
                          best != nullptr ? fmt::format("{}", best->epoch) : "–",
                          fmt::format("{}", run.epochs.size()), duration_text(total_seconds(run))});
    accuracies.series.push_back(curve(run, run.path, &Epoch::test_accuracy));
    times.series.push_back({.name = run.path, .points = {{total_seconds(run), accuracy}}, .line = false});
  }
  page.table(table);
  page.figure(draw(accuracies), "Share of the test samples answered rightly, by epoch.", table);
  page.figure(draw(times), "Up and to the left is better.", table);
  return page.html();
}

std::string training_events(const TrainingRecord& run, double time) {
  EventFile file(time);
  for (const Epoch& e : run.epochs) {
    file.scalar("loss/train", e.epoch, e.loss, time);
    file.scalar("loss/test", e.epoch, e.test_loss, time);
    file.scalar("accuracy/test", e.epoch, e.test_accuracy, time);
    file.scalar("rate", e.epoch, e.rate, time);
    file.scalar("gradient_norm", e.epoch, e.gradient_norm, time);
    file.scalar("trained_share", e.epoch, e.trained_share, time);
    file.scalar("seconds", e.epoch, e.seconds, time);
  }
  return file.bytes();
}

}  // namespace firn::cli::report
