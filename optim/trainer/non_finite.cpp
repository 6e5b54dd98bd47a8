#include "optim/trainer/non_finite.h"

#include <fmt/core.h>

#include <cmath>
#include <vector>

#include "data/finite.h"
#include "data/transform.h"
#include "layers/weights.h"
#include "optim/trainer/feed.h"

namespace firn {

namespace {

using Kind = NonFiniteCause::Kind;

// Prepared numbers lie around zero; the squares of larger ones leave no digits for the others.
constexpr double kFarOut = 1e4;

NonFiniteCause in_weights(const Model& model) {
  for (const NamedParameter& p : model.parameters()) {
    if (first_non_finite(p.parameter->value().values()) ==
        static_cast<std::size_t>(p.parameter->value().count()))
      continue;
    return {Kind::weights, non_finite_text(p.name, p.parameter->to_file())};
  }
  return {};
}

/// The largest number of all that is prepared, where it is far out.
NonFiniteCause in_data(const Loader& samples) {
  const Dataset& data = samples.data();
  const DataInfo& info = data.info();
  if (info.kind == DataKind::tokens) return {};
  std::vector<real> raw(static_cast<std::size_t>(info.shape.count())), values;
  double largest = kFarOut;
  NonFiniteCause cause;
  for (Index i = 0; i < data.size(); ++i) {
    data.fill_numbers(i, raw);
    values = raw;
    apply(samples.options().preprocess, info.shape[-1], values);
    for (std::size_t k = 0; k < values.size(); ++k) {
      const double size = std::abs(static_cast<double>(values[k]));
      if (size <= largest) continue;
      largest = size;
      cause = {
          Kind::data,
          fmt::format("{} holds {:g} (number {} of {}, {:g} when prepared), far from what the others are",
                      data.place(i), raw[k], k, info.shape.text(), values[k])};
    }
  }
  return cause;
}

NonFiniteCause in_layers(const Model& model, ProgramCache& programs, const Batch& batch,
                         const Dataset& data) {
  const Shape sample = batch.x.shape().tail(1);
  for (std::size_t child = 1; child <= model.children().size(); ++child) {
    CutPoint cut;
    try {
      cut = model.cut_point_at(child, sample);
    } catch (const Error&) {
      continue;  // no numbers flow there
    }
    Program& program = programs.features(batch.count, sample, cut);
    feed_batch(program, model, batch);
    program.run();
    const auto size = static_cast<std::size_t>(cut.features.count());
    const std::size_t all = size * static_cast<std::size_t>(batch.count);
    const std::size_t at = first_non_finite({program.output_data("features"), all});
    if (at == all) continue;
    return {Kind::layer, fmt::format("layer {} gives the first, for {}", model.children()[child - 1].name,
                                     data.place(batch.samples[at / size]))};
  }
  return {};
}

}  // namespace

NonFiniteCause cause_of_non_finite(const Model& model, ProgramCache& programs, const Batch& batch,
                                   const Loader& samples, const Loader* trained_on) {
  // Data first: by what is far out running statistics are no numbers either when a step is over.
  NonFiniteCause cause = in_data(samples);
  if (cause.kind == Kind::unknown && trained_on != nullptr) {
    cause = in_data(*trained_on);
    if (cause.kind != Kind::unknown) cause.text = "what was trained on: " + cause.text;
  }
  if (cause.kind == Kind::unknown) cause = in_weights(model);
  if (cause.kind != Kind::unknown || !batch.x.defined()) return cause;
  return in_layers(model, programs, batch, samples.data());
}

Error non_finite_step(const std::string& what, bool first_step, const NonFiniteCause& cause) {
  const bool known = cause.kind == Kind::data || (first_step && cause.kind != Kind::unknown);
  const char* advice = cause.kind == Kind::data ? ": the data are the reason"
                       : first_step ? ", before any weight has moved: data or weights are the reason"
                                    : " (a smaller --rate may help)";
  return {Fault::non_finite, "train", what + (known ? ": " + cause.text : "") + advice};
}

}  // namespace firn
