#include "tools/app/report/svg.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/base/printable.h"

namespace firn::cli::report {

namespace {

constexpr std::string_view kUnknown = "\xEF\xBF\xBD";

/// A colour by its meaning, for light and for dark.
struct Colour {
  std::string_view name, light, dark;
};
constexpr Colour kColours[] = {
    {"paper", "#ffffff", "#15191e"},         {"panel", "#f5f6f8", "#1d232a"},
    {"ink", "#1b1f24", "#e8ecf0"},           {"muted", "#57606a", "#a3adb8"},
    {"rule", "#d0d7de", "#3a434d"},          {"ice", "#1a78a8", "#8fd3f5"},
    {"ice-fill", "#cfeaf7", "#16435a"},      {"good", "#116329", "#5fd083"},
    {"bad", "#a40e26", "#ff8b94"},           {"series1", "#0072b2", "#56b4e9"},
    {"series2", "#c04a00", "#f0913f"},       {"series3", "#00795a", "#2fc296"},
    {"series4", "#a3447f", "#e08cc0"},       {"series5", "#7a6a00", "#e0cf4a"},
    {"series6", "#2f7fb5", "#86b6f7"},       {"series7", "#5a4fcf", "#a99cff"},
    {"series8", "#444c56", "#b8c1cb"},       {"heat0", "#f3f6fa", "#1b232c"},
    {"heat1", "#dfe8f2", "#1d2f40"},         {"heat2", "#c8d9ea", "#1f3c56"},
    {"heat3", "#adc8e1", "#214a6d"},         {"heat4", "#8fb4d6", "#245a86"},
    {"heat5", "#6f9fc9", "#2a6b9d"},         {"heat6", "#3f77a8", "#6aa9d8"},
    {"heat7", "#2c6496", "#8bbfe5"},         {"heat8", "#1b4f80", "#add4f0"},
    {"heat9", "#0d3a66", "#d0e8f9"},         {"heat-low-ink", "#1b1f24", "#e8ecf0"},
    {"heat-high-ink", "#ffffff", "#10151a"},
};

/// Rules with the colours of the light theme in the place of their names, for readers of SVG that know none.
std::string in_light(std::string css) {
  for (const Colour& colour : kColours) {
    const std::string name = fmt::format("var(--{})", colour.name);
    for (std::size_t at = css.find(name); at != std::string::npos; at = css.find(name, at)) {
      css.replace(at, name.size(), colour.light);
    }
  }
  return css;
}

const char* anchor_name(Svg::Anchor anchor) {
  return anchor == Svg::Anchor::start ? "start" : anchor == Svg::Anchor::middle ? "middle" : "end";
}

std::string class_attribute(std::string_view css_class) {
  return css_class.empty() ? "" : fmt::format(" class=\"{}\"", css_class);
}

/// An element of this head, closed, with a tooltip inside where there is one.
std::string closed(const std::string& head, std::string_view name, std::string_view tooltip) {
  if (tooltip.empty()) return head + "/>\n";
  return fmt::format("{}><title>{}</title></{}>\n", head, escape(tooltip), name);
}

std::string place_list(const std::vector<Svg::Place>& places) {
  std::string out;
  for (const auto& [x, y] : places) {
    out += (out.empty() ? "" : " ") + coordinate(x) + "," + coordinate(y);
  }
  return out;
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const bool space = text[i] == '\t' || text[i] == '\n' || text[i] == '\r';
    const std::size_t bytes = space ? 1 : shown_bytes(text.substr(i));
    if (bytes == 0) {
      out += kUnknown;
      ++i;
      continue;
    }
    switch (text[i]) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += text.substr(i, bytes);
    }
    i += bytes;
  }
  return out;
}

std::string coordinate(double value) {
  const double rounded = std::round(value * 10) / 10;
  return fmt::format("{}", rounded == 0 ? 0.0 : rounded);
}

std::string theme_css() {
  std::string light, dark;
  for (const auto& [name, by_day, by_night] : kColours) {
    light += fmt::format("--{}:{};", name, by_day);
    dark += fmt::format("--{}:{};", name, by_night);
  }
  return fmt::format(
      ":root{{{}color-scheme:light}}\n"
      "@media screen and (prefers-color-scheme:dark){{:root{{{}color-scheme:dark}}}}\n",
      light, dark);
}

std::string chart_css() {
  std::string out =
      "svg.chart{max-width:100%;height:auto;font:12px system-ui,-apple-system,'Segoe UI',sans-serif}\n"
      ".chart text{fill:var(--ink)}.chart .muted{fill:var(--muted)}.chart .strong{font-weight:600}\n"
      ".chart .label{fill:var(--muted);stroke:var(--paper);stroke-width:3;paint-order:stroke}\n"
      ".chart .rule{stroke:var(--rule);stroke-width:1}.chart .axis{stroke:var(--muted);stroke-width:1}\n"
      ".chart .reference{stroke:var(--muted);stroke-width:1.5;stroke-dasharray:2 4;fill:none}\n"
      ".chart .bar{fill:none;stroke-width:1.5}.chart .curve{fill:none;stroke-width:2;stroke-linejoin:round}\n"
      ".chart .band{opacity:.18;stroke:none}.chart .mark{stroke:var(--paper);stroke-width:1}\n"
      ".chart .hollow{fill:var(--paper);stroke-width:1.5}\n"
      ".chart .box,.chart .block{fill:var(--panel);stroke:var(--muted)}\n"
      ".chart .frozen,.chart .frozen .box{fill:var(--ice-fill);stroke:var(--ice)}\n"
      ".chart .frozen.part{fill-opacity:.5}\n"
      ".chart .absent .box{fill:none;stroke:var(--muted);stroke-dasharray:3 2}\n"
      ".chart .absent text{fill:var(--muted);font-weight:400}\n"
      ".chart .lane{fill:transparent}.chart .lane.strong{fill:var(--rule);fill-opacity:.4}\n"
      ".chart .here .lane{stroke:var(--ice)}.chart .small{font-size:11px}.chart .cost{fill:var(--muted)}\n"
      ".chart .dot{fill:var(--ink);stroke:var(--paper);stroke-width:1}\n"
      ".chart .whisker{stroke:var(--ink);stroke-width:2}\n"
      ".chart :is(.arm-scratch,.sign-scratch) .dot{fill:var(--paper);stroke:var(--ink);stroke-width:2}\n"
      ".chart :is(.arm-copied,.sign-copied) .dot{fill:var(--ice);stroke:var(--paper)}.chart .arm-copied "
      ".whisker{stroke:var(--ice)}\n"
      ".chart :is(.arm-random,.sign-random) .dot{fill:var(--ice-fill);stroke:var(--ice);stroke-width:2}\n"
      ".chart .arm-random .whisker{stroke:var(--ice);stroke-width:1}\n"
      ".chart :is(.arm-policy,.sign-policy) .dot{fill:var(--muted)}.chart .arm-policy "
      ".whisker{stroke:var(--muted)}\n"
      ".chart .cell{stroke:var(--paper);stroke-width:2}\n"
      ".chart .cell.marked{stroke:var(--ink);stroke-width:2}\n"
      ".chart .span{stroke:var(--paper);stroke-width:.5;opacity:.85}\n"
      ".chart .low-ink{fill:var(--heat-low-ink)}.chart .high-ink{fill:var(--heat-high-ink)}\n";
  constexpr const char* kDashes[] = {"none", "7 3", "2 3", "9 3 2 3", "12 4", "4 4", "1 4", "12 3 2 3 2 3"};
  for (int i = 0; i < kSeriesColours; ++i) {
    out += fmt::format(
        ".chart .line{0}{{stroke:var(--series{0})}}.chart .curve.line{0}{{stroke-dasharray:{1}}}"
        ".chart .fill{0}{{fill:var(--series{0})}}\n",
        i + 1, kDashes[i]);
  }
  for (int i = 0; i < kHeatColours; ++i) out += fmt::format(".chart .heat{0}{{fill:var(--heat{0})}}\n", i);
  return out;
}

Svg::Svg(double width, double height, std::string title, std::string description)
    : width_(width), height_(height), title_(std::move(title)), description_(std::move(description)) {}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view css_class) {
  body_ += fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"{}/>\n", coordinate(x1), coordinate(y1),
                       coordinate(x2), coordinate(y2), class_attribute(css_class));
}

void Svg::rectangle(double x, double y, double width, double height, std::string_view css_class,
                    std::string_view tooltip) {
  body_ +=
      closed(fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{}", coordinate(x), coordinate(y),
                         coordinate(width), coordinate(height), class_attribute(css_class)),
             "rect", tooltip);
}

void Svg::circle(double x, double y, double radius, std::string_view css_class, std::string_view tooltip) {
  body_ += closed(fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\"{}", coordinate(x), coordinate(y),
                              coordinate(radius), class_attribute(css_class)),
                  "circle", tooltip);
}

void Svg::text(double x, double y, std::string_view words, Anchor anchor, std::string_view css_class) {
  body_ += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"{}\"{}>{}</text>\n", coordinate(x),
                       coordinate(y), anchor_name(anchor), class_attribute(css_class), escape(words));
}

void Svg::upright_text(double x, double y, std::string_view words, std::string_view css_class) {
  body_ +=
      fmt::format("<text transform=\"translate({},{}) rotate(-90)\" text-anchor=\"middle\"{}>{}</text>\n",
                  coordinate(x), coordinate(y), class_attribute(css_class), escape(words));
}

void Svg::polyline(const std::vector<Place>& places, std::string_view css_class) {
  body_ += fmt::format("<polyline points=\"{}\"{}/>\n", place_list(places), class_attribute(css_class));
}

void Svg::polygon(const std::vector<Place>& places, std::string_view css_class) {
  body_ += fmt::format("<polygon points=\"{}\"{}/>\n", place_list(places), class_attribute(css_class));
}

void Svg::marker(double x, double y, int series, std::string_view tooltip) {
  const std::string css = fmt::format(" class=\"mark fill{}\"", series % kSeriesColours + 1);
  constexpr double r = 5;
  switch (series % 4) {
    case 0:
      body_ +=
          closed(fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\"{}", coordinate(x), coordinate(y), r, css),
                 "circle", tooltip);
      return;
    case 1:
      body_ +=
          closed(fmt::format("<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"{}", coordinate(x - r + 0.5),
                             coordinate(y - r + 0.5), 2 * r - 1, 2 * r - 1, css),
                 "rect", tooltip);
      return;
    case 2:
      body_ += closed(
          fmt::format("<polygon points=\"{}\"{}",
                      place_list({{x, y - r - 1}, {x + r + 1, y + r - 1}, {x - r - 1, y + r - 1}}), css),
          "polygon", tooltip);
      return;
    default:
      body_ += closed(
          fmt::format("<polygon points=\"{}\"{}",
                      place_list({{x, y - r - 1.5}, {x + r + 1.5, y}, {x, y + r + 1.5}, {x - r - 1.5, y}}),
                      css),
          "polygon", tooltip);
  }
}

void Svg::begin_group(std::string_view css_class) {
  body_ += fmt::format("<g{}>\n", class_attribute(css_class));
}

void Svg::place(const Svg& other, double x, double y) {
  body_ +=
      fmt::format("<g transform=\"translate({},{})\">\n{}</g>\n", coordinate(x), coordinate(y), other.body_);
}

void Svg::end_group() {
  body_ += "</g>\n";
}

std::string Svg::whole(std::string_view head) const {
  return fmt::format(
      "<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" role=\"img\" aria-label=\"{2}\">\n<title>{2}</title>\n<desc>{3}</desc>\n{4}{5}</svg>\n",
      coordinate(width_), coordinate(height_), escape(title_), escape(description_), head, body_);
}

std::string Svg::element() const {
  return whole({});
}

std::string Svg::decoration() const {
  return fmt::format(
      "<svg class=\"chart\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" aria-hidden=\"true\">{2}</svg>",
      coordinate(width_), coordinate(height_), body_);
}

std::string Svg::file() const {
  const std::string style =
      in_light(fmt::format("<style>\n{}</style>\n"
                           "<rect width=\"100%\" height=\"100%\" style=\"fill:var(--paper)\"/>\n",
                           chart_css()));
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + whole(style);
}

double text_width(std::string_view text, double size) {
  double characters = 0;
  for (const char c : text) {
    if ((static_cast<std::uint8_t>(c) & 0xC0) == 0x80) continue;
    const bool narrow =
        c == 'i' || c == 'l' || c == 'j' || c == '.' || c == ',' || c == ' ' || c == 't' || c == 'f';
    const bool wide = c == 'm' || c == 'w' || c == 'M' || c == 'W';
    characters += narrow ? 0.33 : wide ? 0.85 : 0.58;
  }
  return characters * size;
}

}  // namespace firn::cli::report
