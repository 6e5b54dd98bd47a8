#include <fmt/core.h>
#include <fmt/ranges.h>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "tools/app/explain/step_values.h"
#include "tools/app/run/options.h"

namespace firn::cli {

WeightPlace parse_weight_place(const Model& model, const std::string& text) {
  const auto open = text.find('[');
  if (open == std::string::npos || !text.ends_with(']')) {
    throw Error(
        Fault::usage, "nudge",
        fmt::format("'{}' is no place of a weight; wanted is NAME[I,J,...], as in fc2.weight[0,3]", text));
  }
  const std::string name = text.substr(0, open);
  const Parameter* parameter = nullptr;
  std::vector<std::string> names;
  for (const NamedParameter& p : model.parameters()) {
    if (p.parameter->role() == Role::statistic) continue;
    names.push_back(p.name);
    if (p.name == name) parameter = p.parameter.get();
  }
  if (parameter == nullptr) {
    throw Error(Fault::usage, "nudge",
                fmt::format("the model has no parameter '{}'{}", name, did_you_mean(name, names)));
  }
  const Shape& shape = parameter->file_shape();
  std::vector<Index> places;
  for (std::size_t at = open + 1; at < text.size();) {
    const auto end = text.find_first_of(",]", at);
    places.push_back(whole_number(text.substr(at, end - at), "--nudge"));
    at = end + 1;
  }
  Index place = 0;
  bool fits = static_cast<int>(places.size()) == shape.rank();
  for (int i = 0; fits && i < shape.rank(); ++i) {
    const Index here = places[static_cast<std::size_t>(i)];
    fits = here >= 0 && here < shape[i];
    place = place * shape[i] + here;
  }
  if (!fits) {
    throw Error(Fault::usage, "nudge",
                fmt::format("{} is {}: it has no place [{}]; each is counted from 0", name, shape.text(),
                            fmt::join(places, ",")));
  }
  return {name, place};
}

std::string text_of_place(const std::string& parameter, const Shape& shape, Index place) {
  std::vector<Index> places(static_cast<std::size_t>(shape.rank()));
  for (int i = shape.rank(); i-- > 0;) {
    places[static_cast<std::size_t>(i)] = place % shape[i];
    place /= shape[i];
  }
  return fmt::format("{}[{}]", parameter, fmt::join(places, ","));
}

}  // namespace firn::cli
