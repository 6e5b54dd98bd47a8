#include "optim/optimizer.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <optional>

#include "engine/base/error.h"
#include "engine/base/float_mode.h"
#include "engine/base/parallel.h"
#include "engine/kernels/kernels.h"
#include "optim/state.h"

namespace firn {

namespace {

constexpr Index kUpdatePiece = 16384;                // elements that one thread updates at a time
constexpr Index kWorthOneThread = 4 * kUpdatePiece;  // fewer take no longer than another thread takes to wake
constexpr Index kGathered = 2048;                    // of a piece, where its elements do not lie together

}  // namespace

void Optimizer::cut(std::span<const GradientView> gradients) {
  pieces_.clear();
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    for (Index first = 0; first < gradients[i].count; first += kUpdatePiece) {
      pieces_.push_back({i, first, std::min(kUpdatePiece, gradients[i].count - first)});
    }
  }
  squares_.resize(pieces_.size());
}

StepReport Optimizer::step(std::span<const GradientView> gradients, const StepOptions& options) {
  const FlushSubnormals flush;
  cut(gradients);
  const ElementwiseKernels& kernel = kernels().elementwise;
  const auto pieces = static_cast<Index>(pieces_.size());
  Index elements = 0;
  for (const GradientView& gradient : gradients) elements += gradient.count;
  const auto threads = static_cast<int>(std::clamp<Index>(elements / kWorthOneThread, 1, thread_count()));
  const auto for_each_piece = [&](const Job& task) {
    parallel_region(threads, [&](Team& team, int) { team.for_each(pieces, task); });
  };
  for_each_piece([&](Index i) {
    const Piece& piece = pieces_[static_cast<std::size_t>(i)];
    squares_[static_cast<std::size_t>(i)] =
        kernel.sum_squares(piece.count, gradients[piece.which].data + piece.first);
  });
  double total = 0;
  for (std::size_t i = 0; i < pieces_.size(); ++i) {
    total += squares_[i];
    if (!std::isfinite(squares_[i])) {
      throw Error(Fault::non_finite, "optimizer",
                  fmt::format("the gradient of {} holds a NaN or an infinity",
                              gradients[pieces_[i].which].parameter->name()));
    }
  }
  const double norm = std::sqrt(total);
  const double scale =
      options.clip_norm > 0 && norm > options.clip_norm ? options.clip_norm / (norm + 1e-6) : 1;

  for (auto& [parameter, state] : states_) state.seen = false;
  jobs_.clear();
  for (const GradientView& gradient : gradients) {
    State& state = states_[gradient.parameter];
    fit(state, gradient);
    if (state.missed > 0) resume(state);
    ++state.steps;
    state.seen = true;
    const auto found = multipliers_.find(gradient.parameter);
    const double multiplier = found == multipliers_.end() ? 1 : found->second;
    jobs_.emplace_back(&state, rate() * options.rate_factor * multiplier);
  }
  if (!keep_state_) std::erase_if(states_, [](const auto& entry) { return !entry.second.seen; });
  for (auto& [parameter, state] : states_) state.missed += state.seen ? 0 : 1;

  for_each_piece([&](Index i) {
    const Piece& piece = pieces_[static_cast<std::size_t>(i)];
    const GradientView& gradient = gradients[piece.which];
    const auto& [state, rate] = jobs_[piece.which];
    if (gradient.trains != nullptr) {
      return update_part(*state, rate, scale, gradient, piece.first, piece.count);
    }
    update(*state, rate, scale, piece.first, piece.count, gradient.data + piece.first,
           gradient.parameter->mutable_value().data() + piece.first);
  });
  for (const GradientView& gradient : gradients) gradient.parameter->touch();
  return {norm};
}

/// Makes the state what the gradient wants: new, or for other units than before.
void Optimizer::fit(State& state, const GradientView& gradient) const {
  static const std::vector<UnitRange> all;
  const std::vector<UnitRange>& units = gradient.trains != nullptr ? gradient.trains->ranges : all;
  const Shape& whole = gradient.parameter->shape();
  const Shape shape = gradient.trains != nullptr ? gradient.trains->shape_in(whole) : whole;
  if (state.slots.empty()) {
    for (int i = 0; i < slots(); ++i) state.slots.emplace_back(shape);
  } else if (state.trains != units) {
    const std::optional<TrainableRanges> before =
        state.trains.empty()
            ? std::nullopt
            : std::optional<TrainableRanges>(TrainableRanges{gradient.parameter->unit_axis(), state.trains});
    for (Tensor& slot : state.slots) {
      Tensor every(whole), fitted(shape);
      for_each_trainable(before ? &*before : nullptr, whole, 0, slot.count(),
                         [&](Index at, Index place, Index count) {
                           std::copy_n(slot.data() + at, count, every.data() + place);
                         });
      for_each_trainable(gradient.trains, whole, 0, fitted.count(), [&](Index at, Index place, Index count) {
        std::copy_n(every.data() + place, count, fitted.data() + at);
      });
      slot = std::move(fitted);
    }
  }
  if (state.trains != units) state.trains = units;
}

/// Updates elements that do not lie together: gathered, updated, put back, some at a time.
void Optimizer::update_part(const State& state, double rate, double gradient_scale,
                            const GradientView& gradient, Index first, Index count) const {
  std::array<real, kGathered> values;
  real* const all = gradient.parameter->mutable_value().data();
  const Shape& whole = gradient.parameter->shape();
  for (Index begin = first; begin < first + count; begin += kGathered) {
    const Index some = std::min(kGathered, first + count - begin);
    for_each_trainable(gradient.trains, whole, begin, some, [&](Index at, Index place, Index size) {
      std::copy_n(all + place, size, values.data() + (at - begin));
    });
    update(state, rate, gradient_scale, begin, some, gradient.data + begin, values.data());
    for_each_trainable(gradient.trains, whole, begin, some, [&](Index at, Index place, Index size) {
      std::copy_n(values.data() + (at - begin), size, all + place);
    });
  }
}

/// The momentum of a parameter that trains again.
void Optimizer::resume(State& state) const {
  const int slot = momentum_slot();
  if (slot >= 0 && momentum_decay_ != 1) {
    Tensor& momentum = state.slots[static_cast<std::size_t>(slot)];
    const auto factor = static_cast<real>(std::pow(momentum_decay_, static_cast<double>(state.missed)));
    for (real& element : momentum.values()) element *= factor;
  }
  state.missed = 0;
}

const Optimizer::State* Optimizer::state(const Parameter& parameter) const {
  const auto found = states_.find(&parameter);
  return found == states_.end() ? nullptr : &found->second;
}

void Optimizer::save(std::span<const ParameterPtr> parameters, const StateWriter& to) const {
  for (const ParameterPtr& parameter : parameters) {
    const State* state = this->state(*parameter);
    if (state == nullptr) continue;
    const StateWriter part = to.part(parameter->name());
    part.whole("steps", state->steps);
    part.whole("missed", state->missed);
    if (!state->trains.empty()) part.ranges("live", state->trains);
    for (std::size_t i = 0; i < state->slots.size(); ++i) {
      part.tensor(fmt::format("slot{}", i), state->slots[i].clone());
    }
  }
}

void Optimizer::load(std::span<const ParameterPtr> parameters, const StateReader& from) {
  constexpr Index kMost = std::numeric_limits<Index>::max() / 2;
  states_.clear();
  for (const ParameterPtr& parameter : parameters) {
    const StateReader part = from.part(parameter->name());
    if (!part.has("steps")) continue;
    State state;
    state.steps = part.whole("steps", 0, kMost);
    state.missed = part.whole("missed", 0, kMost);
    Shape shape = parameter->shape();
    if (part.has("live")) {
      state.trains = part.ranges("live", parameter->units());
      if (state.trains.empty() || parameter->unit_axis() < 0) part.fail("live", "cannot be a part of it");
      shape = TrainableRanges{parameter->unit_axis(), state.trains}.shape_in(shape);
    }
    for (int i = 0; i < slots(); ++i) {
      state.slots.push_back(part.tensor(fmt::format("slot{}", i), shape).clone());
    }
    states_[parameter.get()] = std::move(state);
  }
}

Index Optimizer::state_bytes() const {
  Index bytes = 0;
  for (const auto& [parameter, state] : states_) {
    for (const Tensor& slot : state.slots) bytes += slot.bytes();
  }
  return bytes;
}

}  // namespace firn
