#include "optim/trainer/freezer.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "engine/base/error.h"
#include "optim/state.h"
#include "optim/trainer/history.h"

namespace firn {

std::vector<PolicyBlock> policy_blocks(const Model& model) {
  std::vector<PolicyBlock> shown;
  for (int number = 0; number < static_cast<int>(model.blocks().size()); ++number) {
    PolicyBlock block{number, model.blocks()[static_cast<std::size_t>(number)].name, {}};
    bool any = false;
    for (const NamedParameter& p : model.block_parameters(number)) {
      if (!p.parameter->trainable()) continue;
      block.parameters.push_back(p.parameter.get());
      any = any || p.parameter->role() != Role::statistic;
    }
    if (any) shown.push_back(std::move(block));
  }
  return shown;
}

Freezer::Freezer(Model& model, Optimizer& optimizer, FreezerOptions options)
    : model_(model), optimizer_(optimizer), options_(std::move(options)), policy_(options_.policy) {
  shown_ = policy_blocks(model);
  set_ = kept_ = model.freeze_set();
  int trained = 0;  // blocks so far
  std::map<const Parameter*, int> owner;
  for (int number = 0; number < static_cast<int>(model.blocks().size()); ++number) {
    Block block;
    for (const NamedParameter& p : model.block_parameters(number)) {
      block.parameters.push_back(p.parameter);
      const auto [first, is_new] = owner.emplace(p.parameter.get(), number);
      if (!is_new && first->second != number && policy_) {
        throw Error(Fault::usage, "policy",
                    fmt::format("{} shares a parameter with block {}: no policy can freeze one alone", p.name,
                                model.blocks()[static_cast<std::size_t>(first->second)].name));
      }
    }
    block.trains = any_trains(block, set_);
    place_.push_back(block.trains ? trained++ : -1);
    blocks_.push_back(std::move(block));
  }
}

Freezer::~Freezer() {
  if (!policy_) return;
  for (std::size_t i = 0; i < blocks_.size(); ++i) set_rate(i, usual_rate(i));
}

void Freezer::bind(PolicyStart run) const {
  if (!policy_) return;
  run.blocks = shown_;
  run.model_blocks = static_cast<int>(blocks_.size());
  policy_->start(std::move(run));
}

FreezeSet Freezer::first_set(const PolicyStart& run) const {
  bind(run);
  if (!policy_) return set_;
  std::vector<BlockPlan> plan(shown_.size());
  const std::vector<BlockStatistics> nothing_known(shown_.size());
  PolicyMoment first;
  first.blocks = nothing_known;
  policy_->decide(first, plan);
  const FreezeSet set = set_of(plan);
  bind(run);
  return set;
}

void Freezer::begin_run(const RunStart& start) {
  for (std::size_t i = 0; i < blocks_.size(); ++i) set_rate(i, usual_rate(i));
  bind(start.run);
  if (!policy_) return;
  plan_.assign(shown_.size(), {});
  statistics_ = std::make_unique<BlockStatisticsCollector>(shown_);
  for (std::size_t i = 0; i < shown_.size(); ++i) {
    if (policy_->reinitialises(i)) renew(i, start.run.seed);
  }
  if (policy_->wants_activations()) {
    start.samples->start(0);
    probe_ = std::make_unique<Probe>(model_, *start.settings, *start.samples->next());
  }
}

void Freezer::renew(std::size_t shown, std::uint64_t seed) {
  const PolicyBlock& block = shown_[shown];
  std::vector<std::pair<ParameterPtr, Tensor>> fixed;  // frozen for good, all or in part
  for (const ParameterPtr& p : blocks_[static_cast<std::size_t>(block.number)].parameters) {
    if (!p->frozen_units().empty()) fixed.emplace_back(p, p->value().clone());
  }
  const Model::Block& range = model_.blocks()[static_cast<std::size_t>(block.number)];
  for (std::size_t i = range.first_child; i < range.last_child; ++i) {
    // Another seed than that of the values that the model began with.
    model_.children()[i].layer->initialise(~seed);
  }
  for (auto& [parameter, value] : fixed) {
    const TrainableRanges frozen{parameter->unit_axis(), parameter->frozen_units()};
    const bool part = parameter->trainable_ranges() != nullptr;
    const Index count = part ? frozen.shape_in(value.shape()).count() : value.count();
    const real* from = value.data();
    real* to = parameter->mutable_value().data();
    for_each_trainable(part ? &frozen : nullptr, value.shape(), 0, count,
                       [&](Index, Index place, Index some) { std::copy_n(from + place, some, to + place); });
    parameter->touch();
  }
}

void Freezer::set_rate(std::size_t block, double rate) {
  if (blocks_[block].rate == rate) return;
  blocks_[block].rate = rate;
  for (const ParameterPtr& p : blocks_[block].parameters) optimizer_.set_multiplier(*p, rate);
}

bool Freezer::any_trains(const Block& block, const FreezeSet& set) {
  return std::any_of(block.parameters.begin(), block.parameters.end(),
                     [&](const auto& p) { return p->role() != Role::statistic && set.trains(*p); });
}

FreezeSet Freezer::set_of(std::span<const BlockPlan> plan) const {
  FreezeSet set = kept_;
  for (std::size_t i = 0; i < shown_.size(); ++i) {
    if (plan[i].trains) continue;
    for (const Parameter* p : shown_[i].parameters) set.freeze(*p);
  }
  set.add(policy_->frozen_within());
  return set;
}

void Freezer::update_set() {
  if (!policy_) {
    for (const Block& block : blocks_) {
      const bool same = std::all_of(block.parameters.begin(), block.parameters.end(),
                                    [&](const auto& p) { return marked_as(*p, set_); });
      if (same) continue;
      set_ = model_.freeze_set();
      return;
    }
    return;
  }
  bool same = trains_.size() == plan_.size() && within_ == policy_->frozen_within();
  for (std::size_t i = 0; same && i < plan_.size(); ++i) same = trains_[i] == plan_[i].trains;
  if (same) return;
  trains_.clear();
  for (const BlockPlan& block : plan_) trains_.push_back(block.trains);
  within_ = policy_->frozen_within();
  set_ = set_of(plan_);
}

void Freezer::before_step(StepMoment& now) {
  if (policy_) {
    now.time.blocks = statistics_->blocks();
    policy_->decide(now.time, plan_);
    needs_ = policy_->needs(now.time);
  }
  update_set();
  changes_.clear();
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    Block& block = blocks_[i];
    const bool trains = any_trains(block, set_);
    if (trains != block.trains) {
      changes_.push_back({now.time.step, static_cast<int>(i), !trains});
      if (trains) block.warm_steps = options_.thaw_warm_up;
      block.trains = trains;
    }
    double rate = usual_rate(i);
    if (policy_ && place_[i] >= 0) rate *= plan_[static_cast<std::size_t>(place_[i])].rate;
    if (trains && block.warm_steps > 0) {
      rate *= static_cast<double>(options_.thaw_warm_up - block.warm_steps + 1) /
              static_cast<double>(options_.thaw_warm_up);
      --block.warm_steps;
    }
    set_rate(i, rate);
  }
  now.freeze = &set_;
  now.changes = changes_;
  now.trained_share = trained_share();
  now.rate_factor = policy_ && policy_->replaces_schedule() ? 1 : now.time.schedule_factor;
  now.greatest_rate = greatest_rate();
}

void Freezer::after_backward(StepMoment& now) {
  if (statistics_) statistics_->before_update(needs_, now.gradients);
}

void Freezer::after_update(StepMoment&) {
  if (!statistics_) return;
  statistics_->after_update(needs_);
  if (!probe_ || (!needs_.distances && !needs_.reference)) return;
  const std::vector<Activations>& all = probe_->run();
  outputs_.clear();
  for (const PolicyBlock& block : shown_) outputs_.push_back(all[static_cast<std::size_t>(block.number)]);
  statistics_->compare(needs_, outputs_);
}

void Freezer::save(const StateWriter& to) const {
  std::vector<double> blocks, plan;
  for (const Block& block : blocks_) {
    blocks.insert(blocks.end(),
                  {block.trains ? 1.0 : 0.0, block.rate, static_cast<double>(block.warm_steps)});
  }
  to.numbers("blocks", blocks);
  if (!policy_) return;
  for (const BlockPlan& block : plan_) plan.insert(plan.end(), {block.trains ? 1.0 : 0.0, block.rate});
  to.numbers("plan", plan);
  policy_->save(to.part("policy"));
  statistics_->save(to.part("statistics"));
}

void Freezer::load(const StateReader& from, const History&) {
  const std::vector<double> blocks = from.numbers("blocks", 3 * blocks_.size());
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const double warm = blocks[3 * i + 2];
    if (!(warm >= 0 && warm <= static_cast<double>(options_.thaw_warm_up))) {
      from.fail("blocks", fmt::format("has {} of {} steps to warm up", warm, options_.thaw_warm_up));
    }
    blocks_[i].trains = blocks[3 * i] != 0;
    set_rate(i, blocks[3 * i + 1]);
    blocks_[i].warm_steps = static_cast<Index>(warm);
  }
  if (!policy_) return;
  const std::vector<double> plan = from.numbers("plan", 2 * plan_.size());
  for (std::size_t i = 0; i < plan_.size(); ++i) plan_[i] = {plan[2 * i] != 0, plan[2 * i + 1]};
  policy_->load(from.part("policy"));
  statistics_->load(from.part("statistics"), probe_ ? probe_->rows() : 0);
  update_set();
}

double Freezer::greatest_rate() const {
  if (!policy_) return 1;
  double greatest = 0;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    if (blocks_[i].trains && place_[i] >= 0)
      greatest = std::max(greatest, plan_[static_cast<std::size_t>(place_[i])].rate);
  }
  return greatest;
}

double Freezer::trained_share() const {
  double trains = 0, all = 0;
  for (const Block& block : blocks_) {
    if (block.parameters.empty()) continue;
    ++all;
    trains += block.trains ? 1 : 0;
  }
  return all > 0 ? trains / all : 0;
}

void FreezeLog::before_step(StepMoment& now) {
  if (now.changes.empty()) return;
  now.history->changes.insert(now.history->changes.end(), now.changes.begin(), now.changes.end());
  if (now.hooks->on_freeze) now.hooks->on_freeze(now.changes);
}

}  // namespace firn
