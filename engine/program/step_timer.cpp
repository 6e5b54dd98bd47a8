#include "engine/program/step_timer.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <numeric>

#include "engine/base/parallel.h"
#include "engine/base/rng.h"
#include "engine/base/seconds.h"
#include "engine/tensor/workspace.h"

namespace firn {

namespace {

constexpr double kEnough = 5e-3, kMost = 50e-3;  // seconds of samples of one step
constexpr std::size_t kFewest = 5, kUsual = 11;
constexpr std::size_t kMostSamples = 1000;
constexpr double kMostBytes = 64 << 20;  // that an operand walks through
constexpr Index kPattern = 1 << 16;      // random numbers, repeated over the memory

/// What reading that clock takes itself.
double clock_cost() {
  static const double cost = [] {
    double least = 1;
    for (int i = 0; i < 200; ++i) {
      const double begin = thread_seconds();
      least = std::min(least, thread_seconds() - begin);
    }
    return least;
  }();
  return cost;
}

Index padded(Index bytes) {
  return (bytes + 63) / 64 * 64;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Places of one operand, gone through in turn.
struct Turns {
  std::byte* first = nullptr;
  Index bytes = 0, count = 1, at = 0;
  std::byte* next() {
    std::byte* place = first + at * bytes;
    at = (at + 1) % count;
    return place;
  }
};

/// Memory that is handed out piece by piece, from its beginning again when the end is reached: so it is long
/// ago that a piece was used.
class Ring {
 public:
  /// `huge`: as programs have their arena; else as tensors lie.
  explicit Ring(bool huge) : huge_(huge) {}

  /// Makes room for a step's operands; what is new of it is filled by repeating `pattern`.
  void begin(Index bytes, const Tensor& pattern) {
    const Index wanted = std::max(bytes, Index{1} << 20);
    if (wanted > size_) {
      size_ = wanted;
      if (huge_) {
        base_ = arena_.reserve(static_cast<std::size_t>(size_));
      } else {
        tensor_ = Tensor(Shape{size_ / static_cast<Index>(sizeof(real)) + 1});
        base_ = static_cast<std::byte*>(tensor_.raw());
      }
      repeat(pattern, base_, size_);
      used_ = 0;
    }
    if (used_ + bytes > size_) used_ = 0;
  }
  std::byte* take(Index bytes) {
    std::byte* place = base_ + used_;
    used_ += bytes;
    return place;
  }
  static void repeat(const Tensor& pattern, std::byte* to, Index bytes) {
    for (Index at = 0; at < bytes; at += pattern.bytes())
      std::memcpy(to + at, pattern.raw(), static_cast<std::size_t>(std::min(bytes - at, pattern.bytes())));
  }

 private:
  bool huge_;
  Workspace arena_;
  Tensor tensor_;
  std::byte* base_ = nullptr;
  Index size_ = 0, used_ = 0;
};

}  // namespace

double sampled_seconds(Index calls, const std::function<double()>& sample) {
  std::vector<double> times;
  for (double spent = 0; times.size() < kFewest || (times.size() < kMostSamples && spent < kMost &&
                                                    (times.size() < kUsual || spent < kEnough));) {
    times.push_back(sample());
    spent += times.back() * static_cast<double>(calls);
  }
  return median(std::move(times));
}

/// One thread's memory, and the operands of the step that it runs.
class StepTimer::Bench {
 public:
  Bench() : pattern_(Shape{kPattern}) {
    Random random(1, "price");
    for (real& value : pattern_.values()) value = static_cast<real>(random.uniform(-1, 1));
  }

  void prepare(const Program& program, const Step& step, const Reuse& reuse) {
    program_ = &program;
    step_ = &step;
    node_ = step.node;
    sliced_ = step.cut.kind == Cut::Kind::slices;
    const Plan& plan = program.plan();
    rows_ = sliced_ ? plan.slice_rows : plan.batch;
    inputs_.assign(step.inputs.size(), {});
    outputs_.assign(step.outputs.size(), {});
    in_.assign(step.inputs.size(), nullptr);
    out_.assign(step.outputs.size(), nullptr);

    double touched = 1;
    for_each(reuse, [&](Turns& turns, const Operand&, const Spec& spec, Index) {
      turns.bytes = padded(bytes_of_call(plan, spec, sliced_));
      touched += static_cast<double>(turns.bytes);
    });
    std::map<Ring*, Index> bytes;
    const Index scratch = padded(node_->op()->schedule(*node_, rows_, program_->kernels()).scratch *
                                 static_cast<Index>(sizeof(real)));
    bytes[&written_] = scratch;
    for_each(reuse, [&](Turns& turns, const Operand& operand, const Spec& spec, Index old) {
      if (spec.type == DType::number && !is_overwritten(turns)) {
        const double most = std::max(1.0, kMostBytes / (static_cast<double>(turns.bytes) + 1));
        turns.count = static_cast<Index>(std::clamp(static_cast<double>(old) / touched, 1.0, most));
      }
      bytes[&ring_of(turns, operand, spec)] += turns.count * turns.bytes;
    });
    for (const auto& [ring, count] : bytes) ring->begin(count, pattern_);
    scratch_ = reinterpret_cast<real*>(written_.take(scratch));
    for_each(reuse, [&](Turns& turns, const Operand& operand, const Spec& spec, Index) {
      turns.first = ring_of(turns, operand, spec).take(turns.count * turns.bytes);
      // Zeros are a valid place in every window and a valid label.
      if (spec.type != DType::number) std::memset(turns.first, 0, static_cast<std::size_t>(turns.bytes));
    });
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const Value value = behind_views(node_->inputs()[i]);
      if (value.spec().type != DType::int32) continue;
      const void* fed = value.node->constant().defined() ? value.node->constant().raw()
                        : value.node->is_feed()          ? program.fed(value.node->label())
                                                         : nullptr;
      if (fed != nullptr)
        std::memcpy(inputs_[i].first, fed,
                    static_cast<std::size_t>(bytes_of_call(plan, value.spec(), sliced_)));
    }
  }

  /// Seconds of a call: of many, each in the next places; or of `calls` tasks in the same ones.
  double sample(Index calls, Index first, Index stride) {
    place();
    const double begin = thread_seconds();
    for (Index i = 0; i < calls; ++i) call((first + i * stride) % step_->cut.tasks);
    return (thread_seconds() - begin - clock_cost()) / static_cast<double>(calls);
  }

 private:
  template <class F>
  void for_each(const Reuse& reuse, const F& f) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (step_->inputs[i].base != Operand::Base::nowhere)
        f(inputs_[i], step_->inputs[i], node_->inputs()[i].spec(), reuse.inputs[i]);
    }
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      if (step_->outputs[i].base != Operand::Base::nowhere)
        f(outputs_[i], step_->outputs[i], node_->outputs()[i], reuse.outputs[i]);
    }
  }

  bool is_input(const Turns& turns) const {
    return &turns >= inputs_.data() && &turns < inputs_.data() + inputs_.size();
  }

  bool is_overwritten(const Turns& turns) const {
    if (!is_input(turns)) return false;
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      if (overwrites(o, static_cast<std::size_t>(&turns - inputs_.data()))) return true;
    }
    return false;
  }

  /// What is read alone stays as it was filled.
  Ring& ring_of(const Turns& turns, const Operand& operand, const Spec& spec) {
    if (!is_input(turns) || is_overwritten(turns) || spec.type != DType::number) return written_;
    return operand.base == Operand::Base::absolute ? tensors_ : read_;
  }

  void place() {
    for (std::size_t i = 0; i < in_.size(); ++i)
      in_[i] = inputs_[i].first != nullptr ? inputs_[i].next() : nullptr;
    for (std::size_t o = 0; o < out_.size(); ++o) {
      out_[o] = outputs_[o].first != nullptr ? outputs_[o].next() : nullptr;
      for (std::size_t i = 0; i < in_.size(); ++i) {
        if (!overwrites(o, i)) continue;
        Ring::repeat(pattern_, inputs_[i].first, inputs_[i].bytes);
        out_[o] = inputs_[i].first;
      }
    }
  }

  /// Whether output o lies where input i does.
  bool overwrites(std::size_t o, std::size_t i) const {
    const Operand &in = step_->inputs[i], &out = step_->outputs[o];
    const bool memory = in.base == Operand::Base::shared || in.base == Operand::Base::local;
    return memory && in.base == out.base && in.offset == out.offset;
  }

  void call(Index unit) {
    const Plan& plan = program_->plan();
    node_->op()->run({*node_, in_.data(), out_.data(), rows_, 0, sliced_ ? 0 : unit, plan.slices,
                      plan.slice_rows, scratch_, 0, 0, program_->kernels()});
  }

  Tensor pattern_;
  Ring read_{true}, written_{true}, tensors_{false};
  const Program* program_ = nullptr;
  const Step* step_ = nullptr;
  const Node* node_ = nullptr;
  bool sliced_ = false;
  Index rows_ = 0;
  real* scratch_ = nullptr;
  std::vector<Turns> inputs_, outputs_;
  std::vector<const void*> in_;
  std::vector<void*> out_;
};

StepTimer::StepTimer(int threads) {
  for (int i = 0; i < threads; ++i) benches_.push_back(std::make_unique<Bench>());
}

StepTimer::~StepTimer() = default;

double StepTimer::measure(const Program& program, const Step& step, const Reuse& reuse) {
  const auto threads = static_cast<Index>(benches_.size());
  const Index tasks = step.cut.kind == Cut::Kind::slices ? 1 : step.cut.tasks;
  std::vector<double> results(benches_.size(), 0);
  for (const auto& bench : benches_) bench->prepare(program, step, reuse);
  const auto measure_one = [&](Index member) {
    Bench& bench = *benches_[static_cast<std::size_t>(member)];
    const double first = bench.sample(1, member, threads);
    const auto fit = static_cast<Index>(kMost / 4 / std::max(first, 1e-9));
    const Index calls = std::clamp<Index>(fit, 1, std::max<Index>(1, tasks / threads));
    results[static_cast<std::size_t>(member)] =
        sampled_seconds(calls, [&] { return bench.sample(calls, member, threads); });
  };
  parallel_region(static_cast<int>(threads),
                  [&](Team& team, int) { team.for_each(threads, [&](Index i) { measure_one(i); }); });
  return std::max(0.0, std::accumulate(results.begin(), results.end(), 0.0) / static_cast<double>(threads));
}

}  // namespace firn
