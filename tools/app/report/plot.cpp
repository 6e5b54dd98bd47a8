#include "tools/app/report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace firn::cli::report {

namespace {

using Anchor = Svg::Anchor;

constexpr double kTop = 44, kBottom = 54;
constexpr double kTitleLine = 16;
constexpr double kLegendRow = 20;
constexpr double kMark = 5;  // half the width of a point's sign

/// Values of one axis to pixels.
struct Scale {
  double low = 0, high = 1, from = 0, to = 1;
  bool logarithmic = false;
  double step = 1;  // between neighbouring ticks
  std::vector<double> ticks = {};

  double at(double value) const {
    const double part = logarithmic ? (std::log(value) - std::log(low)) / (std::log(high) - std::log(low))
                                    : (value - low) / (high - low);
    return from + part * (to - from);
  }
  bool holds(double value) const { return std::isfinite(value) && (!logarithmic || value > 0); }
};

/// A part of the drawing that something covers.
struct Box {
  double left, top, right, bottom;
  bool meets(const Box& b) const {
    return left < b.right && b.left < right && top < b.bottom && b.top < bottom;
  }
};

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  void take(double value, bool logarithmic) {
    if (!std::isfinite(value) || (logarithmic && !(value > 0))) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

bool has_interval(const Point& p) {
  return p.low != p.high;
}

/// In two lines where one is too long and a colon parts it.
std::vector<std::string> title_lines(const std::string& title, double room) {
  constexpr double kBold = 1.1;
  const std::size_t colon = title.find(": ");
  if (kBold * text_width(title) <= room || colon == std::string::npos) return {title};
  return {title.substr(0, colon + 1), title.substr(colon + 2)};
}

Scale number_scale(Range range, const Axis& axis, double from, double to, int count) {
  if (!(range.low <= range.high)) range = {1, 10};
  if (axis.from_zero && !axis.logarithmic) range.low = std::min(0.0, range.low);
  if (range.low == range.high) {
    const double room = range.low == 0 ? 1 : std::abs(range.low) * 0.1;
    range =
        axis.logarithmic ? Range{range.low / 2, range.high * 2} : Range{range.low - room, range.high + room};
    // There is no share above the whole.
    if (axis.unit == Unit::percent && range.high > 1 && range.high - room <= 1) range.high = 1;
  }
  Scale scale;
  scale.logarithmic = axis.logarithmic;
  scale.ticks = axis_ticks(range.low, range.high, count, axis.logarithmic, axis.whole ? 1 : 0);
  scale.low = std::min(range.low, scale.ticks.front());
  scale.high = std::max(range.high, scale.ticks.back());
  scale.step = scale.ticks.size() > 1 ? scale.ticks[1] - scale.ticks[0] : 1;
  scale.from = from;
  scale.to = to;
  return scale;
}

Scale name_scale(const std::vector<std::string>& names, double from, double to) {
  Scale scale;
  scale.low = -0.5;
  scale.high = static_cast<double>(names.size()) - 0.5;
  scale.from = from;
  scale.to = to;
  for (std::size_t i = 0; i < names.size(); ++i) scale.ticks.push_back(static_cast<double>(i));
  return scale;
}

int colour_of(const Plot& plot, std::size_t series) {
  const int own = plot.series[series].colour;
  return (own < 0 ? static_cast<int>(series) : own) % kSeriesColours;
}

/// The title's lines and, under them, series by name, in as many rows as they need.
struct Head {
  std::vector<std::string> title;
  std::vector<Svg::Place> legend;
  double bottom = 0;
};

Head head_of(const Plot& plot) {
  Head head{title_lines(plot.title, plot.width - 8), {}, 0};
  double x = kPlotLeft, y = 38 + kTitleLine * static_cast<double>(head.title.size() - 1);
  for (const Series& s : plot.series) {
    const double width = 48 + text_width(s.name);
    if (x > kPlotLeft && x + width > plot.width - kPlotRight) {
      x = kPlotLeft;
      y += kLegendRow;
    }
    head.legend.push_back({x, y});
    x += width;
  }
  head.bottom = y + kTop - 28;
  return head;
}

/// What is asked for, and so much higher that what the head takes beyond two lines is not the data's.
Plot made_room(Plot plot) {
  plot.height += std::max(0.0, head_of(plot).bottom - (kTop + 10));
  return plot;
}

/// The part of the drawing that holds the data, and the scales over it.
class Frame {
 public:
  Frame(const Plot& plot, Svg& svg) : plot_(plot), svg_(svg), head_(head_of(plot)) {
    Range x, y;
    for (const Series& series : plot.series) {
      for (const Point& p : series.points) {
        x.take(p.x, plot.x.logarithmic);
        y.take(p.y, plot.y.logarithmic);
        if (!has_interval(p)) continue;
        y.take(p.low, plot.y.logarithmic);
        y.take(p.high, plot.y.logarithmic);
      }
    }
    for (const double value : plot.x.covers) x.take(value, plot.x.logarithmic);
    for (const double value : plot.y.covers) y.take(value, plot.y.logarithmic);
    if (plot.reference) y.take(*plot.reference, plot.y.logarithmic);
    if (plot.diagonal) x = y = {std::min(x.low, y.low), std::max(x.high, y.high)};
    x_ = plot.x.names.empty() ? number_scale(x, plot.x, kPlotLeft, plot.width - kPlotRight, kPlotTicks)
                              : name_scale(plot.x.names, kPlotLeft, plot.width - kPlotRight);
    y_ = number_scale(y, plot.y, plot.height - kBottom, head_.bottom, 6);
    take_marks();
  }

  void axes() {
    double y = 18;
    for (const std::string& line : head_.title) {
      svg_.text(4, y, line, Anchor::start, "strong");
      y += kTitleLine;
    }
    const double bottom = plot_.height - kBottom, right = plot_.width - kPlotRight;
    for (const double tick : y_.ticks) {
      svg_.line(kPlotLeft, y_.at(tick), right, y_.at(tick), "rule");
      svg_.text(kPlotLeft - 8, y_.at(tick) + 4, number_text(tick, plot_.y.unit, y_.step), Anchor::end,
                "muted");
    }
    svg_.line(kPlotLeft, bottom, right, bottom, "axis");
    const double room = (right - kPlotLeft) / static_cast<double>(std::max<std::size_t>(1, x_.ticks.size()));
    for (std::size_t i = 0; i < x_.ticks.size(); ++i) {
      const double at = x_.at(x_.ticks[i]);
      svg_.line(at, bottom, at, bottom + 4, "axis");
      const bool named = !plot_.x.names.empty();
      const std::string words = named ? plot_.x.names[i] : number_text(x_.ticks[i], plot_.x.unit, x_.step);
      // Names too wide for one line stand in two rows in turns.
      const bool lower = named && text_width(words) > room && i % 2 == 1;
      svg_.text(at, bottom + (lower ? 30 : 17), words, Anchor::middle, "muted");
    }
    svg_.text((kPlotLeft + right) / 2, plot_.height - 10, plot_.x.title, Anchor::middle);
    svg_.upright_text(14, (head_.bottom + bottom) / 2, plot_.y.title);
  }

  void references() {
    if (plot_.diagonal) {
      const double low = std::max(x_.low, y_.low), high = std::min(x_.high, y_.high);
      svg_.line(x_.at(low), y_.at(low), x_.at(high), y_.at(high), "reference");
    }
    if (!plot_.reference || !y_.holds(*plot_.reference)) return;
    const double at = y_.at(*plot_.reference);
    svg_.line(kPlotLeft, at, plot_.width - kPlotRight, at, "reference");
    svg_.text(plot_.width - kPlotRight, at - 5, plot_.reference_name, Anchor::end, "label");
  }

  void series(std::size_t which) {
    const Series& s = plot_.series[which];
    const std::string number = std::to_string(colour_of(plot_, which) + 1);
    svg_.begin_group({});
    const bool band = s.line && !s.marks;
    for (const auto& run : unbroken(s)) {
      if (band) draw_band(run, number);
      if (s.line) draw_line(run, s, which, number);
      for (const Point& p : run) {
        if (!band && has_interval(p)) draw_interval(p, which, number);
      }
      for (const Point& p : run) {
        if (s.marks) svg_.marker(left_of(p, which), y_.at(p.y), colour_of(plot_, which), tooltip(s, p));
        if (!p.name.empty()) name_point(p, which);
      }
    }
    svg_.end_group();
  }

  void legend() {
    if (plot_.series.size() == 1 && plot_.series[0].name.empty()) return;
    for (std::size_t i = 0; i < head_.legend.size(); ++i) {
      const auto [x, y] = head_.legend[i];
      const std::string number = std::to_string(colour_of(plot_, i) + 1);
      if (plot_.series[i].line) svg_.polyline({{x, y - 4}, {x + 26, y - 4}}, "curve line" + number);
      if (plot_.series[i].marks) svg_.marker(x + 13, y - 4, colour_of(plot_, i));
      svg_.text(x + 32, y, plot_.series[i].name, Anchor::start);
    }
  }

 private:
  /// Neighbours in a category stand side by side, so that their intervals can be told apart.
  double left_of(const Point& p, std::size_t which) const {
    const double middle = x_.at(p.x);
    if (plot_.x.names.empty() || plot_.series.size() < 2) return middle;
    const double room = (x_.at(1) - x_.at(0)) * 0.5, n = static_cast<double>(plot_.series.size());
    const double gap = std::min(12.0, room / n);
    return middle + gap * (static_cast<double>(which) - (n - 1) / 2);
  }

  std::vector<std::vector<Point>> unbroken(const Series& s) const {
    std::vector<std::vector<Point>> runs(1);
    for (const Point& p : s.points) {
      if (x_.holds(p.x) && y_.holds(p.y)) {
        runs.back().push_back(p);
      } else if (!runs.back().empty()) {
        runs.emplace_back();
      }
    }
    return runs;
  }

  void draw_line(const std::vector<Point>& run, const Series& s, std::size_t which,
                 const std::string& number) {
    if (run.size() < 2) return;
    std::vector<Svg::Place> places;
    for (const Point& p : run) {
      if (s.step && !places.empty()) places.push_back({left_of(p, which), places.back().y});
      places.push_back({left_of(p, which), y_.at(p.y)});
    }
    svg_.polyline(places, "curve line" + number);
  }

  void draw_band(const std::vector<Point>& run, const std::string& number) {
    std::vector<Svg::Place> places;
    for (const Point& p : run) {
      if (has_interval(p)) places.push_back({x_.at(p.x), y_.at(p.high)});
    }
    for (auto p = run.rbegin(); p != run.rend(); ++p) {
      if (has_interval(*p)) places.push_back({x_.at(p->x), y_.at(p->low)});
    }
    if (places.size() > 2) svg_.polygon(places, "band fill" + number);
  }

  void draw_interval(const Point& p, std::size_t which, const std::string& number) {
    if (!y_.holds(p.low) || !y_.holds(p.high)) return;
    const double x = left_of(p, which), low = y_.at(p.low), high = y_.at(p.high);
    const std::string css = "bar line" + number;
    svg_.line(x, low, x, high, css);
    svg_.line(x - 4, low, x + 4, low, css);
    svg_.line(x - 4, high, x + 4, high, css);
  }

  /// The signs of all points: no name may cover one.
  void take_marks() {
    for (std::size_t i = 0; i < plot_.series.size(); ++i) {
      if (!plot_.series[i].marks) continue;
      for (const Point& p : plot_.series[i].points) {
        if (!x_.holds(p.x) || !y_.holds(p.y)) continue;
        const double x = left_of(p, i), y = y_.at(p.y);
        taken_.push_back({x - kMark, y - kMark, x + kMark, y + kMark});
      }
    }
  }

  /// Beside the point where nothing stands yet; nowhere if all places are taken: the tooltip has the name.
  void name_point(const Point& p, std::size_t which) {
    struct Offset {
      bool left;
      double down;  // of the baseline
    };
    constexpr Offset kOffsets[] = {{false, -6},  {false, 15}, {true, -6},  {true, 15},
                                   {false, -13}, {false, 22}, {true, -13}, {true, 22}};
    const double width = text_width(p.name);
    for (const Offset& offset : kOffsets) {
      const double x = left_of(p, which) + (offset.left ? -9 : 9), y = y_.at(p.y) + offset.down;
      const double from = offset.left ? x - width : x;
      const Box box{from, y - 10, from + width, y + 3};
      const bool inside = box.left >= kPlotLeft && box.right <= plot_.width - kPlotRight &&
                          box.top >= head_.bottom - 14 && box.bottom <= plot_.height - kBottom;
      const bool free =
          std::none_of(taken_.begin(), taken_.end(), [&](const Box& other) { return box.meets(other); });
      if (!inside || !free) continue;
      taken_.push_back(box);
      svg_.text(x, y, p.name, offset.left ? Anchor::end : Anchor::start, "label");
      return;
    }
  }

  std::string tooltip(const Series& s, const Point& p) const {
    std::string out = s.name;
    if (!p.name.empty()) out += (out.empty() ? "" : ", ") + p.name;
    const auto place = static_cast<std::size_t>(std::max(0.0, p.x));
    const std::string x = plot_.x.names.empty()          ? number_text(p.x, plot_.x.unit, x_.step / 10)
                          : place < plot_.x.names.size() ? plot_.x.names[place]
                                                         : "";
    out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", x, number_text(p.y, plot_.y.unit, y_.step / 10));
    if (has_interval(p)) {
      out += fmt::format(" ({} to {})", number_text(p.low, plot_.y.unit, y_.step / 10),
                         number_text(p.high, plot_.y.unit, y_.step / 10));
    }
    return out;
  }

  const Plot& plot_;
  Svg& svg_;
  Scale x_, y_;
  const Head head_;
  std::vector<Box> taken_;
};

}  // namespace

std::string number_text(double value, Unit unit, double step) {
  if (!std::isfinite(value)) return "–";
  const double factor = unit == Unit::percent ? 100 : 1;
  value *= factor;
  step = std::abs(step * factor);
  constexpr const char* kNames[] = {"", " %", " µs", " ms", " s"};
  std::size_t name = static_cast<std::size_t>(unit) + (unit > Unit::percent ? 1 : 0);
  for (; name > 2 && step > 0 && step < 0.999e-2; --name) {
    value *= 1000;
    step *= 1000;
  }
  int digits = 0;
  while (digits < 4 && step > 0 && step * std::pow(10, digits) < 0.999) ++digits;
  std::string out = fmt::format("{:.{}f}", value, digits);
  if (out.find_first_not_of("-0.") == std::string::npos && out[0] == '-') out.erase(0, 1);
  return out + kNames[name];
}

std::string duration_text(double seconds, bool sign) {
  if (!std::isfinite(seconds)) return "–";
  const auto digits = [&](double value) {
    const bool large = std::abs(value) >= 999.5;
    if (sign) return large ? fmt::format("{:+.0f}", value) : fmt::format("{:+.3g}", value);
    return large ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
  };
  const double size = std::abs(seconds);
  if (size < 1e-9) return sign ? "+0 s" : "0 s";
  if (size < 999.5e-6) return digits(seconds * 1e6) + " µs";
  if (size < 999.5e-3) return digits(seconds * 1e3) + " ms";
  return digits(seconds) + " s";
}

std::vector<double> axis_ticks(double low, double high, int count, bool logarithmic, double least_step) {
  if (!std::isfinite(low) || !std::isfinite(high) || low > high || (logarithmic && !(low > 0))) return {};
  std::vector<double> ticks;
  if (logarithmic) {
    std::vector<double> all;
    const int first = static_cast<int>(std::floor(std::log10(low))),
              last = static_cast<int>(std::ceil(std::log10(high)));
    const bool few = last - first <= 2;
    for (int power = first; power <= last; ++power) {
      for (const double lead : {1.0, 2.0, 5.0}) {
        if (few || lead == 1.0) all.push_back(lead * std::pow(10, power));
      }
    }
    // The smallest stretch of them that covers both ends.
    const auto begin = std::upper_bound(all.begin(), all.end(), low * 1.0000001);
    const auto end = std::lower_bound(all.begin(), all.end(), high * 0.9999999);
    const auto from = begin == all.begin() ? begin : begin - 1;
    ticks.assign(from, end == all.end() ? end : end + 1);
    return ticks;
  }
  const double span = high > low ? high - low : std::max(1e-12, std::abs(low));
  const double rough = span / std::max(1, count - 1), power = std::pow(10, std::floor(std::log10(rough)));
  const double lead = rough / power;
  const double step = std::max(least_step, power * (lead < 1.5 ? 1 : lead < 3 ? 2 : lead < 7 ? 5 : 10));
  const double from = std::floor(low / step + 1e-9), to = std::ceil(high / step - 1e-9);
  for (double i = from; i <= to; ++i) ticks.push_back(i * step);
  if (ticks.size() == 1) ticks.push_back((from + 1) * step);
  return ticks;
}

Svg draw(const Plot& asked) {
  const Plot plot = made_room(asked);
  Svg svg(plot.width, plot.height, plot.title, plot.description);
  Frame frame(plot, svg);
  frame.axes();
  frame.references();
  for (std::size_t i = 0; i < plot.series.size(); ++i) frame.series(i);
  frame.legend();
  return svg;
}

}  // namespace firn::cli::report
