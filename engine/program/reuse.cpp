#include "engine/program/reuse.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace firn {

namespace {

using Place = std::tuple<Operand::Base, Index>;

double cache_bytes() {
  static const double bytes = std::max(256.0 * 1024, static_cast<double>(sysconf(_SC_LEVEL2_CACHE_SIZE)));
  return bytes;
}

Index rounded(double bytes) {
  if (bytes <= cache_bytes() / 2) return 0;
  return static_cast<Index>(cache_bytes() *
                            std::pow(4, std::max(0.0, std::ceil(std::log2(bytes / cache_bytes()) / 2))));
}

class Walk {
 public:
  Walk(const Program& program, int threads) : plan_(program.plan()) {
    for (const Group& group : plan_.groups) {
      double bytes = 0;
      for_each_operand(group, [&](const Operand&, const Spec& spec, Index*) {
        bytes += static_cast<double>(bytes_of_call(plan_, spec, false));
      });
      totals_.push_back(bytes / threads);
    }
    reuse_.resize(plan_.steps.size());
    for (std::size_t i = 0; i < reuse_.size(); ++i) {
      reuse_[i].inputs.resize(plan_.steps[i].inputs.size());
      reuse_[i].outputs.resize(plan_.steps[i].outputs.size());
    }
  }

  std::vector<Reuse> run() {
    for (const int lap : {0, 1}) {
      for (std::size_t g = 0; g < plan_.groups.size(); ++g) {
        clock_ = static_cast<int>(g + static_cast<std::size_t>(lap) * plan_.groups.size());
        walk(plan_.groups[g]);
      }
    }
    return std::move(reuse_);
  }

 private:
  template <class F>
  void for_each_operand(const Group& group, const F& f) {
    for (const int index : group.steps) {
      const auto i = static_cast<std::size_t>(index);
      const Step& step = plan_.steps[i];
      const auto one = [&](const Operand& operand, const Spec& spec, std::vector<Index>* to, std::size_t at) {
        if (operand.base != Operand::Base::nowhere)
          f(operand, spec, to != nullptr && at < to->size() ? &(*to)[at] : nullptr);
      };
      std::vector<Index>* in = i < reuse_.size() ? &reuse_[i].inputs : nullptr;
      std::vector<Index>* out = i < reuse_.size() ? &reuse_[i].outputs : nullptr;
      for (std::size_t k = 0; k < step.inputs.size(); ++k)
        one(step.inputs[k], step.node->inputs()[k].spec(), in, k);
      for (std::size_t k = 0; k < step.outputs.size(); ++k)
        one(step.outputs[k], step.node->outputs()[k], out, k);
    }
  }

  void walk(const Group& group) {
    std::map<Place, double> seen;  // when, in bytes touched since the group began
    double touched = 0;
    const auto slices = [&](const Operand& operand, const Spec& spec) {
      return spec.axis != Axis::none && operand.base != Operand::Base::local;
    };
    for (const int round : {0, 1}) {
      for_each_operand(group, [&](const Operand& operand, const Spec& spec, Index* to) {
        const Place place{operand.base, operand.offset};
        const auto found = seen.find(place);
        *to = rounded(found != seen.end() ? touched - found->second : since(place));
        touched += static_cast<double>(bytes_of_call(plan_, spec, group.region));
        seen[place] = touched;
      });
      if (!group.region || round > 0) break;
      // The next slice lies elsewhere, but for weights and what the thread has of its own.
      for_each_operand(group, [&](const Operand& operand, const Spec& spec, Index*) {
        if (slices(operand, spec)) seen.erase({operand.base, operand.offset});
      });
    }
    for_each_operand(group, [&](const Operand& operand, const Spec&, Index*) {
      before_[{operand.base, operand.offset}] = clock_;
    });
  }

  /// Bytes since an earlier group used the place.
  double since(const Place& place) const {
    const auto found = before_.find(place);
    const auto groups = static_cast<int>(totals_.size());
    const auto total = [&](int clock) { return totals_[static_cast<std::size_t>(clock % groups)]; };
    if (found == before_.end()) {
      double all = 0;
      for (const double bytes : totals_) all += bytes;
      return all;
    }
    double bytes = 0.5 * (total(found->second) + total(clock_));
    for (int clock = found->second + 1; clock < clock_; ++clock) bytes += total(clock);
    return bytes;
  }

  const Plan& plan_;
  std::vector<double> totals_;
  std::vector<Reuse> reuse_;
  std::map<Place, int> before_;  // the group that used a place last, by the clock
  int clock_ = 0;                // groups walked through, over both laps
};

}  // namespace

Index bytes_of_call(const Plan& plan, const Spec& spec, bool sliced) {
  const Index all = spec.shape.count() * type_size(spec.type);
  if (spec.axis == Axis::batch && sliced) return all / std::max<Index>(1, plan.batch) * plan.slice_rows;
  if (spec.axis == Axis::slice && !sliced) return all * plan.slices;
  return all;
}

std::vector<Reuse> reuse_of(const Program& program, int threads) {
  return Walk(program, threads).run();
}

}  // namespace firn
