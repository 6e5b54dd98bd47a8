#include "tools/app/explain/nudge.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "tools/app/cli/table.h"
#include "tools/app/explain/spread.h"

namespace firn::cli {

Nudge nudge(StepRun& run, const Model& model, const WeightPlace& weight, double span) {
  constexpr int kPlaces = 5;  // on each side
  Shape shape;
  Nudge seen;
  for (const NamedParameter& p : model.parameters()) {
    if (p.name != weight.parameter) continue;
    shape = p.parameter->file_shape();
    seen.value = static_cast<double>(p.parameter->to_file().data()[weight.place]);
  }
  seen.name = text_of_place(weight.parameter, shape, weight.place);
  seen.gradient = run.gradient_at(weight.parameter, weight.place);
  seen.loss = run.loss_with(weight.parameter, weight.place, 0);
  if (span == 0) span = std::max(std::abs(seen.value), 0.1);
  for (int i = -kPlaces; i <= kPlaces; ++i) {
    const double delta = span * i / kPlaces;
    seen.places.push_back({delta, seen.value + delta, run.loss_with(weight.parameter, weight.place, delta),
                           seen.loss + seen.gradient * delta});
  }
  return seen;
}

void print_nudge(Console& console, const Nudge& nudge) {
  if (console.json()) {
    for (const Nudge::Place& place : nudge.places) {
      JsonObject record = json_line("nudge");
      record.add("place", nudge.name).add("delta", place.delta).add("weight", place.weight);
      console.out(record.add("loss", place.loss).add("by_the_gradient", place.by_gradient));
    }
    return;
  }
  console.out(nudge.trains()
                  ? fmt::format("{} = {:.6g}, its gradient {:.6g}: the loss as it moves", nudge.name,
                                nudge.value, nudge.gradient)
                  : fmt::format("{} = {:.6g}, frozen, so no gradient is computed: the loss as it moves",
                                nudge.name, nudge.value));
  Table table({"moved by", "weight", "loss", "by the gradient", "change"});
  for (const Nudge::Place& place : nudge.places) {
    table.row({fmt::format("{:+.4g}", place.delta), short_text(place.weight),
               fmt::format("{:.6f}", place.loss),
               nudge.trains() ? fmt::format("{:.6f}", place.by_gradient) : "-",
               fmt::format("{:+.6f}", place.loss - nudge.loss)});
  }
  console.out(table.text());
}

}  // namespace firn::cli
