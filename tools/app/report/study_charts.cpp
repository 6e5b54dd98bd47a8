#include "tools/app/report/study_charts.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "tools/app/record/arm.h"
#include "tools/app/report/forest.h"
#include "tools/app/report/plot.h"

namespace firn::cli::report {

namespace {

using Arm = StudyRecord::Arm;
using Summary = StudyRecord::Summary;

const double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostCurves = 6, kMostBands = 3;

std::string chart_percent(double share) {
  return number_text(share, Unit::percent, 0.001);
}

/// A name for files: letters, digits and dashes.
std::string stem_of(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain) {
      out += c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  // A file's name has at most 255 bytes.
  constexpr std::size_t kMost = 100;
  if (out.size() > kMost) out = out.substr(0, kMost) + "-" + short_hash(text);
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out;
}

std::string target_name(const std::string& target, const std::string& part) {
  return part == "all" ? data_name(target) : data_name(target) + " (" + part + ")";
}

Point point_of(const Summary& s, double x, std::string name = {}) {
  return {x, s.mean, s.seeds > 1 ? s.low : 0, s.seeds > 1 ? s.high : 0, std::move(name)};
}

const Arm* cut_of(const ArmGroup& group, Index labels, Index frozen, bool transfers) {
  for (const Arm* a : group.arms) {
    if (a->labels == labels && a->is_cut() && a->frozen_blocks == frozen && a->transfers() == transfers)
      return a;
  }
  return nullptr;
}

std::string cut_name(Index frozen, Index blocks) {
  return frozen == 0            ? "0 (full)"
         : frozen == blocks - 1 ? fmt::format("{} (head only)", frozen)
                                : fmt::format("{}", frozen);
}

/// Mean scores, a row a number of labels, a column each cut that was asked for.
PageTable cut_table(const StudyRecord& study, const ArmGroup& group) {
  PageTable table{.caption = "Mean " + study.score() + " by labels and frozen blocks", .heads = {"labels"}};
  std::vector<Index> cuts;
  for (Index cut = 0; cut < group.blocks; ++cut) {
    const bool asked = std::any_of(group.labels.begin(), group.labels.end(),
                                   [&](Index labels) { return cut_of(group, labels, cut, true) != nullptr; });
    if (!asked) continue;
    cuts.push_back(cut);
    table.heads.push_back(fmt::format("{}", cut));
  }
  for (const Index labels : group.labels) {
    table.rows.push_back({labels == 0 ? "all" : fmt::format("{}", labels)});
    for (const Index cut : cuts) {
      const Arm* a = cut_of(group, labels, cut, true);
      const Summary* s = a != nullptr ? study.find(a->key, "accuracy") : nullptr;
      table.rows.back().push_back(s != nullptr ? chart_percent(s->mean) : "–");
    }
  }
  return table;
}

/// Accuracy by the length of the frozen prefix, a series for each number of labels; "scratch" stands apart.
void add_cut_plot(const StudyRecord& study, const ArmGroup& group, std::vector<Figure>& out) {
  Plot plot{.title = "Test " + study.score() + " by cut: " + group.title(),
            .description =
                "Mean " + study.score() + " over the seeds with 95 % intervals, by number of frozen blocks."};
  plot.x.title = "blocks frozen";
  plot.y = {.title = study.score(), .unit = Unit::percent};
  const bool scratch = std::any_of(group.arms.begin(), group.arms.end(), [&](const Arm* a) {
    return a->is_cut() && a->frozen_blocks == 0 && !a->transfers();
  });
  const Index first = scratch ? 1 : 0;
  if (scratch) plot.x.names.push_back("scratch");
  for (Index cut = 0; cut < group.blocks; ++cut) plot.x.names.push_back(cut_name(cut, group.blocks));
  std::size_t cuts = 0;
  for (const bool transfers : {true, false}) {
    for (std::size_t l = 0; l < group.labels.size(); ++l) {
      Series series{.name = labels_name(group.labels[l], study.labels_by_class(group.target)) +
                            (transfers ? "" : ", random features frozen"),
                    .colour = static_cast<int>(l + (transfers ? 0 : group.labels.size()))};
      for (Index cut = transfers && scratch ? -1 : transfers ? 0 : 1; cut < group.blocks; ++cut) {
        const Arm* a = cut < 0 ? cut_of(group, group.labels[l], 0, false)
                               : cut_of(group, group.labels[l], cut, transfers);
        const Summary* s = a != nullptr ? study.find(a->key, "accuracy") : nullptr;
        const auto x = static_cast<double>(cut + first);
        if (s == nullptr) continue;  // the line goes on past cuts that nobody asked for
        series.points.push_back(point_of(*s, x));
        // Without a source is another beginning, not another cut.
        if (cut < 0) series.points.push_back({x, kNone});
        if (cut >= 0) ++cuts;
      }
      const bool any = std::any_of(series.points.begin(), series.points.end(),
                                   [](const Point& p) { return std::isfinite(p.y); });
      if (any) plot.series.push_back(std::move(series));
    }
  }
  if (cuts < 2) return;
  out.push_back({"cuts-" + stem_of(group.title()), draw(plot),
                 capital(study.score()) + " on the test part; bars are 95 % intervals over the seeds.",
                 cut_table(study, group)});
}

/// Arms by accuracy and time, and those that no other beats in both.
void add_pareto(const StudyRecord& study, const ArmGroup& group, std::vector<Figure>& out) {
  for (const Index labels : group.labels) {
    struct Candidate {
      const Arm* arm;
      double seconds, accuracy;
    };
    std::vector<Candidate> all;
    for (const Arm* a : group.arms) {
      const Summary *s = study.find(a->key, "accuracy"), *t = study.find(a->key, "seconds");
      if (a->labels == labels && s != nullptr && t != nullptr) all.push_back({a, t->mean, s->mean});
    }
    if (all.size() < 3) continue;
    std::stable_sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) {
      return a.seconds < b.seconds || (a.seconds == b.seconds && a.accuracy > b.accuracy);
    });
    Series others{.name = "arms", .line = false}, front{.name = "Pareto front", .step = true};
    PageTable table{.caption = "Time and " + study.score(),
                    .heads = {"<arm", "time", study.score(), "<on the front"}};
    double best = -std::numeric_limits<double>::infinity();
    for (const Candidate& c : all) {
      const bool leads = c.accuracy > best;
      (leads ? front : others).points.push_back({c.seconds, c.accuracy, 0, 0, leads ? c.arm->name : ""});
      best = std::max(best, c.accuracy);
      table.rows.push_back(
          {c.arm->name, duration_text(c.seconds), chart_percent(c.accuracy), leads ? "yes" : "no"});
    }
    Plot plot{.title = fmt::format("{} against time, {}: {}", capital(study.score()),
                                   labels_name(labels, study.labels_by_class(group.target)), group.title()),
              .description =
                  "Mean " + study.score() + " and seconds of training of each arm, with the Pareto front."};
    plot.x = {.title = "time of training (one thread)", .unit = Unit::seconds, .from_zero = true};
    plot.y = {.title = study.score(), .unit = Unit::percent};
    plot.series = {others, front};
    out.push_back({fmt::format("pareto-{}-{}", stem_of(group.title()), labels), draw(plot),
                   "Up and to the left is better; no arm beats one on the front in both.", table});
  }
}

void add_forest(const StudyRecord& study, const ArmGroup& group, std::vector<Figure>& out) {
  for (const Index labels : group.labels) {
    Forest forest{
        .title = fmt::format("Difference to full tuning, {}: {}",
                             labels_name(labels, study.labels_by_class(group.target)), group.title()),
        .description = "Paired differences of " + study.score() + " over the same seeds with 95 % intervals.",
        .axis = study.score() + ", points against full tuning"};
    PageTable table{.caption = "Paired differences of " + study.score() + " in points",
                    .heads = {"<arm", "difference", "low", "high", "<finding"}};
    for (const Arm* a : group.arms) {
      const Summary* s = study.find(a->key, "accuracy");
      if (a->labels != labels || s == nullptr || !s->compared) continue;
      const std::string range =
          fmt::format("{} to {}", signed_points(s->difference_low), signed_points(s->difference_high));
      forest.rows.push_back({a->name, 100 * s->difference, 100 * s->difference_low, 100 * s->difference_high,
                             fmt::format("{} ({})", signed_points(s->difference), range)});
      table.rows.push_back({a->name, signed_points(s->difference), signed_points(s->difference_low),
                            signed_points(s->difference_high), s->finding});
    }
    if (forest.rows.size() < 2) continue;
    out.push_back(
        {fmt::format("differences-{}-{}", stem_of(group.title()), labels), draw(forest),
         "Filled: the interval lies on one side of zero. Empty: no difference seen. Random weights are held "
         "against full tuning of random weights: scratch.",
         table});
  }
}

Series mean_curve(const Arm& arm, const std::vector<std::vector<CurvePoint>>& seeds, bool bands) {
  Series series{.name = arm.name, .marks = false};
  std::size_t length = std::numeric_limits<std::size_t>::max();
  for (const auto& one : seeds) length = std::min(length, one.size());
  for (std::size_t i = 0; i < length; ++i) {
    constexpr double kFar = std::numeric_limits<double>::infinity();
    double sum = 0, low = kFar, high = -kFar;
    for (const auto& one : seeds) {
      sum += one[i].accuracy;
      low = std::min(low, one[i].accuracy);
      high = std::max(high, one[i].accuracy);
    }
    const bool band = bands && seeds.size() > 1;
    series.points.push_back({static_cast<double>(seeds[0][i].step), sum / static_cast<double>(seeds.size()),
                             band ? low : 0, band ? high : 0});
  }
  return series;
}

void add_curves(const StudyRecord& study, const ArmGroup& group, std::vector<Figure>& out) {
  const Index labels = group.labels.front();
  std::vector<const Arm*> chosen;
  for (const Arm* a : group.arms) {
    if (a->labels == labels && study.curves.contains(a->key)) chosen.push_back(a);
  }
  if (chosen.empty()) return;
  // The best ones, full tuning and scratch among them whatever their place.
  const auto always = [](const Arm* a) { return a->is_cut() && a->frozen_blocks == 0; };
  std::stable_sort(chosen.begin(), chosen.end(), [&](const Arm* a, const Arm* b) {
    if (always(a) != always(b)) return always(a);
    const Summary *x = study.find(a->key, "accuracy"), *y = study.find(b->key, "accuracy");
    return (x != nullptr ? x->mean : 0) > (y != nullptr ? y->mean : 0);
  });
  if (chosen.size() > kMostCurves) chosen.resize(kMostCurves);
  Plot plot{.title = fmt::format("Learning curves, {}: {}",
                                 labels_name(labels, study.labels_by_class(group.target)), group.title()),
            .description =
                capital(study.score()) +
                " on the validation part while training; mean over the seeds, of few arms with bands from "
                "the least to "
                "the greatest."};
  plot.x = {.title = "step", .whole = true};
  plot.y = {.title = study.score(), .unit = Unit::percent};
  PageTable table{.caption = "Mean " + study.score() + " by step", .heads = {"step"}};
  for (const Arm* a : chosen) {
    plot.series.push_back(mean_curve(*a, study.curves.at(a->key), chosen.size() <= kMostBands));
    table.heads.push_back(a->name);
    for (const Point& p : plot.series.back().points) {
      const std::string step = fmt::format("{}", p.x);
      auto row =
          std::find_if(table.rows.begin(), table.rows.end(), [&](const auto& r) { return r[0] == step; });
      if (row == table.rows.end()) row = table.rows.insert(row, {step});
      row->resize(table.heads.size() - 1, "–");
      row->push_back(chart_percent(p.y));
    }
  }
  for (auto& row : table.rows) row.resize(table.heads.size(), "–");
  out.push_back({"curves-" + stem_of(group.title()), draw(plot),
                 "Mean over the seeds; of few arms with bands from the least to the greatest seed.", table});
}

}  // namespace

std::string capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string signed_points(double share) {
  return fmt::format("{:+.1f}", 100 * share);
}

PageTable summary_table(const StudyRecord& study, const ArmGroup& group) {
  PageTable table{.caption = group.title() + ": mean over the seeds, intervals at 95 %",
                  .heads = {"labels", "<arm", "seeds", study.score(), "to full tuning", "<finding",
                            "macro-F1", "ECE", "time", "predicted time"}};
  for (const Index labels : group.labels) {
    for (const Arm* a : group.arms) {
      const Summary* s = study.find(a->key, "accuracy");
      if (a->labels != labels || s == nullptr) continue;
      const auto mean = [&](const char* metric, const char* format) {
        const Summary* m = study.find(a->key, metric);
        return m == nullptr ? std::string("–") : fmt::format(fmt::runtime(format), m->mean);
      };
      const auto time = [&](const char* metric) {
        const Summary* m = study.find(a->key, metric);
        return m == nullptr ? std::string("–") : duration_text(m->mean);
      };
      const std::string difference =
          s->compared ? fmt::format("{} ({} to {})", signed_points(s->difference),
                                    signed_points(s->difference_low), signed_points(s->difference_high))
                      : "–";
      table.rows.push_back({labels == 0 ? "all" : fmt::format("{}", labels), a->name,
                            fmt::format("{}", s->seeds), interval_text(*s), difference,
                            s->finding.empty() ? "–" : s->finding,
                            study.score_is_share() ? mean("macro_f1", "{:.3f}") : "–",
                            study.score() == "accuracy" ? mean("ece", "{:.3f}") : "–", time("seconds"),
                            time("predicted_seconds")});
    }
  }
  return table;
}

std::string ArmGroup::title() const {
  const std::string data = target_name(target, part);
  return source == "random" ? fmt::format("{}, {}", model, data)
                            : fmt::format("{}, {} to {}", model, data_name(source), data);
}

std::vector<ArmGroup> groups_of(const StudyRecord& study, const StudyRecord::Experiment& experiment) {
  std::vector<ArmGroup> groups;
  const auto place = [&](const Arm& a, const std::string& source) -> ArmGroup& {
    for (ArmGroup& g : groups) {
      if (g.model == a.model && g.source == source && g.target == a.target && g.part == a.part) return g;
    }
    groups.push_back({a.model, source, a.target, a.part, {}, a.blocks, {}});
    return groups.back();
  };
  for (const Arm& a : study.arms) {
    if (experiment.arms.contains(a.key) && a.transfers()) place(a, a.source).arms.push_back(&a);
  }
  for (const Arm& a : study.arms) {
    if (!experiment.arms.contains(a.key) || a.transfers()) continue;
    bool placed = false;
    for (ArmGroup& g : groups) {
      if (g.model != a.model || g.target != a.target || g.part != a.part || g.source == "random") continue;
      g.arms.push_back(&a);
      placed = true;
    }
    if (!placed) place(a, "random").arms.push_back(&a);
  }
  for (ArmGroup& g : groups) {
    for (const Arm* a : g.arms) {
      if (std::find(g.labels.begin(), g.labels.end(), a->labels) == g.labels.end())
        g.labels.push_back(a->labels);
    }
    std::sort(g.labels.begin(), g.labels.end(),
              [](Index a, Index b) { return b == 0 ? a != 0 : a != 0 && a < b; });
  }
  return groups;
}

std::vector<Figure> figures_of(const StudyRecord& study, const ArmGroup& group) {
  std::vector<Figure> out;
  add_cut_plot(study, group, out);
  add_forest(study, group, out);
  add_pareto(study, group, out);
  add_curves(study, group, out);
  return out;
}

std::vector<Figure> cost_figures(const StudyRecord& study) {
  Plot plot{.title = "One training step, predicted against measured",
            .description =
                "Milliseconds of a step of each cut on one thread; the dotted line is a perfect forecast.",
            .diagonal = true};
  plot.x = {.title = "predicted", .unit = Unit::milliseconds, .logarithmic = true};
  plot.y = {.title = "measured", .unit = Unit::milliseconds, .logarithmic = true};
  PageTable table{.caption = "Milliseconds of a step on one thread",
                  .heads = {"<model", "<arm", "predicted", "measured", "ratio", "from kept features",
                            "activations, MiB", "state, MiB"}};
  std::map<std::string, std::set<std::string>> sources, data;  // of a model
  for (const Arm& a : study.arms) {
    if (a.transfers()) sources[a.model].insert(data_name(a.source));
    data[a.model].insert(target_name(a.target, a.part));
  }
  std::set<std::pair<std::string, std::string>> shown;
  for (const Arm& a : study.arms) {
    const auto found = study.costs.find(a.key);
    if (found == study.costs.end() || !(found->second.step_ms > 0)) continue;
    const StudyRecord::Cost& c = found->second;
    // The number of labels changes nothing of a step.
    std::string name = a.name;
    if (a.transfers() && sources[a.model].size() > 1) name += ", from " + data_name(a.source);
    if (data[a.model].size() > 1) name += ", on " + target_name(a.target, a.part);
    if (!shown.insert({a.model, name}).second) continue;
    auto series = std::find_if(plot.series.begin(), plot.series.end(),
                               [&](const Series& s) { return s.name == a.model; });
    if (series == plot.series.end()) {
      series = plot.series.insert(series, {.name = a.model, .line = false});
    }
    series->points.push_back({c.step_predicted_ms, c.step_ms});
    constexpr double kMiB = 1 << 20;
    table.rows.push_back({a.model, name, fmt::format("{:.4g}", c.step_predicted_ms),
                          fmt::format("{:.4g}", c.step_ms),
                          fmt::format("{:.2f}", c.step_predicted_ms / c.step_ms),
                          c.step_kept_ms > 0 ? fmt::format("{:.4g}", c.step_kept_ms) : "",
                          fmt::format("{:.2f}", static_cast<double>(c.arena_bytes) / kMiB),
                          fmt::format("{:.2f}", static_cast<double>(c.state_bytes) / kMiB)});
  }
  if (plot.series.empty()) return {};
  return {
      {"costs", draw(plot),
       "Each point is a cut, timed alone on one thread, with all that is frozen computed. From kept features "
       "is the same step where the output of the frozen part is computed once for each sample and read back.",
       table}};
}

std::string interval_text(const Summary& s) {
  if (s.seeds < 2) return chart_percent(s.mean);
  return fmt::format("{} ({:.1f} to {:.1f})", chart_percent(s.mean), 100 * s.low, 100 * s.high);
}

}  // namespace firn::cli::report
