#include "tools/app/cost/step_forecast.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/base/error.h"
#include "engine/base/json_read.h"
#include "engine/base/rng.h"
#include "layers/tasks/usual.h"
#include "optim/trainer/program_cache.h"
#include "tools/app/cli/process.h"

namespace firn::cli {

namespace {

Shape batched(Index batch, const Shape& sample) {
  std::vector<Index> sizes{batch};
  sizes.insert(sizes.end(), sample.sizes().begin(), sample.sizes().end());
  return Shape(std::span<const Index>(sizes));
}

}  // namespace

RandomBatch::RandomBatch(const Model& model, Index batch, const Shape& sample, const Task* task) {
  Random random(0, "bench step");
  const InputSpec& input = model.input();
  const auto below = [&](Index limit) {
    return static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(limit)));
  };
  const Shape shape = batched(batch, sample);
  x = Tensor(shape, input.vocabulary > 0 ? DType::int32 : DType::number);
  for (Index i = 0; i < shape.count(); ++i) {
    if (input.vocabulary > 0) {
      x.indices()[i] = below(input.vocabulary);
    } else {
      x.data()[i] = static_cast<real>(random.normal());
    }
  }
  lengths = Tensor(Shape{batch}, DType::int32);
  for (Index i = 0; i < batch; ++i) lengths.indices()[i] = static_cast<std::int32_t>(sample[0]);
  const TaskPtr usual = usual_task(model);
  const Task& of = task != nullptr ? *task : *usual;
  const Spec spec =
      of.targets(of.each_step() ? Shape{batch, sample[0], model.width()} : Shape{batch, model.width()});
  targets = Tensor(spec.shape, spec.type);
  for (Index i = 0; i < targets.count(); ++i) {
    if (spec.type == DType::int32) {
      targets.indices()[i] = below(model.width());
    } else {
      targets.data()[i] = static_cast<real>(below(2));
    }
  }
}

void RandomBatch::feed(Program& program, const Model& model) const {
  program.feed("x", x);
  if (model.input().lengths) program.feed("lengths", lengths);
  if (program.is_training()) program.feed("targets", targets);
}

std::vector<Tensor> feed_indices(Program& program, Index vocabulary) {
  const auto& nodes = program.graph().nodes();
  const auto first =
      std::find_if(nodes.begin(), nodes.end(), [](const auto& node) { return node->is_feed(); });
  const Shape& in = (*first)->outputs()[0].shape;  // of the model's feeds its samples come first
  const Index steps = in.rank() > 1 ? in[1] : 1;
  Random random(0, "feeds");
  std::vector<Tensor> fed;
  for (const auto& node : program.graph().nodes()) {
    const Spec& spec = node->outputs()[0];
    if (!node->is_feed() || spec.type != DType::int32) continue;
    Tensor tensor(spec.shape, DType::int32);
    if (node->label() == "lengths")
      std::fill_n(tensor.indices(), tensor.count(), static_cast<std::int32_t>(steps));
    for (Index i = 0; node->label() == "x" && i < tensor.count(); ++i) {
      tensor.indices()[i] =
          static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(std::max<Index>(1, vocabulary))));
    }
    program.feed(node->label(), tensor);
    fed.push_back(std::move(tensor));
  }
  return fed;
}

StepBytes step_bytes(const Model& model, const Program& program, int slots, int threads) {
  StepBytes result;
  const ProgramBytes bytes = bytes_of(program, threads);
  result.arena = static_cast<Index>(Workspace::resident(static_cast<std::size_t>(bytes.arena)));
  result.once = bytes.once;
  for (const GradientView& gradient : program.gradients())
    result.state += slots * gradient.count * Index{sizeof(real)};
  std::set<const Parameter*> seen;
  for (const NamedParameter& p : model.parameters()) {
    if (seen.insert(p.parameter.get()).second) result.parameters += p.parameter->value().bytes();
  }
  for (const Value& source : program.plan().sources) {
    if (source.node->is_feed()) result.feeds += source.shape().count() * type_size(source.spec().type);
  }
  return result;
}

StepForecast forecast_step(const Model& model, const Program& program, const OptimizerMaker& make,
                           int threads, Machine& machine, const std::function<void(Index)>& each) {
  StepForecast result;
  result.program =
      forecast(program, threads, machine.overheads(program.threads_of(threads)), machine.prices(), each);
  std::vector<Index> counts;
  for (const GradientView& gradient : program.gradients()) counts.push_back(gradient.count);
  result.optimizer_seconds = machine.optimizer_seconds(make, counts, threads);
  result.bytes = step_bytes(model, program, make()->slots_of_a_parameter(), threads);
  return result;
}

Index base_bytes(int threads, Machine& machine) {
  return static_cast<Index>(machine.number(fmt::format("bytes beside a program, {} threads", threads), [&] {
    // The smallest of the models, on one sample.
    constexpr const char* kModel = "lenet";
    constexpr Index kOne = 1;
    const ModelEntry& entry = find_model(kModel);
    const ModelPtr model = entry.make(entry.default_input, entry.usual_classes);
    ProgramCache programs(*model, {});
    const StepBytes own =
        step_bytes(*model, programs.inference(kOne, entry.default_input.sample), 0, threads);
    const double all = measured_resident({kModel, "all", kOne, threads});
    return std::max(0.0, all - static_cast<double>(own.all()));
  }));
}

double measured_resident(const StepChoice& choice) {
  std::vector<std::string> words = own_program();
  for (const std::string& word :
       {std::string("bench"), std::string("step"), std::string("--json"), std::string("--seconds"),
        std::string("0.001"), std::string("--models"), choice.model, std::string("--freeze"), choice.freeze,
        std::string("--threads"), std::to_string(choice.threads), std::string("--frozen-precision"),
        choice.precision})
    words.push_back(word);
  if (choice.batch > 0) words.push_back("--batch=" + std::to_string(choice.batch));
  if (choice.exact) words.emplace_back("--exact");
  const ProcessOutcome outcome = run_process(words);
  const auto row = try_json(outcome.out.substr(0, outcome.out.find('\n')));
  if (outcome.code != 0 || !row.is_object() || !row.contains("step_rss_mb"))
    throw Error(Fault::failure, "bench",
                fmt::format("bench step of {}, freeze {}: {}", choice.model, choice.freeze, outcome.err));
  return row["step_rss_mb"].get<double>() * 1048576;
}

}  // namespace firn::cli
