#include "engine/program/planner.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "engine/base/error.h"
#include "engine/program/place.h"
#include "engine/program/rank_exchange.h"
#include "engine/program/recompute.h"
#include "engine/program/times.h"

namespace firn {

namespace {

/// Parts that a training batch is cut into, if it is large enough: small ones, since what a slice hands from
/// step to step should stay in the second-level cache.
constexpr Index kTrainSlices = 16;
constexpr Index kInferenceRows = 16;  // samples of a slice that is only looked at

class Planner {
 public:
  Planner(Graph& graph, const std::vector<bool>& live, const std::vector<Value>& keep,
          const PlanOptions& options)
      : graph_(graph), live_(live), keep_(keep), options_(options) {
    plan_.kernels = options.kernels;
  }

  Plan make() {
    cut_batch();
    split_once();
    order();
    postpone();
    count_tasks();
    recompute(graph_, plan_, keep_);
    place();
    return std::move(plan_);
  }

 private:
  void cut_batch() {
    Index good = 1;
    for (const auto& node : graph_.nodes()) {
      if (!live_[node->index()]) continue;
      if (node->is_feed()) take_batch(*node);
      if (node->op() != nullptr) good = std::max(good, node->op()->traits().min_efficient_rows);
    }
    const Index batch = std::max<Index>(1, plan_.batch);
    Index rows = options_.slice_rows;
    if (rows <= 0) {
      rows = std::max(good, (batch + kTrainSlices - 1) / kTrainSlices);
      if (!options_.training) rows = std::min(rows, std::max(good, kInferenceRows));
    }
    plan_.slice_rows = std::min(rows, batch);
    plan_.slices = (batch + plan_.slice_rows - 1) / plan_.slice_rows;
  }

  Cut cut_of(const Node& node) const { return node.op()->schedule(node, 1, *plan_.kernels).cut; }

  void take_batch(const Node& feed) {
    const Shape& shape = feed.outputs()[0].shape;
    if (fed_ != nullptr && shape[0] != plan_.batch) {
      throw Error(Fault::usage, "plan",
                  fmt::format("feeds {} {} and {} {} have different batches", fed_->label(),
                              fed_->outputs()[0].shape.text(), feed.label(), shape.text()));
    }
    fed_ = &feed;
    plan_.batch = shape[0];
  }

  void split_once() {
    const std::vector<Time> times = times_of(graph_, live_, options_.training);
    constant_.assign(graph_.nodes().size(), false);
    for (const auto& node : graph_.nodes()) {
      if (!live_[node->index()]) continue;
      constant_[node->index()] = times[node->index()] == Time::once;
      if (node->op() == nullptr) {
        source_[{node->id(), 0}] = add_source({node.get(), 0});
        continue;
      }
      if (!constant_[node->index()] || node->op()->traits().view) continue;
      for (int i = 0; i < static_cast<int>(node->outputs().size()); ++i) {
        source_[{node->id(), i}] = add_source({node.get(), i});
      }
    }
    for (const auto& node : graph_.nodes()) {
      if (live_[node->index()] && node->op() != nullptr && constant_[node->index()] &&
          !node->op()->traits().view) {
        plan_.once.push_back({node.get(), cut_of(*node), {}, {}});
      }
    }
  }

  Index add_source(Value value) {
    plan_.sources.push_back(value);
    return static_cast<Index>(plan_.sources.size()) - 1;
  }

  /// Alternates between groups of parallel tasks and groups of slices, each as large as what is ready allows.
  void order() {
    std::vector<const Node*> waiting;
    std::vector<bool> done(graph_.nodes().size(), true);
    for (const auto& node : graph_.nodes()) {
      if (!live_[node->index()] || node->op() == nullptr || constant_[node->index()]) continue;
      waiting.push_back(node.get());
      done[node->index()] = false;
    }
    const auto ready = [&](const Node& node) {
      return std::all_of(node.inputs().begin(), node.inputs().end(),
                         [&](const Value& v) { return done[v.node->index()]; });
    };
    bool per_slice = false;
    while (!waiting.empty()) {
      Group group{per_slice, {}, {}};
      std::vector<const Node*> later;
      std::vector<const Node*> taken;
      for (const Node* node : waiting) {
        const Cut cut = cut_of(*node);
        const bool view = node->op()->traits().view;
        const bool fits = view || (cut.kind == Cut::Kind::slices) == per_slice;
        if (!fits || !ready(*node)) {
          later.push_back(node);
          continue;
        }
        if (!view) {
          group.steps.push_back(static_cast<int>(plan_.steps.size()));
          plan_.steps.push_back({node, cut, {}, {}});
        }
        // Within a group of slices the next step of a slice may use this one's result; parallel tasks may
        // not.
        if (per_slice || view) done[node->index()] = true;
        taken.push_back(node);
      }
      for (const Node* node : taken) done[node->index()] = true;
      waiting = std::move(later);
      if (!group.steps.empty()) plan_.groups.push_back(std::move(group));
      per_slice = !per_slice;
    }
  }

  /// Moves what the backward pass computes from parameters alone to the last group of tasks before it is
  /// read, so that it is not in memory all through the forward pass.
  void postpone() {
    std::map<int, std::size_t> first_read;
    for (std::size_t g = plan_.groups.size(); g-- > 0;) {
      for (const int step : plan_.groups[g].steps) {
        for (const Value& input : plan_.steps[static_cast<std::size_t>(step)].node->inputs())
          first_read[behind_views(input).node->id()] = g;
      }
    }
    std::vector<std::pair<std::size_t, int>> moved;  // to which group, which step
    for (std::size_t g = 0; g < plan_.groups.size(); ++g) {
      if (plan_.groups[g].per_slice) continue;
      std::erase_if(plan_.groups[g].steps, [&](int step) {
        const Node& node = *plan_.steps[static_cast<std::size_t>(step)].node;
        const auto read = first_read.find(node.id());
        if (node.pass() == Pass::forward || read == first_read.end() || !of_sources(node)) return false;
        std::size_t to = read->second - 1;
        if (plan_.groups[to].per_slice) --to;
        if (to <= g) return false;
        moved.emplace_back(to, step);
        return true;
      });
    }
    // In front: they are large, and what is large begins early.
    for (const auto& [to, step] : moved) {
      std::vector<int>& steps = plan_.groups[to].steps;
      steps.insert(steps.begin(), step);
    }
    std::erase_if(plan_.groups, [](const Group& group) { return group.steps.empty(); });
  }

  static bool of_sources(const Node& node) {
    return !node.assigns() && std::all_of(node.inputs().begin(), node.inputs().end(), [](const Value& v) {
      return behind_views(v).node->op() == nullptr;
    });
  }

  void count_tasks() {
    for (Group& group : plan_.groups) {
      if (group.per_slice) continue;
      Index tasks = 0;
      for (const int step : group.steps) {
        group.first_task.push_back(tasks);
        tasks += plan_.steps[static_cast<std::size_t>(step)].cut.tasks;
      }
      group.first_task.push_back(tasks);
    }
  }

  void place() {
    std::vector<Value> keep = keep_;
    if (options_.ranks) {
      for (const int sum : sums_for_the_end(plan_))
        keep.push_back(plan_.steps[static_cast<std::size_t>(sum)].node->inputs()[0]);
    }
    place_values(plan_, keep, options_.gradients, source_);
    for (std::vector<Step>* steps : {&plan_.once, &plan_.steps}) {
      for (Step& step : *steps) {
        for (const Value& input : step.node->inputs()) step.inputs.push_back(plan_.place_of(input));
        for (int i = 0; i < static_cast<int>(step.node->outputs().size()); ++i) {
          step.outputs.push_back(plan_.place_of({const_cast<Node*>(step.node), i}));
        }
        if (step.node->assigns()) step.outputs[0] = assigned_place(*step.node->assigns());
        plan_.most_operands = std::max(plan_.most_operands, step.inputs.size() + step.outputs.size());
      }
    }
    plan_.scratch_offset = plan_.local_bytes;
    Index scratch = 0;
    for (const std::vector<Step>* steps : {&plan_.once, &plan_.steps}) {
      for (const Step& step : *steps) {
        const Index rows = step.cut.kind == Cut::Kind::slices ? plan_.slice_rows : plan_.batch;
        scratch = std::max(scratch, step.node->op()->schedule(*step.node, rows, *plan_.kernels).scratch);
      }
    }
    plan_.local_bytes = aligned(plan_.scratch_offset + scratch * static_cast<Index>(sizeof(real)));
  }

  Operand assigned_place(const Parameter& parameter) const {
    for (std::size_t i = 0; i < plan_.sources.size(); ++i) {
      if (plan_.sources[i].node->parameter().get() == &parameter) {
        return {Operand::Base::absolute, static_cast<Index>(i), 0};
      }
    }
    return {};
  }

  Graph& graph_;
  const std::vector<bool>& live_;
  const std::vector<Value>& keep_;
  const PlanOptions& options_;
  const Node* fed_ = nullptr;  // the last feed seen
  std::vector<bool> constant_;
  std::map<std::pair<int, int>, Index> source_;
  Plan plan_;
};

}  // namespace

Plan make_plan(Graph& graph, const std::vector<bool>& live, const std::vector<Value>& keep,
               const PlanOptions& options) {
  return Planner(graph, live, keep, options).make();
}

}  // namespace firn
