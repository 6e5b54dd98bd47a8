#include "engine/program/program.h"
#include "engine/program/planner.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "engine/base/communicator.h"
#include "engine/base/error.h"
#include "engine/base/float_mode.h"
#include "engine/base/parallel.h"
#include "engine/base/seconds.h"
#include "engine/program/fuse.h"
#include "engine/program/lower.h"
#include "engine/program/select.h"

namespace firn {

namespace {

/// The nodes that `wanted` need, directly or not.
std::vector<bool> needed(const Graph& graph, const std::vector<Value>& wanted) {
  std::vector<bool> used(graph.nodes().size(), false);
  for (const Value& value : wanted) used[value.node->index()] = true;
  for (const auto& node : graph.nodes()) {
    if (node->assigns()) used[node->index()] = true;
  }
  for (std::size_t i = used.size(); i-- > 0;) {
    if (!used[i]) continue;
    for (const Value& input : graph.nodes()[i]->inputs()) used[input.node->index()] = true;
  }
  return used;
}

}  // namespace

struct Program::Turn {
  std::mutex guard;
};

Program::Program(std::unique_ptr<Graph> graph, ProgramOptions options, bool training)
    : graph_(std::move(graph)), options_(std::move(options)), training_(training) {
  if (!options_.workspace) options_.workspace = std::make_shared<Workspace>();
  if (options_.kernels == nullptr) options_.kernels = &firn::kernels();
}

Program::~Program() = default;

std::unique_ptr<Program> Program::inference(std::unique_ptr<Graph> graph, ProgramOptions options) {
  std::unique_ptr<Program> program(new Program(std::move(graph), std::move(options), false));
  program->compile();
  return program;
}

std::unique_ptr<Program> Program::training(std::unique_ptr<Graph> graph, Value loss, ProgramOptions options) {
  std::unique_ptr<Program> program(new Program(std::move(graph), std::move(options), true));
  program->derivatives_ = differentiate(*program->graph_, loss);
  program->compile();
  return program;
}

void Program::compile() {
  select(*graph_, kernels());
  std::vector<Value> keep;
  for (const auto& [name, value] : graph_->outputs()) keep.push_back(value);
  for (const ParameterGradient& gradient : derivatives_.gradients) keep.push_back(gradient.value);
  if (options_.keep_values) keep_values(keep);
  std::vector<bool> used = needed(*graph_, keep);
  // What nobody can read keeps its place in the graph, but a feed must exist to be fed.
  for (const auto& node : graph_->nodes()) {
    if (node->is_feed()) used[node->index()] = true;
  }
  if (options_.fuse && !options_.keep_values) fuse(*graph_, used, keep);
  lower(*graph_, used, keep, kernels());
  std::vector<Value> gradients;
  for (const ParameterGradient& gradient : derivatives_.gradients) gradients.push_back(gradient.value);
  plan_ = make_plan(*graph_, used, keep,
                    {options_.slice_rows, options_.kernels, training_, std::move(gradients),
                     options_.ranks != nullptr && options_.ranks->ranks() > 1});

  sources_.assign(plan_.sources.size(), nullptr);
  fed_.resize(plan_.sources.size());
  computed_once_.resize(plan_.sources.size());
  for (std::size_t i = 0; i < plan_.sources.size(); ++i) {
    const Value value = plan_.sources[i];
    if (value.node->op() != nullptr) {
      const bool parts = value.spec().axis == Axis::slice;
      const Shape shape = parts ? Shape{plan_.slices, value.shape().count()} : value.shape();
      computed_once_[i] = Tensor(shape, value.spec().type);
      sources_[i] = computed_once_[i].raw();
    } else if (value.node->constant().defined()) {
      sources_[i] = const_cast<void*>(value.node->constant().raw());
    }
  }
  for (const Step& step : plan_.once) {
    for (const Value& input : step.node->inputs()) {
      const Node& source = *behind_views(input).node;
      if (source.parameter()) versions_.emplace_back(source.parameter().get(), 0);
    }
  }
  for (const ParameterGradient& gradient : derivatives_.gradients) {
    const TrainableRanges* part = gradient.trains ? &*gradient.trains : nullptr;
    gradients_.push_back({gradient.parameter.get(), nullptr, gradient.value.shape().count(), part});
  }
  if (options_.trace) first_label_ = options_.trace->introduce(plan_.steps);
  if (options_.ranks != nullptr && options_.ranks->ranks() > 1) {
    std::vector<Value> outputs;
    for (const auto& [name, value] : graph_->outputs()) outputs.push_back(value);
    exchanging_ = std::make_unique<Turn>();
    exchange_ = std::make_unique<RankExchange>(plan_, outputs, !training_, options_.ranks->rank(),
                                               options_.ranks->ranks());
  }
  step_times_.assign(plan_.steps.size(), 0);
  for (const Step& step : plan_.steps) {
    const Cost cost = step.node->op()->cost(*step.node);
    work_seconds_ += cost.macs / 2e10 + cost.bytes / 2e10;
  }
}

void Program::keep_values(std::vector<Value>& keep) {
  std::map<ValueKey, Value> gradient_of;
  for (const ValueGradient& one : derivatives_.values) gradient_of[key_of(one.value)] = one.gradient;
  for (const auto& node : graph_->nodes()) {
    const bool shown =
        node->op() != nullptr && node->pass() == Pass::forward && node->op()->traits().differentiable;
    if (!shown || node->outputs()[0].axis == Axis::slice || node->outputs()[0].type != DType::number)
      continue;
    const Value value{node.get(), 0};
    const auto gradient = gradient_of.find(key_of(value));
    values_.push_back({value, gradient != gradient_of.end() ? gradient->second : Value{}});
    keep.push_back(value);
    if (values_.back().gradient) keep.push_back(values_.back().gradient);
  }
}

void Program::feed(std::string_view name, const Tensor& tensor) {
  for (std::size_t i = 0; i < plan_.sources.size(); ++i) {
    const Value value = plan_.sources[i];
    if (!value.node->is_feed() || value.node->label() != name) continue;
    if (tensor.shape() != value.shape() || tensor.type() != value.spec().type) {
      throw Error(Fault::usage, "feed",
                  fmt::format("{} is {} here, the program wants {}{}", name, tensor.shape().text(),
                              value.shape().text(),
                              tensor.type() == value.spec().type ? "" : " of another element type"));
    }
    fed_[i] = tensor;
    sources_[i] = fed_[i].raw();
    return;
  }
  throw Error(Fault::usage, "feed", fmt::format("the program has no feed {}", name));
}

const void* Program::fed(std::string_view name) const {
  for (std::size_t i = 0; i < plan_.sources.size(); ++i) {
    const Node& node = *plan_.sources[i].node;
    if (node.is_feed() && node.label() == name) return sources_[i];
  }
  return nullptr;
}

int Program::threads_of(int threads) const {
  if (options_.every_thread) return threads;
  constexpr double kWorthOneThread = 40e-6;  // seconds, guessed; it takes as long to wake a thread
  const double useful = work_seconds_ / kWorthOneThread;
  return std::clamp(useful < 1e6 ? static_cast<int>(useful) : 1'000'000, 1, threads);
}

void Program::bind(int threads) {
  const auto members = static_cast<std::size_t>(threads);
  std::byte* base = options_.workspace->reserve(static_cast<std::size_t>(arena_bytes(threads)));
  shared_ = base;
  local_ = base + plan_.shared_bytes;
  if (pointers_.size() < members * plan_.most_operands) pointers_.resize(members * plan_.most_operands);
  for (std::size_t i = 0; i < plan_.sources.size(); ++i) {
    const Node& node = *plan_.sources[i].node;
    if (node.parameter()) sources_[i] = node.parameter()->mutable_value().raw();
    if (node.is_feed() && sources_[i] == nullptr) {
      throw Error(Fault::usage, "run",
                  fmt::format("feed {} {} is missing", node.label(), plan_.sources[i].shape().text()));
    }
  }
  for (std::size_t i = 0; i < gradients_.size(); ++i) {
    gradients_[i].data = static_cast<real*>(place_of(derivatives_.gradients[i].value));
  }
}

void* Program::resolve(const Operand& operand, int member, Index slice) const {
  switch (operand.base) {
    case Operand::Base::nowhere:
      return nullptr;
    case Operand::Base::shared:
      return shared_ + operand.offset + slice * operand.stride;
    case Operand::Base::local:
      return local_ + member * plan_.local_bytes + operand.offset;
    case Operand::Base::absolute:
      return static_cast<std::byte*>(sources_[static_cast<std::size_t>(operand.offset)]) +
             slice * operand.stride;
  }
  return nullptr;
}

void Program::run_step(const Step& step, int member, Index slice, Index unit, std::uint64_t number) {
  void** inputs = pointers_.data() + static_cast<std::size_t>(member) * plan_.most_operands;
  void** outputs = inputs + step.inputs.size();
  const bool sliced = step.cut.kind == Cut::Kind::slices, own = exchange_ && step.cut.by_rows;
  const Index first = own ? exchange_->first_slice() : slice;
  const Index count = sliced ? 1 : own ? exchange_->own_slices() : plan_.slices;
  for (std::size_t i = 0; i < step.inputs.size(); ++i) inputs[i] = resolve(step.inputs[i], member, first);
  for (std::size_t i = 0; i < step.outputs.size(); ++i) outputs[i] = resolve(step.outputs[i], member, first);
  const Index row = first * plan_.slice_rows;
  const Index rows = std::min(count * plan_.slice_rows, plan_.batch - row);
  auto* scratch = reinterpret_cast<real*>(local_ + member * plan_.local_bytes + plan_.scratch_offset);
  step.node->op()->run({*step.node, inputs, outputs, rows, row, unit, plan_.slices, plan_.slice_rows, scratch,
                        number, rows_before_, kernels()});
}

void Program::run_once() {
  bool stale = !once_done_;
  for (auto& [parameter, version] : versions_) {
    stale = stale || parameter->version() != version;
    version = parameter->version();
  }
  if (!stale) return;
  for (const Step& step : plan_.once) {
    const Index calls = step.cut.kind == Cut::Kind::slices ? plan_.slices : step.cut.tasks;
    for (Index i = 0; i < calls; ++i) {
      const bool sliced = step.cut.kind == Cut::Kind::slices;
      run_step(step, 0, sliced ? i : 0, sliced ? 0 : i, 0);
    }
  }
  counters_.once += plan_.once.size();
  once_done_ = true;
}

void Program::exchange(std::size_t group) {
  const std::lock_guard guard(exchanging_->guard);
  if (exchange_failed_) return;
  try {
    exchange_->run(group, shared_, *options_.ranks);
  } catch (...) {
    exchange_failed_ = std::current_exception();  // nothing is thrown through a parallel region
  }
}

void Program::advance_exchange() {
  const std::unique_lock guard(exchanging_->guard, std::try_to_lock);
  if (!guard.owns_lock() || exchange_failed_) return;
  try {
    exchange_->advance(*options_.ranks);
  } catch (...) {
    exchange_failed_ = std::current_exception();
  }
}

std::vector<RankTraffic> Program::traffic(int ranks) const {
  return RankExchange(plan_, {}, false, 0, ranks).traffic();
}

void Program::run(std::uint64_t number) {
  const FlushSubnormals flush;
  // By the same rough guess: what takes longer is cut into enough pieces, and would lose much by a trial on
  // one.
  constexpr double kSmall = 0.1;
  const bool tried = !options_.every_thread && work_seconds_ < kSmall;
  const int useful = threads_of(thread_count());
  const int threads = tried ? trial_.next(useful) : useful;
  bind(threads);
  run_once();

  const bool traced = options_.trace != nullptr && options_.trace->begin_run(threads);
  const double begin = seconds_now();
  if (timing_) member_times_.assign(static_cast<std::size_t>(threads) * plan_.steps.size(), 0);

  const Index first_slice = exchange_ ? exchange_->first_slice() : 0;
  const Index own_slices = exchange_ ? exchange_->own_slices() : plan_.slices;
  parallel_region(threads, [&](Team& team, int member) {
    for (std::size_t g = 0; g < plan_.groups.size(); ++g) {
      const Group& group = plan_.groups[g];
      if (exchange_ && exchange_->any(g)) team.for_each(1, [&](Index) { exchange(g); });
      const auto compute = [&](int index, Index slice, Index unit) {
        const auto i = static_cast<std::size_t>(index);
        if (!timing_ && !traced) return run_step(plan_.steps[i], member, slice, unit, number);
        const double called = seconds_now();
        run_step(plan_.steps[i], member, slice, unit, number);
        const double ended = seconds_now();
        if (traced) options_.trace->add(member, first_label_ + i, slice, unit, called, ended);
        if (!timing_) return;
        member_times_[static_cast<std::size_t>(member) * plan_.steps.size() + i] += ended - called;
      };
      const auto call = [&](int index, Index slice, Index unit) {
        compute(index, slice, unit);
        if (exchange_ && exchange_->under_way()) advance_exchange();
      };
      if (group.per_slice) {
        team.for_each(own_slices, [&](Index slice) {
          for (const int step : group.steps) call(step, first_slice + slice, 0);
        });
      } else {
        team.for_each(group.first_task.back(), [&](Index unit) {
          const auto after = std::upper_bound(group.first_task.begin(), group.first_task.end(), unit);
          const auto which = static_cast<std::size_t>(after - group.first_task.begin()) - 1;
          const Index task = unit - group.first_task[which];
          if (exchange_ && !exchange_->is_own(group.steps[which], task)) return;
          call(group.steps[which], 0, task);
        });
      }
    }
    if (exchange_ && exchange_->any(plan_.groups.size()))
      team.for_each(1, [&](Index) { exchange(plan_.groups.size()); });
  });
  if (exchange_failed_) std::rethrow_exception(exchange_failed_);

  if (tried) trial_.ran(seconds_since(begin));
  for (const auto& node : graph_->nodes()) {
    if (node->assigns()) node->assigns()->touch();
  }
  if (timing_) ++timed_runs_;
  for (std::size_t i = 0; i < member_times_.size(); ++i)
    step_times_[i % plan_.steps.size()] += member_times_[i];
  ++counters_.runs;
  counters_.kernels = plan_.steps.size();
  counters_.barriers = plan_.groups.size();
}

void Program::set_timing(bool on) {
  timing_ = on;
  timed_runs_ = 0;
  member_times_.clear();
  std::fill(step_times_.begin(), step_times_.end(), 0.0);
}

const Value& Program::find_output(std::string_view name) const {
  for (const auto& [known, value] : graph_->outputs()) {
    if (known != name) continue;
    if (exchange_ && training_ && value.spec().axis == Axis::batch) {
      throw Error(
          Fault::usage, "output",
          fmt::format("of {} each of the ranks has its own rows: an inference program has all", name));
    }
    return value;
  }
  throw Error(Fault::usage, "output", fmt::format("the program has no output {}", name));
}

void* Program::place_of(Value value) const {
  return resolve(plan_.place_of(value), 0, 0);
}

std::span<real> Program::gradient_region() const {
  if (shared_ == nullptr) return {};
  return {reinterpret_cast<real*>(shared_ + plan_.gradient_offset),
          static_cast<std::size_t>(plan_.gradient_bytes) / sizeof(real)};
}

const real* Program::output_data(std::string_view name) const {
  return static_cast<const real*>(place_of(find_output(name)));
}

Tensor Program::output(std::string_view name) const {
  const Value& value = find_output(name);
  Tensor result(value.shape());
  std::copy_n(output_data(name), result.count(), result.data());
  return result;
}

}  // namespace firn
