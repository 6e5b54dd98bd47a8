// Drawing as SVG text: escaping, numbers, colours by meaning.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace firn::cli::report {

/// `text` as it may stand in the content or an attribute of HTML and SVG: & < > " escaped, what is not UTF-8,
/// steers a terminal or turns the direction of writing as U+FFFD.
std::string escape(std::string_view text);

/// A coordinate: one decimal at most, "-0" as "0".
std::string coordinate(double value);

/// Colours by meaning, for light and for dark (prefers-color-scheme; paper is light): --paper, --panel,
/// --ink,
/// --muted, --rule, --ice and --ice-fill (edge and inside of what is frozen), --good, --bad, --series1 ..
/// --series8 (Okabe and Ito 2008, darkened or lightened to at least 3 : 1 against the paper; text colours to
/// at least 4.5 : 1), --heat0 .. --heat9 from low to high.
std::string theme_css();

/// The rules for the classes that the charts use; they read the colours of `theme_css`.
std::string chart_css();

constexpr int kSeriesColours = 8;
constexpr int kHeatColours = 10;

/// A drawing in the making; units are CSS pixels, y points down.
class Svg {
 public:
  /// `title` and `description` are what a screen reader says.
  Svg(double width, double height, std::string title, std::string description);

  enum class Anchor { start, middle, end };

  void line(double x1, double y1, double x2, double y2, std::string_view css_class);
  void rectangle(double x, double y, double width, double height, std::string_view css_class,
                 std::string_view tooltip = {});
  void circle(double x, double y, double radius, std::string_view css_class, std::string_view tooltip = {});
  void text(double x, double y, std::string_view words, Anchor anchor, std::string_view css_class = {});
  /// Read from below to above, its middle at (x, y).
  void upright_text(double x, double y, std::string_view words, std::string_view css_class = {});
  struct Place {
    double x, y;
  };
  void polyline(const std::vector<Place>& places, std::string_view css_class);
  void polygon(const std::vector<Place>& places, std::string_view css_class);
  /// The sign of a series: circle, square, triangle, diamond, ... by number, so that colour is never all that
  /// tells two series apart.
  void marker(double x, double y, int series, std::string_view tooltip = {});
  /// Elements up to `end_group` belong to one thing.
  void begin_group(std::string_view css_class);
  void end_group();

  /// All of another drawing, its corner at (x, y).
  void place(const Svg& other, double x, double y);

  /// The element, to stand in a page that has the rules of `theme_css` and `chart_css`.
  std::string element() const;
  /// The element without words for a screen reader: beside text that says the same.
  std::string decoration() const;
  /// A file of its own, light whatever shows it.
  std::string file() const;
  const std::string& title() const { return title_; }
  double width() const { return width_; }
  double height() const { return height_; }

 private:
  std::string whole(std::string_view head) const;
  double width_, height_;
  std::string title_, description_;
  std::string body_;
};

/// Pixels that `text` takes, nearly, in the charts' font at `size` pixels.
double text_width(std::string_view text, double size = 12);

}  // namespace firn::cli::report
