#include "tools/app/report/arena_chart.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/program/listing.h"
#include "tools/app/report/plot.h"

namespace firn::cli::report {

namespace {

using Anchor = Svg::Anchor;

constexpr double kArenaPanel = 430, kArenaLeft = 66, kArenaRight = 10, kArenaTop = 52, kArenaHeight = 230,
                 kArenaLocal = 46, kArenaStrip = 12;
constexpr double kArenaWidth = kArenaPanel - kArenaLeft - kArenaRight;
constexpr double kArenaFigure = kArenaTop + kArenaHeight + 14 + kArenaLocal + 10 + kArenaStrip + 62;

const char* pass_text(Pass pass) {
  return pass == Pass::forward          ? "forward"
         : pass == Pass::input_gradient ? "input gradient"
                                        : "weight gradient";
}

int pass_series(Pass pass) {
  return pass == Pass::forward ? 1 : pass == Pass::input_gradient ? 2 : 3;
}

/// What all panels share.
struct ArenaScale {
  double seconds = 0, shared = 0, local = 0;
};

ArenaScale scale_of(const std::vector<ArenaChart>& charts) {
  ArenaScale scale;
  for (const ArenaChart& chart : charts) {
    scale.seconds = std::max(scale.seconds, chart.total_seconds());
    scale.shared = std::max(scale.shared, static_cast<double>(chart.shared_bytes));
    scale.local = std::max(scale.local, static_cast<double>(chart.local_bytes));
  }
  return scale;
}

std::string step_text(const Node& node) {
  return fmt::format("{}: {}, {}", node.label(), node.text(), pass_text(node.pass()));
}

std::string span_text(const LifeSpan& span) {
  const Node& node = *span.value.node;
  return fmt::format("{}: {} {}, {}, {}; {}", node.label(), node.kind(), span.value.shape().text(),
                     pass_text(node.pass()), short_bytes(static_cast<double>(span.bytes)),
                     span.reader == nullptr
                         ? "outlives the step"
                         : fmt::format("last read by {}: {}", span.reader->label(), span.reader->kind()));
}

class ArenaPanel {
 public:
  ArenaPanel(Svg& svg, const ArenaChart& chart, const ArenaScale& scale, double left)
      : svg_(svg), chart_(chart), scale_(scale), left_(left + kArenaLeft) {
    double at = 0;
    for (const double seconds : chart.seconds) {
      begins_.push_back(at);
      at += seconds;
    }
    begins_.push_back(at);
  }

  void draw() {
    svg_.text(left_, 18, chart_.title, Anchor::start, "strong");
    svg_.text(left_, 35,
              fmt::format("{} and {} a thread, {}", short_bytes(static_cast<double>(chart_.shared_bytes)),
                          short_bytes(static_cast<double>(chart_.local_bytes)),
                          duration_text(chart_.total_seconds())),
              Anchor::start, "muted");
    draw_memory_axis();
    for (const LifeSpan& span : chart_.spans) draw_span(span);
    svg_.line(left_, kArenaTop + kArenaHeight, left_ + kArenaWidth, kArenaTop + kArenaHeight, "axis");
    svg_.line(left_, local_bottom(), left_ + kArenaWidth, local_bottom(), "axis");
    for (std::size_t i = 0; i < chart_.steps.size(); ++i) {
      const Node& node = *chart_.steps[i]->node;
      svg_.rectangle(x(begins_[i]), strip(), std::max(0.3, x(begins_[i + 1]) - x(begins_[i])), kArenaStrip,
                     fmt::format("fill{}", pass_series(node.pass())),
                     step_text(node) + ", " + duration_text(chart_.seconds[i]));
    }
    draw_time_axis();
  }

 private:
  double x(double seconds) const {
    return left_ + kArenaWidth * (scale_.seconds > 0 ? seconds / scale_.seconds : 0);
  }
  double local_bottom() const { return kArenaTop + kArenaHeight + 14 + kArenaLocal; }
  double strip() const { return local_bottom() + 10; }
  /// The place of a value's beginning or end: the middle of a step, since a step may write over what it
  /// reads.
  double middle(std::size_t step) const {
    return step < chart_.steps.size() ? (begins_[step] + begins_[step + 1]) / 2 : begins_.back();
  }

  void draw_span(const LifeSpan& span) {
    const double bottom = span.local ? local_bottom() : kArenaTop + kArenaHeight;
    const double unit =
        span.local ? kArenaLocal / std::max(1.0, scale_.local) : kArenaHeight / std::max(1.0, scale_.shared);
    const double height = static_cast<double>(span.bytes) * unit;
    const double left = x(middle(span.made)), right = x(middle(span.last));
    svg_.rectangle(left, bottom - static_cast<double>(span.offset) * unit - height,
                   std::max(0.4, right - left), std::max(0.2, height),
                   fmt::format("span fill{}", pass_series(span.value.node->pass())), span_text(span));
  }

  void draw_memory_axis() {
    const double top = scale_.shared;
    const double unit = std::pow(1024.0, std::floor(std::log(std::max(1.0, top)) / std::log(1024.0)));
    for (const double tick : axis_ticks(0, top / unit, 4)) {
      if (tick * unit > top) continue;
      const double y = kArenaTop + kArenaHeight - kArenaHeight * tick * unit / std::max(1.0, top);
      svg_.line(left_, y, left_ + kArenaWidth, y, "rule");
      svg_.text(left_ - 6, y + 4, short_bytes(tick * unit), Anchor::end, "muted");
    }
    svg_.text(left_ - 6, local_bottom() - kArenaLocal / 2 + 1, "a thread's", Anchor::end, "muted");
    svg_.text(left_ - 6, local_bottom() - kArenaLocal / 2 + 15, "own", Anchor::end, "muted");
    svg_.text(left_ - 6, strip() + 10, "steps", Anchor::end, "muted");
  }

  void draw_time_axis() {
    const double y = strip() + kArenaStrip;
    for (const double tick : axis_ticks(0, scale_.seconds, 4)) {
      if (tick > scale_.seconds) continue;
      svg_.line(x(tick), y, x(tick), y + 4, "axis");
      svg_.text(x(tick), y + 18, duration_text(tick), tick == 0 ? Anchor::start : Anchor::middle, "muted");
    }
    double at = left_;
    for (const Pass pass : {Pass::forward, Pass::input_gradient, Pass::weight_gradient}) {
      svg_.rectangle(at, y + 34, 11, 11, fmt::format("fill{}", pass_series(pass)));
      svg_.text(at + 16, y + 44, pass_text(pass), Anchor::start);
      at += text_width(pass_text(pass)) + 32;
    }
  }

  Svg& svg_;
  const ArenaChart& chart_;
  const ArenaScale& scale_;
  double left_;
  std::vector<double> begins_;  // of the steps, and the end
};

std::string arena_words(const std::vector<ArenaChart>& charts) {
  std::string text = "How long each value of a step lies in memory, and where.";
  for (const ArenaChart& chart : charts) {
    text += fmt::format(" {}: {} values in {} and {} a thread.", chart.title, chart.spans.size(),
                        short_bytes(static_cast<double>(chart.shared_bytes)),
                        short_bytes(static_cast<double>(chart.local_bytes)));
  }
  return text;
}

}  // namespace

double ArenaChart::total_seconds() const {
  return std::accumulate(seconds.begin(), seconds.end(), 0.0);
}

Svg draw(const std::vector<ArenaChart>& charts) {
  Svg svg(kArenaPanel * static_cast<double>(charts.size()), kArenaFigure, "The memory of a step",
          arena_words(charts));
  const ArenaScale scale = scale_of(charts);
  for (std::size_t i = 0; i < charts.size(); ++i)
    ArenaPanel(svg, charts[i], scale, kArenaPanel * static_cast<double>(i)).draw();
  return svg;
}

Svg draw(const ArenaChart& chart, const std::vector<ArenaChart>& beside) {
  Svg svg(kArenaPanel, kArenaFigure, "The memory of a step, " + chart.title, arena_words({chart}));
  const ArenaScale scale = scale_of(beside);
  ArenaPanel(svg, chart, scale, 0).draw();
  return svg;
}

}  // namespace firn::cli::report
