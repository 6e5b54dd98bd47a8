// The parts that reports are made of: drawings, pages, pictures, event files.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <regex>
#include <string>
#include <vector>

#include "data/image.h"
#include "engine/base/error.h"
#include "tests/tools/html.h"
#include "tools/app/report/events.h"
#include "tools/app/report/heat_map.h"
#include "tools/app/report/page.h"
#include "tools/app/report/plot.h"
#include "tools/app/report/png.h"

namespace firn::cli::report {

namespace {

using firn::test::balanced;

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// Relative luminance of "#rrggbb" and contrast of two (WCAG 2.1).
double luminance(const std::string& colour) {
  std::array<double, 3> part{};
  for (std::size_t i = 0; i < 3; ++i) {
    const double c = std::stoi(colour.substr(1 + 2 * i, 2), nullptr, 16) / 255.0;
    part[i] = c <= 0.03928 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
  }
  return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
}
double contrast(const std::string& a, const std::string& b) {
  const double x = luminance(a), y = luminance(b);
  return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

/// The two values of a colour: for light, for dark.
std::vector<std::string> colours(const std::string& name) {
  const std::string css = theme_css();
  const std::regex rule("--" + name + ":(#[0-9a-f]{6})");
  std::vector<std::string> out;
  for (auto m = std::sregex_iterator(css.begin(), css.end(), rule); m != std::sregex_iterator(); ++m) {
    out.push_back((*m)[1]);
  }
  REQUIRE(out.size() == 2);
  return out;
}

Plot small_plot() {
  Plot plot;
  plot.title = "Accuracy <by> cut";
  plot.description = "Rises, then falls.";
  plot.x = {.title = "blocks frozen", .names = {"0", "1", "2"}};
  plot.y = {.title = "accuracy", .unit = Unit::percent};
  plot.series.push_back({.name = "5 labels", .points = {{0, 0.5, 0.4, 0.6}, {1, 0.7}, {2, 0.6}}});
  return plot;
}

}  // namespace

TEST_CASE("text is escaped, and what is no text is replaced") {
  CHECK(escape("a<b> & \"c\"") == "a&lt;b&gt; &amp; &quot;c&quot;");
  CHECK(escape("ä–😀\n") == "ä–😀\n");
  CHECK(escape("a\xFF\x01z") == "a\xEF\xBF\xBD\xEF\xBF\xBDz");
  CHECK(escape("\xC3") == "\xEF\xBF\xBD");
  CHECK(escape("\xE0\x80\x80").find('\x80') != 0);
}

TEST_CASE("ticks are round and cover the range") {
  CHECK(axis_ticks(0, 1, 6) == std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1});
  CHECK(axis_ticks(3, 97, 5) == std::vector<double>{0, 20, 40, 60, 80, 100});
  CHECK(axis_ticks(3, 97, 5, true) == std::vector<double>{2, 5, 10, 20, 50, 100});
  CHECK(axis_ticks(1e-3, 1e3, 5, true).size() == 7);
  CHECK(axis_ticks(1, 3, 7, false, 1) == std::vector<double>{1, 2, 3});
  CHECK(axis_ticks(5, 5, 5).size() >= 2);
  CHECK(axis_ticks(0, std::numeric_limits<double>::infinity(), 5).empty());
  CHECK(axis_ticks(-1, 5, 5, true).empty());
}

TEST_CASE("numbers show the digits that tell neighbours apart") {
  CHECK(number_text(0.8412, Unit::percent, 0.001) == "84.1 %");
  CHECK(number_text(0.8, Unit::percent, 0.1) == "80 %");
  CHECK(number_text(12.25, Unit::milliseconds, 0.5) == "12.2 ms");
  CHECK(number_text(0.00002, Unit::seconds, 0.000005) == "20 µs");
  CHECK(number_text(0.0125, Unit::seconds, 0.0005) == "12.5 ms");
  CHECK(number_text(0.02, Unit::milliseconds, 0.0001) == "20.0 µs");
  CHECK(number_text(-0.0, Unit::plain, 1) == "0");
  CHECK(number_text(std::nan(""), Unit::plain, 1) == "–");
}

TEST_CASE("times have the unit that suits them") {
  CHECK(duration_text(2.38e-5) == "23.8 µs");
  CHECK(duration_text(2.4e-5) == "24 µs");
  CHECK(duration_text(2.4e-7) == "0.24 µs");
  CHECK(duration_text(3.1e-3) == "3.1 ms");
  CHECK(duration_text(0.9998) == "1 s");
  CHECK(duration_text(0.9998e-3) == "1 ms");
  CHECK(duration_text(1.0812) == "1.08 s");
  CHECK(duration_text(123456) == "123456 s");
  CHECK(duration_text(0) == "0 s");
  CHECK(duration_text(-1e-17, true) == "+0 s");
  CHECK(duration_text(-0.25, true) == "-250 ms");
  CHECK(duration_text(2, true) == "+2 s");
  CHECK(duration_text(std::nan("")) == "–");
}

TEST_CASE("a plot is a well-formed drawing with names for screen readers") {
  const std::string svg = draw(small_plot()).element();
  CHECK(balanced(svg));
  CHECK(svg.find("role=\"img\"") != std::string::npos);
  CHECK(svg.find("<title>Accuracy &lt;by&gt; cut</title>") != std::string::npos);
  CHECK(svg.find("<desc>Rises, then falls.</desc>") != std::string::npos);
  CHECK(svg.find("5 labels, 0: 50.0 % (40.0 % to 60.0 %)") != std::string::npos);
  CHECK(count(svg, "<circle") == 3 + 1);  // and the legend's
  const std::string file = draw(small_plot()).file();
  CHECK(balanced(file.substr(file.find("<svg"))));
  CHECK(file.find("var(--") == std::string::npos);
}

TEST_CASE("values that are not finite break a line and are not drawn") {
  Plot plot = small_plot();
  plot.series[0].points[1].y = std::nan("");
  const std::string svg = draw(plot).element();
  CHECK(svg.find("nan") == std::string::npos);
  CHECK(svg.find("inf") == std::string::npos);
  CHECK(count(svg, "<circle") == 2 + 1);
  CHECK(count(svg, "<polyline") == 0 + 1);
  plot.series[0].points.clear();
  CHECK(balanced(draw(plot).element()));
  plot.y.logarithmic = true;
  plot.series[0].points = {{0, 0}, {1, 10}, {2, 100}};
  CHECK(count(draw(plot).element(), "<circle") == 2 + 1);
}

TEST_CASE("names of close points cover neither each other nor a point") {
  Plot plot{.title = "t", .description = "d"};
  Series named{.name = "front"}, others{.name = "arms", .line = false};
  for (int i = 0; i < 4; ++i) {  // no pixel apart
    named.points.push_back({0.001 * i, 0.5 + 0.0001 * i, 0, 0, "first " + std::to_string(i) + " frozen"});
  }
  named.points.push_back({1, 0.9, 0, 0, "alone"});
  others.points = {{0.08, 0.515}, {0.5, 0.6}, {0.9, 0.2}};
  plot.series = {named, others};
  const std::string svg = draw(plot).element();
  struct Box {
    double left, top, right, bottom;
    bool meets(const Box& b) const {
      return left < b.right && b.left < right && top < b.bottom && b.top < bottom;
    }
  };
  std::vector<Box> boxes;
  const std::regex label("<text x=\"([0-9.]+)\" y=\"([0-9.]+)\"([^>]*)>([^<]*)</text>");
  bool alone = false;
  for (auto m = std::sregex_iterator(svg.begin(), svg.end(), label); m != std::sregex_iterator(); ++m) {
    if ((*m)[3].str().find("\"label\"") == std::string::npos) continue;
    const bool end = (*m)[3].str().find("\"end\"") != std::string::npos;
    const double x = std::stod((*m)[1]), y = std::stod((*m)[2]), width = text_width((*m)[4].str());
    boxes.push_back({end ? x - width : x, y - 9, end ? x : x + width, y + 2});
    alone = alone || (*m)[4] == "alone";
  }
  CHECK(alone);
  CHECK(boxes.size() >= 2);
  CHECK(boxes.size() < named.points.size());  // not all have room
  const std::size_t names = boxes.size();
  const std::regex circle("<circle[^>]* cx=\"([0-9.]+)\" cy=\"([0-9.]+)\"");
  for (auto m = std::sregex_iterator(svg.begin(), svg.end(), circle); m != std::sregex_iterator(); ++m) {
    const double x = std::stod((*m)[1]), y = std::stod((*m)[2]);
    boxes.push_back({x - 4, y - 4, x + 4, y + 4});
  }
  const std::regex square("<rect x=\"([0-9.]+)\" y=\"([0-9.]+)\" width=\"9\"");
  for (auto m = std::sregex_iterator(svg.begin(), svg.end(), square); m != std::sregex_iterator(); ++m) {
    const double x = std::stod((*m)[1]), y = std::stod((*m)[2]);
    boxes.push_back({x, y, x + 9, y + 9});
  }
  // Eight points, and two signs in the legend.
  CHECK(boxes.size() == names + 10);
  for (std::size_t i = 0; i < names; ++i) {
    for (std::size_t j = i + 1; j < boxes.size(); ++j) CHECK_FALSE(boxes[i].meets(boxes[j]));
  }
  for (const Point& p : named.points) {
    CHECK(svg.find("front, " + p.name + ", ") != std::string::npos);  // the tooltip has it in any case
  }
}

TEST_CASE("a heat map has a cell for each number and refuses another count") {
  HeatMap map{.title = "t", .description = "d", .rows = {"a", "b"}, .columns = {"x", "y", "z"}};
  map.values = {0, 0.5, 1, std::nan(""), 0.25, 0.75};
  map.texts = {"0", "50", "100", "", "25", "75"};
  map.marked = {2};
  const std::string svg = draw(map).element();
  CHECK(balanced(svg));
  CHECK(count(svg, "<rect") == 5);
  CHECK(count(svg, "heat9") == 1);
  CHECK(count(svg, " marked") == 1);
  map.values.pop_back();
  CHECK_THROWS_AS(draw(map), Error);
}

TEST_CASE("colours keep WCAG's contrast in both themes") {
  const auto paper = colours("paper"), panel = colours("panel");
  for (const std::size_t theme : {0u, 1u}) {
    CAPTURE(theme);
    for (const char* text : {"ink", "muted", "good", "bad"}) {
      CAPTURE(text);
      CHECK(contrast(colours(text)[theme], paper[theme]) >= 4.5);
      CHECK(contrast(colours(text)[theme], panel[theme]) >= 4.5);
    }
    for (int i = 1; i <= kSeriesColours; ++i) {
      CAPTURE(i);
      CHECK(contrast(colours("series" + std::to_string(i))[theme], paper[theme]) >= 3);
    }
    CHECK(contrast(colours("series1")[theme], paper[theme]) >= 4.5);  // links
    CHECK(contrast(colours("ice")[theme], paper[theme]) >= 3);
    CHECK(contrast(colours("ice")[theme], colours("ice-fill")[theme]) >= 3);  // edges
    CHECK(contrast(colours("ink")[theme], colours("ice-fill")[theme]) >= 4.5);
    for (int i = 0; i < kHeatColours; ++i) {
      CAPTURE(i);
      const std::string ink = i > 5 ? "heat-high-ink" : "heat-low-ink";
      CHECK(contrast(colours(ink)[theme], colours("heat" + std::to_string(i))[theme]) >= 4.5);
    }
  }
}

TEST_CASE("a page stands alone and nests rightly") {
  Page page("A & B", "what it is");
  page.answer("freeze 3");
  page.section("First", "first");
  page.verdict("supported", Tone::good, "claim", "why", {"first difference", "second difference"});
  page.figure(draw(small_plot()), "caption",
              {.caption = "numbers", .heads = {"<cut", "accuracy"}, .rows = {{"0", "<1"}}});
  page.code("firn study --data <x>");
  page.pictures({{"abc", "3, not 5", "a drawn 3"}});
  const std::string html = page.html();
  CHECK(balanced(html.substr(html.find("<html"))));
  CHECK(html.find("<script") == std::string::npos);
  CHECK(html.find("<link") == std::string::npos);
  CHECK(html.find("firn study --data &lt;x&gt;") != std::string::npos);
  CHECK(html.find("data:image/png;base64,YWJj\"") != std::string::npos);
  CHECK(count(html, "http") == 1);  // the name space of SVG
  CHECK(html.find("<a href=\"#first\">") != std::string::npos);
  // Rows have heads, and what is unfolded or scrolled is named after its chart.
  CHECK(html.find("<th scope=\"row\" class=\"left\">0</th><td>&lt;1</td>") != std::string::npos);
  CHECK(
      html.find("The numbers as a table<span class=\"unseen\">: Accuracy &lt;by&gt; cut</span></summary>") !=
      std::string::npos);
  CHECK(html.find("tabindex=\"0\" role=\"region\" aria-label=\"Chart: Accuracy &lt;by&gt; cut\"") !=
        std::string::npos);
}

TEST_CASE("a page is printed whole: folded tables open, nothing cut off") {
  Page page("t", "l");
  page.table({.caption = "c", .heads = {"<name", "<value"}, .rows = {{"config", std::string(300, 'x')}}});
  const std::string html = page.html();
  const std::size_t at = html.find("@media print{");
  REQUIRE(at != std::string::npos);
  const std::string print = html.substr(at, html.find("</style>") - at);
  CHECK(print.find("details::details-content{display:block;content-visibility:visible") != std::string::npos);
  CHECK(print.find(".wide,pre{overflow:visible}") != std::string::npos);
  CHECK(html.find("<td class=\"left long\">xxx") != std::string::npos);
}

TEST_CASE("a picture comes back as it was") {
  const std::vector<real> pixels = {0, 1, real{0.5}, 2, -1, std::numeric_limits<real>::quiet_NaN()};
  const std::string file = png(pixels, 2, 3, 1);
  const ByteImage image = decode_image(std::as_bytes(std::span(file)), "picture.png");
  CHECK(image.height == 2);
  CHECK(image.width == 3);
  const std::vector<std::uint8_t> expected = {0,   0,   0,   255, 255, 255, 128, 128, 128,
                                              255, 255, 255, 0,   0,   0,   0,   0,   0};
  CHECK(image.pixels == expected);
  CHECK_THROWS_AS(png(pixels, 2, 2, 1), Error);
  CHECK_THROWS_AS(png(pixels, 1, 3, 2), Error);
}

TEST_CASE("event files are framed as TensorBoard wants them") {
  CHECK(crc32c("123456789") == 0xE3069283u);
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAu);
  EventFile file(1.5);
  const std::size_t head = file.bytes().size();
  file.scalar("loss", 300, 0.5, 2.0);
  const std::string& bytes = file.bytes();
  // Length 24, then the fields: wall_time 1.5, file_version.
  CHECK(bytes.substr(0, 8) == std::string("\x18\0\0\0\0\0\0\0", 8));
  CHECK(bytes.substr(12, 9) == std::string("\x09\0\0\0\0\0\0\xF8\x3F", 9));
  CHECK(bytes.substr(21, 15) ==
        "\x1A\x0D"
        "brain.Event:2");
  CHECK(head == 8 + 4 + 24 + 4);
  // wall_time 2, step 300, summary { value { tag "loss", simple_value 0.5 } }.
  const std::string event("\x09\0\0\0\0\0\0\0\x40\x10\xAC\x02\x2A\x0D\x0A\x0B\x0A\x04loss\x15\0\0\0\x3F", 27);
  CHECK(bytes.substr(head + 12, 27) == event);
  CHECK(bytes.size() == head + 8 + 4 + 27 + 4);
}

}  // namespace firn::cli::report
