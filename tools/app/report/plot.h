// Points and lines over two axes: curves with intervals, clouds of points, fronts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/app/report/svg.h"

namespace firn::cli::report {

/// How the numbers of an axis are written.
enum class Unit { plain, percent, milliseconds, seconds };

/// `value` with the digits that tell neighbours `step` apart: "84.1 %", "0.25", "1.5 s", "20 ms".
/// Where `step` is small, times are written in smaller units than `unit`.
std::string number_text(double value, Unit unit, double step);

/// A time in seconds with three digits and the unit that suits it: "24 µs", "3.1 ms", "1.08 s", "1234 s";
/// below a nanosecond "0 s". With `sign`, "+" stands before what is not negative.
std::string duration_text(double seconds, bool sign = false);

struct Axis {
  std::string title = {};
  std::vector<std::string> names = {};  ///< of the places 0, 1, 2, ...; empty: an axis of numbers
  Unit unit = Unit::plain;              ///< percent: values are shares, 0.5 is written "50 %"
  bool logarithmic = false;             ///< all values must be above 0
  bool from_zero = false;
  std::vector<double> covers = {};  ///< values that lie within the axis whatever is drawn
  bool whole = false;               ///< counts: no ticks between whole numbers
};

struct Point {
  double x = 0, y = 0;
  double low = 0, high = 0;  ///< an interval of y; empty (0, 0): none is drawn
  std::string name = {};     ///< in its tooltip, and written beside it where there is room
};

struct Series {
  std::string name;
  std::vector<Point> points = {};
  bool line = true;   ///< in the order of the points
  bool marks = true;  ///< a sign at each point
  bool step = false;  ///< the line goes as a stair: a front, where nothing lies between
  int colour = -1;    ///< number of its colour and sign; -1: its place in the list
};

/// Values that are not finite are left out, and a line is broken there.
struct Plot {
  std::string title;
  std::string description;  ///< one sentence for those who cannot see it
  Axis x = {}, y = {};
  std::vector<Series> series = {};
  bool diagonal = false;                 ///< the line y = x
  std::optional<double> reference = {};  ///< a level line at this y
  std::string reference_name = {};
  double width = 440;   ///< fits a telephone with its words readable
  double height = 300;  ///< with two lines of title and legend; more make it higher
};

/// About how many of them an x axis has.
inline constexpr int kPlotTicks = 6;
/// What lies left and right of where its data is drawn.
inline constexpr double kPlotLeft = 70, kPlotRight = 18;

/// Round numbers that cover [low, high], about `count` of them (Heckbert 1990); of a logarithmic axis 1, 2, 5
/// times powers of ten. Neighbours are at least `least_step` apart. Empty for values that are not finite.
std::vector<double> axis_ticks(double low, double high, int count, bool logarithmic = false,
                               double least_step = 0);

Svg draw(const Plot& plot);

}  // namespace firn::cli::report
