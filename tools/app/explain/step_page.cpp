#include "tools/app/explain/step_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "engine/program/listing.h"
#include "tools/app/explain/lanes.h"
#include "tools/app/explain/source_lines.h"
#include "tools/app/explain/spread.h"
#include "tools/app/explain/step_graph.h"
#include "tools/app/report/plot.h"

namespace firn::cli {

namespace {

using report::escape;

constexpr Index kNumbersOfPage = 40'000;  // on a page: some 11 bytes each
constexpr double kRowCentre = 23;         // of a node's dot, below the upper edge of its row

constexpr const char* kStepStyle = R"(
.step{list-style:none;max-width:none;margin:0;padding:0;border-bottom:1px solid var(--rule)}
.step>li{position:relative;border-top:1px solid var(--rule)}
.step>li.warm{border-right:3px solid var(--series2)}.step>li.cold{border-right:3px dashed var(--ice)}
.lane{position:absolute;z-index:1;width:2px;background:var(--muted);pointer-events:none}.lane.cold{background:var(--ice)}
.step svg.joint{position:absolute;z-index:1;left:0;top:0;pointer-events:none}
.joint path{fill:none;stroke:var(--muted);stroke-width:2}.joint path.cold{stroke:var(--ice)}
.joint circle{fill:var(--paper);stroke:var(--ink);stroke-width:2}.joint circle.cold{fill:var(--ice-fill);stroke:var(--ice)}
.step details.node>summary{list-style:none;display:grid;grid-template-columns:minmax(0,1fr) minmax(0,19rem);
gap:.1rem 1rem;padding:.65rem .5rem .65rem var(--gutter);color:var(--ink);font-size:.95rem;line-height:1.45}
.step details.node>summary::-webkit-details-marker{display:none}
.step details.node>summary:hover{background:var(--panel)}
.step .forward::after{content:"▸";color:var(--muted);margin-left:.4rem}
.step details.node[open]>summary .forward::after{content:"▾"}
.step .backward{text-align:right;font-variant-numeric:tabular-nums}
.step .more{color:var(--muted);font-size:.88rem}
.chip{display:inline-block;border:1px solid var(--muted);border-radius:.6rem;padding:0 .5rem;font-size:.82rem;
line-height:1.35rem;margin-left:.3rem;white-space:nowrap}
.chip.ice{background:var(--ice-fill);border-color:var(--ice);border-style:dashed}
li.cold>details>summary{background:var(--ice-fill)}li.cold>details.node>summary:hover{background:var(--ice-fill)}
li.cold .more{color:var(--ink)}
.inner{padding:.2rem .5rem 1.2rem var(--gutter)}
.passes{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,21rem),1fr));gap:0 1.6rem}
.inner table{overflow-wrap:normal}.inner thead th{white-space:nowrap}.passes>div,.inner{min-width:0}.inner h3{margin:.9rem 0 .2rem}.inner h4{font-size:.92rem;margin:.9rem 0 .1rem}
.formula{font:.92rem/1.5 ui-monospace,Menlo,Consolas,monospace;background:var(--panel);padding:.35rem .7rem;margin:.25rem 0;
overflow-wrap:anywhere}
.absent{border:1px dashed var(--ice);background:var(--ice-fill);padding:.35rem .7rem;margin:.4rem 0}
.inner p{margin:.25rem 0;font-size:.94rem}.spark{vertical-align:middle;margin-left:.4rem}.spark path{fill:var(--series1)}
.ends{display:flex;justify-content:space-between;color:var(--muted);font-size:.92rem;margin:.8rem 0 .2rem}
.beside{display:flex;flex-wrap:wrap;gap:0 1rem}.beside>figure{flex:1 1 20rem;min-width:0}
.source{color:var(--muted);font-size:.88rem;margin:.4rem 0 0}.inner pre{margin:.2rem 0;font-size:.8rem}
@media screen and (max-width:40rem){.step details.node>summary{grid-template-columns:minmax(0,1fr)}
.step .backward{text-align:left}.step .backward .chip:first-child{margin-left:0}}
@media print{.step details.node>summary{display:grid}}
)";

/// A row without parameters has no gradient of its own; what else is computed for it stands for what it
/// reads.
Pass pass_on(const StepNode& row, Pass pass) {
  return row.parameters.empty() && pass == Pass::weight_gradient ? Pass::input_gradient : pass;
}

const char* letter_of(Pass pass) {
  return pass == Pass::forward ? "F" : pass == Pass::input_gradient ? "X" : "W";
}

const char* words_of(Pass pass) {
  return pass == Pass::forward          ? "forward"
         : pass == Pass::input_gradient ? "input gradient"
                                        : "weight gradient";
}

std::string macs_words(double macs) {
  return macs > 0 ? short_number(macs) + "MAC" : "";
}

/// Small bars: how the numbers are spread between the least and the most of them.
std::string spark(const std::vector<real>& numbers, const ValueSpread& spread) {
  constexpr int kBars = 24;
  constexpr double kWidth = 96, kHeight = 18;
  if (spread.count < 8 || !(spread.most > spread.least)) return {};
  std::vector<int> counts(kBars);
  for (const real number : numbers) {
    const auto x = static_cast<double>(number);
    if (!std::isfinite(x)) continue;
    const double place = (x - spread.least) / (spread.most - spread.least) * kBars;
    ++counts[static_cast<std::size_t>(std::clamp(static_cast<int>(place), 0, kBars - 1))];
  }
  const int top = *std::max_element(counts.begin(), counts.end());
  std::string path;
  for (int i = 0; i < kBars; ++i) {
    const double height = kHeight * counts[static_cast<std::size_t>(i)] / top;
    if (height > 0)
      path += fmt::format("M{} {}v{}h3v{}z", i * 4, report::coordinate(kHeight), report::coordinate(-height),
                          report::coordinate(height));
  }
  return fmt::format(
      "<svg class=\"spark\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
      "aria-hidden=\"true\"><path d=\"{2}\"/></svg>",
      kWidth, kHeight, path);
}

/// A tensor in a row of the table of statistics.
struct NamedNumbers {
  std::string name;
  const std::vector<real>* numbers;
};

std::string statistics_html(const std::string& caption, const std::vector<NamedNumbers>& tensors) {
  std::string out = fmt::format(
      "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\"><table><caption "
      "class=\"unseen\">{0}</caption>\n<thead><tr><td></td><th scope=\"col\">mean</th><th "
      "scope=\"col\">deviation</th><th scope=\"col\">least</th><th scope=\"col\">most</th><th "
      "scope=\"col\">zeros</th><th scope=\"col\">2-norm</th></tr></thead>\n<tbody>",
      escape(caption));
  for (const NamedNumbers& tensor : tensors) {
    const ValueSpread s = spread_of(*tensor.numbers);
    out += fmt::format("<tr><th scope=\"row\" class=\"left\">{}{}</th>", escape(tensor.name),
                       spark(*tensor.numbers, s));
    for (const double x : {s.mean, s.deviation, s.least, s.most}) out += "<td>" + short_text(x) + "</td>";
    out += fmt::format("<td>{:.0f} %</td><td>{}</td></tr>\n", 100 * s.zeros, short_text(s.norm));
  }
  return out + "</tbody></table></div>\n";
}

class StepPageWriter {
 public:
  explicit StepPageWriter(const StepPage& page)
      : page_(page), nodes_(step_graph(page.program)), most_(page.show >= 0 ? page.show : whole_tensors()) {
    std::vector<std::vector<std::size_t>> reads;
    for (const StepNode& node : nodes_) reads.push_back(node.reads);
    lanes_ = lanes_of(reads);
    for (const SeenParameter& part : page.seen.parameters) parameters_[part.name] = &part;
  }

  std::string write() {
    report::Page out(page_.title, page_.lead);
    out.style(kStepStyle);
    out.answer(fmt::format("One step of {} sample{}: loss {:.6g}. {}.", page_.seen.samples,
                           page_.seen.samples == 1 ? "" : "s", page_.seen.loss, text_of_checks(page_.seen)));
    out.section("The step, forward and backward", "step");
    out.paragraph(
        "Read it from above to below: each row is an operation that reads what the lines bring from above. "
        "The backward pass runs from below to above: on the right stands what it computes for that row, X, "
        "the gradient of what the row reads, and W, that of its own parameters; the line at the right edge "
        "is where a gradient passes. Ice blue is frozen; dashed is what a full step would compute and this "
        "one does not.");
    out.paragraph("A row opens to its formula, its numbers and the lines of the source that compute them.");
    out.markup(graph_html());
    if (page_.nudge) add_nudge(out, *page_.nudge);
    out.section("What it costs", "cost");
    out.table(page_.cost);
    add_arenas(out);
    return out.html();
  }

 private:
  /// The greatest power of two so that all tensors of at most so many numbers fit on the page.
  Index whole_tensors() const {
    std::vector<std::size_t> sizes;
    for (const SeenValue& one : page_.seen.values)
      sizes.insert(sizes.end(), {one.value.size(), one.gradient.size()});
    for (const SeenParameter& part : page_.seen.parameters) {
      sizes.insert(sizes.end(),
                   {part.value.size(), part.gradient.size(), part.update.size(), part.without_freeze.size()});
    }
    for (Index most = 4096; most > 1; most /= 2) {
      Index all = 0;
      for (const std::size_t size : sizes)
        all += static_cast<Index>(size) <= most ? static_cast<Index>(size) : 0;
      if (all <= kNumbersOfPage) return most;
    }
    return 1;
  }

  double lane_step() const { return lanes_.count <= 8 ? 14 : 112.0 / lanes_.count; }
  double lane_x(int lane) const { return 12 + lane_step() * lane; }
  double gutter() const { return lane_x(lanes_.count - 1) + 18; }

  bool is_cold(std::size_t i) const { return nodes_[i].backward.empty() && !nodes_[i].left_out.empty(); }

  std::string graph_html() {
    std::string out =
        "<div class=\"ends\"><span>forward, from above ↓</span><span>backward, from below ↑</span></div>\n";
    out += fmt::format("<ol class=\"step\" style=\"--gutter:{}px\">\n", report::coordinate(gutter()));
    std::vector<std::size_t> holder(static_cast<std::size_t>(lanes_.count), 0);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const LaneRow& row = lanes_.rows[i];
      const char* const flow = is_cold(i)                               ? " class=\"cold\""
                               : !page_.seen.values[i].gradient.empty() ? " class=\"warm\""
                                                                        : "";
      out += fmt::format("<li id=\"node-{}\"{}>", i, flow);
      for (const int lane : row.through)
        out += lane_html(lane, 0, is_cold(holder[static_cast<std::size_t>(lane)]));
      if (row.goes_on) out += lane_html(row.lane, kRowCentre, is_cold(i));
      out += joint_html(row, holder, is_cold(i));
      out += "<details class=\"node\">" + summary_html(i) + "<div class=\"inner\">" + body_html(i) +
             "</div></details></li>\n";
      holder[static_cast<std::size_t>(row.lane)] = i;
    }
    return out + "</ol>\n";
  }

  std::string lane_html(int lane, double top, bool cold) const {
    return fmt::format("<span class=\"lane{}\" style=\"left:{}px;top:{}px;bottom:0\"></span>",
                       cold ? " cold" : "", report::coordinate(lane_x(lane) - 1), report::coordinate(top));
  }

  std::string joint_html(const LaneRow& row, const std::vector<std::size_t>& holder, bool cold) const {
    std::string out = fmt::format("<svg class=\"joint\" width=\"{0}\" height=\"{1}\" aria-hidden=\"true\">",
                                  report::coordinate(gutter()), kRowCentre + 8);
    const double x = lane_x(row.lane);
    for (const int lane : row.reads) {
      out += fmt::format("<path{} d=\"M{} 0C{} {} {} 4 {} {}\"/>",
                         is_cold(holder[static_cast<std::size_t>(lane)]) ? " class=\"cold\"" : "",
                         report::coordinate(lane_x(lane)), report::coordinate(lane_x(lane)), kRowCentre - 6,
                         report::coordinate(x), report::coordinate(x), kRowCentre);
    }
    return out + fmt::format("<circle{} cx=\"{}\" cy=\"{}\" r=\"5\"/></svg>", cold ? " class=\"cold\"" : "",
                             report::coordinate(x), kRowCentre);
  }

  std::string summary_html(std::size_t i) const {
    const StepNode& node = nodes_[i];
    const SeenValue& seen = page_.seen.values[i];
    std::string out = fmt::format(
        "<summary><span class=\"forward\"><strong>{}</strong> {}<br><span class=\"more\">{}</span></span>",
        escape(seen.layer), escape(node.node->text()), escape(seen.shape.text()));
    out += "<span class=\"backward\">";
    if (!seen.gradient.empty())
      out +=
          fmt::format("<span class=\"more\">|gradient| {}</span>", short_text(spread_of(seen.gradient).norm));
    std::set<Pass> computed;
    for (const NodeCall& call : node.backward) computed.insert(pass_on(node, call.node->pass()));
    for (const Pass pass : {Pass::input_gradient, Pass::weight_gradient}) {
      const bool absent = std::any_of(node.left_out.begin(), node.left_out.end(),
                                      [&](const LeftOut& item) { return item.pass == pass; });
      if (computed.contains(pass))
        out += fmt::format(
            "<span class=\"chip\"><span aria-hidden=\"true\">{}</span><span class=\"unseen\">{} is computed. "
            "</span></span>",
            letter_of(pass), words_of(pass));
      if (absent)
        out += fmt::format(
            "<span class=\"chip ice\"><span aria-hidden=\"true\">no {}</span><span class=\"unseen\">{} is "
            "absent. </span></span>",
            letter_of(pass), words_of(pass));
    }
    return out + "</span></summary>";
  }

  std::string body_html(std::size_t i) {
    const StepNode& node = nodes_[i];
    const SeenValue& seen = page_.seen.values[i];
    std::string out = "<div class=\"passes\"><div><h3>Forward</h3>" + call_html(*node.node, false);
    out += "<p>Reads " + escape(readings(node)) + ".</p>";
    for (const NodeCall& call : node.helpers)
      out += "<h4>" + title_of(node, call) + "</h4>" + call_html(*call.node, true);
    out += "</div><div><h3>Backward</h3>";
    for (const NodeCall& call : node.backward)
      out += "<h4>" + title_of(node, call) + "</h4>" + call_html(*call.node, true);
    for (const LeftOut& item : node.left_out) {
      const std::string saved = macs_words(item.macs);
      out += fmt::format("<p class=\"absent\"><b>no {}</b> {}: {}{}</p>", letter_of(item.pass),
                         escape(item.what), escape(item.reason), saved.empty() ? "" : ", " + saved + " less");
    }
    if (node.backward.empty() && node.left_out.empty()) out += "<p>Nothing: no gradient is wanted here.</p>";
    out += "</div></div>";
    std::vector<NamedNumbers> tensors{{"value", &seen.value}};
    if (!seen.gradient.empty()) tensors.push_back({"gradient", &seen.gradient});
    out += fmt::format("<h3>What {} gives</h3><p>{}, the batch first, channels last</p>", escape(seen.layer),
                       escape(seen.shape.text()));
    // Rows of one layer are told apart, by people who hear them too.
    out += statistics_html(fmt::format("What {} gives: {}, row {}", seen.layer, node.node->kind(), i + 1),
                           tensors) +
           numbers_html(seen.layer, seen.shape, tensors);
    for (const std::string& name : node.parameters) out += parameter_html(name);
    return out;
  }

  std::string title_of(const StepNode& row, const NodeCall& call) const {
    return fmt::format("<b>{}</b> {}{}", letter_of(pass_on(row, call.node->pass())),
                       escape(call.node->text()), call.once ? ", once, not in a step" : "");
  }

  /// An operation's formula, shape and cost, and where it is computed.
  std::string call_html(const Node& node, bool shape) {
    std::string out = "<p class=\"formula\">" + escape(node.op()->describe().formula) + "</p>";
    const std::string macs = macs_words(node.op()->cost(node).macs);
    if (shape || !macs.empty()) {
      out += "<p>" + escape(shape ? node.outputs()[0].shape.text() : "") +
             (shape && !macs.empty() ? ", " : "") + macs;
      if (node.assigns()) out += ", written to " + escape(node.assigns()->name());
      out += "</p>";
    }
    return out + source_html(*node.op());
  }

  /// The lines that compute it: whole where they come first, later a link to there.
  std::string source_html(const Op& op) {
    const std::vector<SourceLines> lines = lines_that_compute(op);
    if (lines.empty()) return {};
    const std::string where = fmt::format("{}, line {}", lines[0].path, lines[0].line);
    const auto [shown, is_new] = shown_.emplace(where, shown_.size());
    const std::string id = fmt::format("source-{}", shown->second);
    if (!is_new) return fmt::format("<p class=\"source\">Computed by <a href=\"#{}\">{}</a></p>", id, where);
    std::string out =
        fmt::format("<details><summary>The lines that compute it: {}</summary><div id=\"{}\">", where, id);
    for (const SourceLines& part : lines) {
      if (&part != &lines[0])
        out += fmt::format(
            "<p class=\"source\">The same as a plain loop, {}, line {}; the fast kernels in "
            "engine/kernels/simd are held against it</p>",
            part.path, part.line);
      out += "<pre tabindex=\"0\"><code>" + escape(part.text) + "</code></pre>";
    }
    return out + "</div></details>";
  }

  std::string readings(const StepNode& node) const {
    std::vector<std::string> all;
    for (const std::size_t from : node.reads) all.push_back(page_.seen.values[from].layer);
    all.insert(all.end(), node.feeds.begin(), node.feeds.end());
    all.insert(all.end(), node.parameters.begin(), node.parameters.end());
    return all.empty() ? "nothing" : fmt::format("{}", fmt::join(all, ", "));
  }

  /// All numbers of the tensors that are small.
  std::string numbers_html(const std::string& of, const Shape& shape,
                           const std::vector<NamedNumbers>& tensors) const {
    std::string inside;
    for (const NamedNumbers& tensor : tensors) {
      if (static_cast<Index>(tensor.numbers->size()) > most_) continue;
      inside += fmt::format("<p class=\"source\">{} {}</p><pre tabindex=\"0\">{}</pre>", escape(tensor.name),
                            escape(shape.text()), number_rows(shape, *tensor.numbers));
    }
    if (inside.empty()) return {};
    return fmt::format(
        "<details><summary>All {} numbers<span class=\"unseen\"> of {}</span></summary>{}</details>",
        tensors[0].numbers->size(), escape(of), inside);
  }

  std::string parameter_html(const std::string& name) const {
    const auto found = parameters_.find(name);
    if (found == parameters_.end()) return {};
    const SeenParameter& part = *found->second;
    std::vector<NamedNumbers> tensors{{"value", &part.value}};
    if (!part.gradient.empty()) tensors.push_back({"gradient", &part.gradient});
    if (!part.without_freeze.empty())
      tensors.push_back({"gradient, were nothing frozen", &part.without_freeze});
    if (!part.gradient.empty()) tensors.push_back({"update", &part.update});
    std::string out = fmt::format("<h3>{}</h3><p>{}{}</p>", escape(part.name), escape(part.shape.text()),
                                  part.frozen.empty() ? "" : ", " + escape(part.frozen));
    if (part.gradient.empty())
      out += "<p class=\"absent\">No gradient, no update, no state of the optimizer.</p>";
    return out + statistics_html(part.name, tensors) + checks_html(part) +
           numbers_html(part.name, part.shape, tensors);
  }

  static std::string checks_html(const SeenParameter& part) {
    if (part.checks.empty()) return {};
    std::string out = fmt::format(
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Gradients of {0}, "
        "checked\"><table><caption>Gradients "
        "beside central differences of the loss</caption>\n<thead><tr><th scope=\"col\" "
        "class=\"left\">place</th><th "
        "scope=\"col\">gradient</th><th scope=\"col\">central difference</th><th scope=\"col\">may be off "
        "by</th><th "
        "scope=\"col\" class=\"left\">agree</th></tr></thead>\n<tbody>",
        escape(part.name));
    for (const GradientCheck& check : part.checks) {
      out += fmt::format(
          "<tr><th scope=\"row\" class=\"left\">{}</th><td>{:.6g}</td><td>{:.6g}</td><td>{:.1g}</td><td "
          "class=\"left {}\">{}</td></tr>\n",
          escape(text_of_place("", part.shape, check.place)), check.gradient, check.difference, check.bound,
          check.agrees() ? "good" : "bad", check.agrees() ? "yes" : "no");
    }
    return out + "</tbody></table></div>\n";
  }

  static void add_nudge(report::Page& out, const Nudge& nudge) {
    out.section("The loss as a weight moves", "nudge");
    report::Plot plot;
    plot.title = nudge.name;
    plot.description =
        fmt::format("The loss of the step as {} moves around {:.4g}.", nudge.name, nudge.value);
    plot.x.title = "the weight";
    plot.y.title = "loss";
    plot.series.push_back({"the loss"});
    if (nudge.trains()) plot.series.push_back({"the line that its gradient promises"});
    report::PageTable table{"The loss as it moves", {"moved by", "weight", "loss", "by the gradient"}};
    for (const Nudge::Place& place : nudge.places) {
      plot.series[0].points.push_back({place.weight, place.loss});
      if (nudge.trains()) plot.series[1].points.push_back({place.weight, place.by_gradient});
      table.rows.push_back({fmt::format("{:+.4g}", place.delta), short_text(place.weight),
                            fmt::format("{:.6f}", place.loss),
                            nudge.trains() ? fmt::format("{:.6f}", place.by_gradient) : "-"});
    }
    if (nudge.trains()) plot.series[1].marks = false;
    out.figure(
        report::draw(plot),
        nudge.trains()
            ? fmt::format("{} is {:.4g}, its gradient {:.4g}: near there the line touches the curve",
                          nudge.name, nudge.value, nudge.gradient)
            : fmt::format("{} is {:.4g} and frozen: no gradient is computed, though the loss would move",
                          nudge.name, nudge.value),
        table);
  }

  void add_arenas(report::Page& out) const {
    if (page_.arenas.empty()) return;
    out.section("The memory of a step", "memory");
    out.paragraph(
        "Each rectangle is a value: as high as it is large, and as long as it lives, from the step that "
        "makes "
        "it to the last one that reads it. What the backward pass reads must be kept until then; where two "
        "values of different times lie at one height, memory is used again. In the lower band lies what each "
        "thread has of its own.");
    out.markup("<div class=\"beside\">\n");
    for (const report::ArenaChart& chart : page_.arenas) {
      report::PageTable table{"The largest values, " + chart.title,
                              {"<value", "bytes", "<made by", "<last read by"}};
      std::vector<const LifeSpan*> largest;
      for (const LifeSpan& span : chart.spans) largest.push_back(&span);
      std::stable_sort(largest.begin(), largest.end(),
                       [](const LifeSpan* a, const LifeSpan* b) { return a->bytes > b->bytes; });
      largest.resize(std::min<std::size_t>(largest.size(), 12));
      for (const LifeSpan* span : largest) {
        const Node& node = *span->value.node;
        table.rows.push_back({node.kind() + " " + span->value.shape().text(),
                              short_bytes(static_cast<double>(span->bytes)), node.label(),
                              span->reader == nullptr ? "outlives the step"
                                                      : span->reader->label() + ": " + span->reader->kind()});
      }
      out.figure(report::draw(chart, page_.arenas), "The memory of a step, " + chart.title, table);
    }
    out.markup("</div>\n");
  }

  const StepPage& page_;
  std::vector<StepNode> nodes_;
  Index most_;
  Lanes lanes_;
  std::map<std::string, const SeenParameter*> parameters_;
  std::map<std::string, std::size_t> shown_;  // sources, by where they stand
};

}  // namespace

std::string step_page(const StepPage& page) {
  return StepPageWriter(page).write();
}

}  // namespace firn::cli
