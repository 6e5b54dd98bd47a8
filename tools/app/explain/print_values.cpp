#include "tools/app/explain/print_values.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "tools/app/cli/table.h"
#include "tools/app/explain/spread.h"

namespace firn::cli {

namespace {

JsonObject spread_json(const std::vector<real>& numbers, Index most) {
  const ValueSpread s = spread_of(numbers);
  JsonObject line;
  line.add("mean", s.mean).add("deviation", s.deviation).add("least", s.least).add("most", s.most);
  line.add("zeros", s.zeros).add("norm", s.norm);
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

/// Rows of the last axis under the tensor's name.
void print_numbers(Console& console, const std::string& title, const Shape& shape,
                   const std::vector<real>& numbers) {
  console.out(fmt::format("{} {}", title, shape.text()));
  std::string rows = number_rows(shape, numbers);
  if (rows.ends_with('\n')) rows.pop_back();
  if (!rows.empty()) console.out(rows);
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
    const ValueSpread s = spread_of(one.value);
    table.row({one.layer, one.operation, one.shape.text(), short_text(s.mean), short_text(s.deviation),
               short_text(s.least), short_text(s.most), fmt::format("{:.0f} %", 100 * s.zeros),
               one.gradient.empty() ? "none" : short_text(spread_of(one.gradient).norm)});
  }
  console.out(table.text());
}

void print_parameters(Console& console, const StepValues& seen) {
  Table table({"<parameter", "<shape", "|value|", "|gradient|", "|update|", "<a gradient checked"});
  for (const SeenParameter& part : seen.parameters) {
    const bool frozen = part.gradient.empty();
    table.row({part.name, part.shape.text(), short_text(spread_of(part.value).norm),
               frozen ? fmt::format("({})", short_text(spread_of(part.without_freeze).norm))
                      : short_text(spread_of(part.gradient).norm),
               frozen ? "none" : short_text(spread_of(part.update).norm),
               frozen ? part.frozen : worst_check(part) + (part.frozen.empty() ? "" : "; " + part.frozen)});
  }
  console.out(table.text());
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
  console.out(text_of_checks(seen));
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

}  // namespace firn::cli
