#include "tools/app/explain/step_values.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/base/rng.h"
#include "engine/program/program.h"
#include "layers/training_graph.h"
#include "optim/trainer/feed.h"
#include "tools/app/run/options.h"

namespace firn::cli {

namespace {

constexpr real kNone = std::numeric_limits<real>::quiet_NaN();

/// Numbers that lie as the parameter's memory does, in the layout of files.
std::vector<real> in_file_order(const Parameter& parameter, const real* numbers) {
  Tensor tensor(parameter.shape());
  std::copy_n(numbers, tensor.count(), tensor.data());
  const Tensor file = Parameter(parameter.name(), tensor, parameter.role(), parameter.layout()).to_file();
  return {file.data(), file.data() + file.count()};
}

/// The place in memory of a place in files.
Index place_in_memory(const Parameter& parameter, Index place) {
  if (parameter.value().count() > (Index{1} << 24)) {
    throw Error(Fault::usage, "nudge",
                fmt::format("{} {} has more than 2^24 numbers", parameter.name(), parameter.shape().text()));
  }
  std::vector<real> numbers(static_cast<std::size_t>(parameter.value().count()));
  std::iota(numbers.begin(), numbers.end(), real(0));
  return static_cast<Index>(in_file_order(parameter, numbers.data())[static_cast<std::size_t>(place)]);
}

/// Gives a model its numbers back, running statistics among them.
class KeptNumbers {
 public:
  explicit KeptNumbers(const Model& model) {
    for (const NamedParameter& p : model.parameters())
      kept_.emplace(p.parameter.get(), p.parameter->value().clone());
  }
  ~KeptNumbers() {
    for (auto& [parameter, value] : kept_) {
      std::copy_n(value.data(), value.count(), parameter->mutable_value().data());
      parameter->touch();
    }
  }
  KeptNumbers(const KeptNumbers&) = delete;
  KeptNumbers& operator=(const KeptNumbers&) = delete;

 private:
  std::map<Parameter*, Tensor> kept_;
};

}  // namespace

bool GradientCheck::agrees() const {
  return std::abs(gradient - difference) <= bound;
}

StepValues::Checked StepValues::checked() const {
  Checked checked;
  for (const SeenParameter& part : parameters) {
    checked.all += static_cast<Index>(part.checks.size());
    for (const GradientCheck& check : part.checks) checked.agree += check.agrees();
  }
  return checked;
}

std::string text_of_checks(const StepValues& seen) {
  const StepValues::Checked checked = seen.checked();
  return fmt::format("{} of {} gradients checked lie within the bound of their central differences{}",
                     checked.agree, checked.all,
                     checked.agree < checked.all ? "; outside of it many ReLUs turn near that place" : "");
}

class StepRun::Work {
 public:
  Work(Model& model, const ProgramSettings& settings, const Batch& batch)
      : model_(model), settings_(settings), batch_(batch), frozen_(model.freeze_set()) {
    for (const NamedParameter& p : model.parameters()) trains_ = trains_ || frozen_.trains(*p.parameter);
    program_ = compile(frozen_);
  }

  StepValues look(Optimizer& optimizer, Index checks) {
    run();
    StepValues seen;
    seen.samples = batch_.count;
    seen.loss = loss();
    seen.optimizer = optimizer.text();
    for (const ValueGradient& one : program_->values()) seen.values.push_back(value_of(one));
    for (const NamedParameter& p : model_.parameters()) {
      if (p.parameter->role() == Role::statistic) continue;
      SeenParameter part;
      part.name = p.name;
      part.block = model_.block_of(p.name);
      part.frozen = frozen_.text(*p.parameter);
      part.shape = p.parameter->file_shape();
      part.value = in_file_order(*p.parameter, p.parameter->value().data());
      part.gradient = gradient_of(*program_, *p.parameter);
      seen.parameters.push_back(std::move(part));
    }
    take_updates(seen, optimizer);
    if (!frozen_.empty()) take_unfrozen(seen);
    for (SeenParameter& part : seen.parameters) check(part, checks);
    return seen;
  }

  double loss_with(const std::string& name, Index place, double delta) {
    Parameter& parameter = find(name);
    real& number = parameter.mutable_value().data()[place_in_memory(parameter, place)];
    const real kept = number;
    number = static_cast<real>(static_cast<double>(kept) + delta);
    parameter.touch();
    run();
    const double result = loss();
    number = kept;
    parameter.touch();
    return result;
  }

  const Program& program() const { return *program_; }

  double gradient_at(const std::string& name, Index place) {
    run();
    const std::vector<real> all = gradient_of(*program_, find(name));
    return all.empty() ? static_cast<double>(kNone)
                       : static_cast<double>(all[static_cast<std::size_t>(place)]);
  }

 private:
  std::unique_ptr<Program> compile(const FreezeSet& freeze) {
    ProgramOptions options;
    options.keep_values = true;
    const Mode mode = trains_ || freeze.empty() ? Mode::train : Mode::infer;
    TrainingGraph built = training_graph(model_, *settings_.task, batch_.count, batch_.x.shape().tail(1),
                                         graph_options(settings_, freeze, mode), settings_.loss);
    return mode == Mode::train ? Program::training(std::move(built.graph), built.loss, options)
                               : Program::inference(std::move(built.graph), options);
  }

  void feed_and_run(Program& program) {
    feed_batch(program, model_, batch_);
    program.feed("targets", batch_.targets);
    program.run();
  }
  void run() { feed_and_run(*program_); }
  double loss() const { return static_cast<double>(*program_->output_data("loss")); }

  Parameter& find(const std::string& name) const {
    for (const NamedParameter& p : model_.parameters()) {
      if (p.name == name) return *p.parameter;
    }
    throw Error(Fault::usage, "nudge", fmt::format("the model has no parameter {}", name));
  }

  SeenValue value_of(const ValueGradient& one) const {
    const auto numbers = [&](Value value) {
      const real* const data = program_->data_of(value);
      return std::vector<real>(data, data + value.shape().count());
    };
    SeenValue seen{one.value.node->label(), one.value.node->kind(), one.value.node->block(),
                   one.value.shape(),       numbers(one.value),     {}};
    if (one.gradient) seen.gradient = numbers(one.gradient);
    return seen;
  }

  /// Of the whole parameter, in the layout of files.
  static std::vector<real> gradient_of(const Program& program, const Parameter& parameter) {
    for (const GradientView& view : program.gradients()) {
      if (view.parameter != &parameter) continue;
      std::vector<real> whole(static_cast<std::size_t>(parameter.value().count()), kNone);
      for_each_trainable(view.trains, parameter.shape(), 0, view.count,
                         [&](Index at, Index place, Index count) {
                           std::copy_n(view.data + at, count, whole.data() + place);
                         });
      return in_file_order(parameter, whole.data());
    }
    return {};
  }

  void take_updates(StepValues& seen, Optimizer& optimizer) {
    if (!trains_) return;
    const KeptNumbers kept(model_);
    optimizer.step(program_->gradients());
    for (SeenParameter& part : seen.parameters) {
      Parameter& parameter = find(part.name);
      part.update = in_file_order(parameter, parameter.value().data());
      for (std::size_t i = 0; i < part.update.size(); ++i) part.update[i] -= part.value[i];
    }
  }

  void take_unfrozen(StepValues& seen) {
    const KeptNumbers kept(model_);  // the norms move their statistics
    const std::unique_ptr<Program> program = compile(FreezeSet());
    feed_and_run(*program);
    for (SeenParameter& part : seen.parameters) {
      if (!part.frozen.empty()) part.without_freeze = gradient_of(*program, find(part.name));
    }
  }

  /// The largest gradient, and others that are drawn.
  void check(SeenParameter& part, Index checks) {
    std::vector<Index> places;
    for (std::size_t i = 0; i < part.gradient.size(); ++i) {
      if (!std::isnan(part.gradient[i])) places.push_back(static_cast<Index>(i));
    }
    if (places.empty() || checks < 1 || part.value.size() > (std::size_t{1} << 24)) return;
    const auto size = [&](Index place) { return std::abs(part.gradient[static_cast<std::size_t>(place)]); };
    std::iter_swap(places.begin(), std::max_element(places.begin(), places.end(),
                                                    [&](Index a, Index b) { return size(a) < size(b); }));
    Random random(settings_.seed, "checked gradients of " + part.name);
    if (places.size() > 1) shuffle(places.data() + 1, static_cast<Index>(places.size()) - 1, random);
    places.resize(std::min(places.size(), static_cast<std::size_t>(checks)));
    for (const Index place : places) part.checks.push_back(checked(part, place));
  }

  GradientCheck checked(const SeenParameter& part, Index place) {
    const auto i = static_cast<std::size_t>(place);
    double squares = 0;
    for (const real number : part.value) squares += static_cast<double>(number) * static_cast<double>(number);
    const double typical = std::sqrt(squares / static_cast<double>(part.value.size()));
    // Of the size of the parameter's numbers, so that few ReLUs turn within it.
    const double width =
        std::max(5e-2 * std::max(std::abs(static_cast<double>(part.value[i])), typical), 1e-3);
    const double here = loss_with(part.name, place, 0);
    struct Slopes {
      double mean, jump;  // of both sides' slopes: their mean, their difference
    };
    const auto slopes = [&](double h) {
      const double above = (loss_with(part.name, place, h) - here) / h;
      const double below = (here - loss_with(part.name, place, -h)) / h;
      return Slopes{(above + below) / 2, above - below};
    };
    const Slopes wide = slopes(width), middle = slopes(width / 2), narrow = slopes(width / 4);
    // Of a smooth loss the jump halves with the width; what does not is where a ReLU turns.
    const double turn = std::abs(2 * narrow.jump - middle.jump);
    // A loss is right to a few units in its last place, and so is the weight that was moved.
    const double unit = static_cast<double>(std::numeric_limits<real>::epsilon());
    const double rounding = 16 * unit * std::max(1.0, std::abs(here)) / width;
    return {place, static_cast<double>(part.gradient[i]), (4 * narrow.mean - middle.mean) / 3,
            std::abs(narrow.mean - middle.mean) + std::abs(middle.mean - wide.mean) / 4 + turn + rounding};
  }

  Model& model_;
  ProgramSettings settings_;
  const Batch& batch_;
  FreezeSet frozen_;
  bool trains_ = false;
  std::unique_ptr<Program> program_;
};

StepRun::StepRun(Model& model, const ProgramSettings& settings, const Batch& batch)
    : work_(std::make_unique<Work>(model, settings, batch)) {}
StepRun::~StepRun() = default;

StepValues StepRun::look(Optimizer& optimizer, Index checks) {
  return work_->look(optimizer, checks);
}
double StepRun::loss_with(const std::string& parameter, Index place, double delta) {
  return work_->loss_with(parameter, place, delta);
}
const Program& StepRun::program() const {
  return work_->program();
}
double StepRun::gradient_at(const std::string& parameter, Index place) {
  return work_->gradient_at(parameter, place);
}

}  // namespace firn::cli
