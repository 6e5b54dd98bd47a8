#include "tools/app/explain/print_values.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "tools/app/cli/table.h"

namespace firn::cli {

namespace {

/// Of the numbers that are none of those that do not train (NaN).
struct Spread {
  double mean = 0, deviation = 0, least = 0, most = 0, zeros = 0;
  Index count = 0;
};

Spread spread_of(const std::vector<real>& numbers) {
  Spread s;
  double sum = 0, squares = 0;
  for (const real number : numbers) {
    const auto x = static_cast<double>(number);
    if (std::isnan(x)) continue;
    s.least = s.count == 0 ? x : std::min(s.least, x);
    s.most = s.count == 0 ? x : std::max(s.most, x);
    sum += x;
    squares += x * x;
    s.zeros += x == 0;
    ++s.count;
  }
  if (s.count == 0) return s;
  const auto n = static_cast<double>(s.count);
  s.mean = sum / n;
  s.deviation = std::sqrt(std::max(0.0, squares / n - s.mean * s.mean));
  s.zeros /= n;
  return s;
}

/// The 2-norm of those that are numbers.
double norm_of(const std::vector<real>& numbers) {
  double squares = 0;
  for (const real number : numbers) {
    if (!std::isnan(number)) squares += static_cast<double>(number) * static_cast<double>(number);
  }
  return std::sqrt(squares);
}

std::string short_text(double x) {
  return fmt::format("{:.4g}", x);
}

JsonObject spread_json(const std::vector<real>& numbers, Index most) {
  const Spread s = spread_of(numbers);
  JsonObject line;
  line.add("mean", s.mean).add("deviation", s.deviation).add("least", s.least).add("most", s.most);
  line.add("zeros", s.zeros).add("norm", norm_of(numbers));
  if (static_cast<Index>(numbers.size()) <= most)
    line.add("numbers", std::vector<double>(numbers.begin(), numbers.end()));
  return line;
}

std::vector<std::int64_t> sizes_of(const Shape& shape) {
  return {shape.sizes().begin(), shape.sizes().end()};
}

JsonObject check_json(const SeenParameter& part, const GradientCheck& check) {
  JsonObject line;
  line.add("place", text_of_place(part.name, part.shape, check.place)).add("gradient", check.gradient);
  line.add("central_difference", check.difference).add("bound", check.bound);
  return line.add("agrees", check.agrees());
}

/// Rows of the last axis, each under its place.
void print_numbers(Console& console, const std::string& title, const Shape& shape,
                   const std::vector<real>& numbers) {
  const Index row = shape.rank() > 0 ? std::max<Index>(1, shape[-1]) : 1;
  console.out(fmt::format("{} {}", title, shape.text()));
  for (Index at = 0; at < static_cast<Index>(numbers.size()); at += row) {
    std::string line = " ";
    for (Index i = at; i < std::min(at + row, static_cast<Index>(numbers.size())); ++i) {
      const auto x = static_cast<double>(numbers[static_cast<std::size_t>(i)]);
      line += fmt::format(" {:>11}", std::isnan(x) ? "-" : fmt::format("{:.6g}", x));
    }
    console.out(line);
  }
}

/// The worst of a parameter's checks, in words.
std::string worst_check(const SeenParameter& part) {
  if (part.checks.empty()) return part.gradient.empty() ? "no gradient" : "not checked";
  const auto off = [](const GradientCheck& c) { return std::abs(c.gradient - c.difference) / c.bound; };
  const GradientCheck& worst =
      *std::max_element(part.checks.begin(), part.checks.end(),
                        [&](const GradientCheck& a, const GradientCheck& b) { return off(a) < off(b); });
  return fmt::format("{}: {:.4g}, by differences {:.4g} +- {:.1g}{}",
                     text_of_place("", part.shape, worst.place), worst.gradient, worst.difference,
                     worst.bound, worst.agrees() ? "" : "  outside");
}

void print_layers(Console& console, const StepValues& seen) {
  Table table(
      {"<layer", "<operation", "<shape", "mean", "deviation", "least", "most", "zeros", "|gradient|"});
  for (const SeenValue& one : seen.values) {
    const Spread s = spread_of(one.value);
    table.row({one.layer, one.operation, one.shape.text(), short_text(s.mean), short_text(s.deviation),
               short_text(s.least), short_text(s.most), fmt::format("{:.0f} %", 100 * s.zeros),
               one.gradient.empty() ? "none" : short_text(norm_of(one.gradient))});
  }
  console.out(table.text());
}

void print_parameters(Console& console, const StepValues& seen) {
  Table table({"<parameter", "<shape", "|value|", "|gradient|", "|update|", "<a gradient checked"});
  for (const SeenParameter& part : seen.parameters) {
    const bool frozen = part.gradient.empty();
    table.row({part.name, part.shape.text(), short_text(norm_of(part.value)),
               frozen ? fmt::format("({})", short_text(norm_of(part.without_freeze)))
                      : short_text(norm_of(part.gradient)),
               frozen ? "none" : short_text(norm_of(part.update)),
               frozen ? part.frozen : worst_check(part) + (part.frozen.empty() ? "" : "; " + part.frozen)});
  }
  console.out(table.text());
}

/// How many checks hold, and what it means where one does not.
std::string summary_of_checks(const StepValues& seen) {
  Index checked = 0, agreed = 0;
  for (const SeenParameter& part : seen.parameters) {
    checked += static_cast<Index>(part.checks.size());
    for (const GradientCheck& check : part.checks) agreed += check.agrees();
  }
  return fmt::format("{} of {} gradients checked lie within the bound of their central differences{}", agreed,
                     checked, agreed < checked ? "; outside of it many ReLUs turn near that place" : "");
}

}  // namespace

void print_values(Console& console, const StepValues& seen, Index most) {
  console.out(fmt::format("one step of {} sample{}: loss {:.6g}", seen.samples, seen.samples == 1 ? "" : "s",
                          seen.loss));
  console.out("\nforward, layer by layer; |gradient|: the 2-norm of the loss's gradient there");
  print_layers(console, seen);
  console.out(
      fmt::format("\nparameters; |update|: what {} adds in its first step; in brackets: what a frozen one "
                  "would have had",
                  seen.optimizer));
  print_parameters(console, seen);
  console.out(summary_of_checks(seen));
  for (const SeenValue& one : seen.values) {
    if (static_cast<Index>(one.value.size()) > most) continue;
    console.out("");
    print_numbers(console, one.layer + ", " + one.operation, one.shape, one.value);
    if (!one.gradient.empty()) print_numbers(console, "  its gradient", one.shape, one.gradient);
  }
  for (const SeenParameter& part : seen.parameters) {
    if (static_cast<Index>(part.value.size()) > most) continue;
    console.out("");
    print_numbers(console, part.name, part.shape, part.value);
    if (!part.gradient.empty()) print_numbers(console, "  its gradient", part.shape, part.gradient);
    if (!part.without_freeze.empty())
      print_numbers(console, "  its gradient, were nothing frozen", part.shape, part.without_freeze);
    if (!part.gradient.empty()) print_numbers(console, "  its update", part.shape, part.update);
  }
}

void print_values_json(Console& console, const StepValues& seen, Index most) {
  for (const SeenValue& one : seen.values) {
    JsonObject line = json_line("value");
    line.add("layer", one.layer).add("operation", one.operation).add("block", one.block);
    line.add("shape", sizes_of(one.shape)).add("value", spread_json(one.value, most));
    if (!one.gradient.empty()) line.add("gradient", spread_json(one.gradient, most));
    console.out(line);
  }
  for (const SeenParameter& part : seen.parameters) {
    JsonObject line = json_line("parameter");
    line.add("name", part.name).add("block", part.block).add("frozen", part.frozen);
    line.add("shape", sizes_of(part.shape)).add("value", spread_json(part.value, most));
    if (!part.gradient.empty()) {
      line.add("gradient", spread_json(part.gradient, most)).add("update", spread_json(part.update, most));
    }
    if (!part.without_freeze.empty()) line.add("without_freeze", spread_json(part.without_freeze, most));
    std::vector<JsonObject> checks;
    for (const GradientCheck& check : part.checks) checks.push_back(check_json(part, check));
    console.out(line.add("checks", checks));
  }
}

void print_nudge(Console& console, StepRun& run, const Model& model, const WeightPlace& weight, double span) {
  constexpr int kPlaces = 5;  // on each side
  Shape shape;
  double value = 0;
  for (const NamedParameter& p : model.parameters()) {
    if (p.name != weight.parameter) continue;
    shape = p.parameter->file_shape();
    value = static_cast<double>(p.parameter->to_file().data()[weight.place]);
  }
  const std::string name = text_of_place(weight.parameter, shape, weight.place);
  const double gradient = run.gradient_at(weight.parameter, weight.place);
  const double loss = run.loss_with(weight.parameter, weight.place, 0);
  if (span == 0) span = std::max(std::abs(value), 0.1);
  const bool trains = !std::isnan(gradient);
  if (!console.json()) {
    console.out(
        trains ? fmt::format("{} = {:.6g}, its gradient {:.6g}: the loss as it moves", name, value, gradient)
               : fmt::format("{} = {:.6g}, frozen, so no gradient is computed: the loss as it moves", name,
                             value));
  }
  Table table({"moved by", "weight", "loss", "by the gradient", "change"});
  for (int i = -kPlaces; i <= kPlaces; ++i) {
    const double delta = span * i / kPlaces;
    const double there = run.loss_with(weight.parameter, weight.place, delta);
    const double line = loss + gradient * delta;
    if (console.json()) {
      JsonObject record = json_line("nudge");
      record.add("place", name).add("delta", delta).add("weight", value + delta).add("loss", there);
      console.out(record.add("by_the_gradient", line));
      continue;
    }
    table.row({fmt::format("{:+.4g}", delta), short_text(value + delta), fmt::format("{:.6f}", there),
               trains ? fmt::format("{:.6f}", line) : "-", fmt::format("{:+.6f}", there - loss)});
  }
  if (!console.json()) console.out(table.text());
}

}  // namespace firn::cli
