#include "optim/trainer/non_finite.h"

#include <fmt/core.h>

#include <cmath>

#include "data/finite.h"
#include "layers/weights.h"
#include "optim/trainer/evaluate.h"

namespace firn {

namespace {

using Kind = NonFiniteCause::Kind;

// Prepared numbers lie around zero; the squares of larger ones leave no digits for the others.
constexpr double kFarOut = 1e4;

std::string sample_text(const Batch& batch, std::size_t row, const DataInfo& info) {
  return fmt::format("sample {} (counted from 0) of {}", batch.samples[row], info.name);
}

NonFiniteCause in_weights(const Model& model) {
  for (const NamedParameter& p : model.parameters()) {
    if (first_non_finite(p.parameter->value().values()) ==
        static_cast<std::size_t>(p.parameter->value().count()))
      continue;
    return {Kind::weights, non_finite_text(p.name, p.parameter->to_file())};
  }
  return {};
}

NonFiniteCause in_data(const Batch& batch, const DataInfo& info) {
  const auto numbers = batch.x.values();
  const std::size_t size = numbers.size() / static_cast<std::size_t>(batch.count);
  std::size_t largest = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (!(std::abs(numbers[i]) <= std::abs(numbers[largest]))) largest = i;
  }
  if (numbers.empty() || std::abs(static_cast<double>(numbers[largest])) <= kFarOut) return {};
  return {Kind::data, fmt::format("{} holds {:g} (number {} of {}, prepared), far from what the others are",
                                  sample_text(batch, largest / size, info), numbers[largest], largest % size,
                                  info.shape.text())};
}

NonFiniteCause in_layers(const Model& model, ProgramCache& programs, const Batch& batch,
                         const DataInfo& info) {
  const Shape sample = batch.x.shape().tail(1);
  for (std::size_t child = 1; child <= model.children().size(); ++child) {
    Seam seam;
    try {
      seam = model.seam_at(child, sample);
    } catch (const Error&) {
      continue;  // no numbers flow there
    }
    Program& program = programs.features(batch.count, sample, seam);
    feed_batch(program, model, batch);
    program.run();
    const auto size = static_cast<std::size_t>(seam.features.count());
    const std::size_t all = size * static_cast<std::size_t>(batch.count);
    const std::size_t at = first_non_finite({program.output_data("features"), all});
    if (at == all) continue;
    return {Kind::layer, fmt::format("layer {} gives the first, for {}", model.children()[child - 1].name,
                                     sample_text(batch, at / size, info))};
  }
  return {};
}

}  // namespace

NonFiniteCause cause_of_non_finite(const Model& model, ProgramCache& programs, const Batch& batch,
                                   const DataInfo& info) {
  // Data first: by what is far out running statistics are no numbers either when a step is over.
  const bool numbers = batch.x.defined() && batch.x.type() == Type::number;
  NonFiniteCause cause = numbers ? in_data(batch, info) : NonFiniteCause();
  if (cause.kind == Kind::unknown) cause = in_weights(model);
  if (cause.kind != Kind::unknown || !batch.x.defined()) return cause;
  return in_layers(model, programs, batch, info);
}

Error non_finite_step(const std::string& what, bool first_step, const NonFiniteCause& cause) {
  const bool known = cause.kind == Kind::data || (first_step && cause.kind != Kind::unknown);
  const char* advice = cause.kind == Kind::data ? ": the data are the reason"
                       : first_step ? ", before any weight has moved: data or weights are the reason"
                                    : " (a smaller --rate may help)";
  return {Fault::non_finite, "train", what + (known ? ": " + cause.text : "") + advice};
}

}  // namespace firn
