#include "engine/program/reuse.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

namespace firn {

namespace {

double cache_bytes() {
  static const double bytes = std::max(256.0 * 1024, static_cast<double>(sysconf(_SC_LEVEL2_CACHE_SIZE)));
  return bytes;
}

Index rounded(double bytes) {
  if (bytes <= cache_bytes() / 2) return 0;
  return static_cast<Index>(cache_bytes() *
                            std::pow(4, std::max(0.0, std::round(std::log2(bytes / cache_bytes()) / 2))));
}

/// What lies in memory by when it was touched last, so that the bytes touched since then can be counted
/// without those that were touched twice: the stack distance of Mattson et al., "Evaluation techniques for
/// storage hierarchies", IBM Systems Journal 9, 1970.
class Recency {
 public:
  /// Marks [begin, begin + bytes) of an address space as touched now. Returns the bytes of other memory
  /// touched since the longest untouched part of it was, all that were ever touched if a part never was.
  double touch(Index space, Index begin, Index bytes) {
    if (bytes == 0) return 0;
    const Index end = begin + bytes;
    std::map<Index, Piece>& pieces = spaces_[space];
    auto at = pieces.lower_bound(begin);
    if (at != pieces.begin() && std::prev(at)->second.end > begin) --at;
    std::size_t oldest = now_;
    Index known = 0;
    while (at != pieces.end() && at->first < end) {
      const Index from = at->first;
      const Piece piece = at->second;
      oldest = std::min(oldest, piece.time);
      known += std::min(end, piece.end) - std::max(begin, from);
      at = pieces.erase(at);
      add(piece.time, -static_cast<double>(piece.end - from));
      const auto keep = [&](Index first, Index last) {
        if (first >= last) return;
        pieces[first] = {last, piece.time};
        add(piece.time, static_cast<double>(last - first));
      };
      keep(from, begin);
      keep(end, piece.end);
    }
    const double age = known < bytes ? sum(now_) : sum(now_) - sum(oldest);
    pieces[begin] = {end, now_};
    add(now_++, static_cast<double>(bytes));
    return age;
  }

 private:
  struct Piece {
    Index end = 0;
    std::size_t time = 0;
  };

  /// A binary indexed tree (Fenwick 1994) over time of the bytes that were touched then and not since.
  void add(std::size_t time, double bytes) {
    if (time >= bytes_.size()) {
      bytes_.resize(std::max<std::size_t>(1024, 2 * time));
      tree_.assign(bytes_.size() + 1, 0);
      for (std::size_t i = 0; i < bytes_.size(); ++i) put(i, bytes_[i]);
    }
    bytes_[time] += bytes;
    put(time, bytes);
  }
  void put(std::size_t time, double bytes) {
    for (std::size_t i = time + 1; i < tree_.size(); i += i & -i) tree_[i] += bytes;
  }
  /// Of what was touched before `time` or at it.
  double sum(std::size_t time) const {
    double bytes = 0;
    for (std::size_t i = std::min(time + 1, bytes_.size()); i > 0; i -= i & -i) bytes += tree_[i];
    return bytes;
  }

  std::map<Index, std::map<Index, Piece>> spaces_;
  std::vector<double> bytes_, tree_;
  std::size_t now_ = 0;
};

/// One thread's way through two runs of a program, the second of which counts.
class Walk {
 public:
  Walk(const Program& program, int threads) : plan_(program.plan()), threads_(threads) {
    reuse_.resize(plan_.steps.size());
    for (std::size_t i = 0; i < reuse_.size(); ++i) {
      reuse_[i].inputs.resize(plan_.steps[i].inputs.size());
      reuse_[i].outputs.resize(plan_.steps[i].outputs.size());
    }
  }

  std::vector<Reuse> run() {
    for (int lap = 0; lap < 2; ++lap) {
      for (const Group& group : plan_.groups) {
        // The first slices of a group meet what lies further back; the last one stands for them all.
        const Index calls = group.per_slice ? plan_.slices : 1;
        for (Index slice = 0; slice < calls; slice += threads_) {
          for (const int step : group.steps) touch(static_cast<std::size_t>(step), group.per_slice, slice);
        }
      }
    }
    return std::move(reuse_);
  }

 private:
  void touch(std::size_t index, bool region, Index slice) {
    const Step& step = plan_.steps[index];
    const auto one = [&](const Operand& operand, const Spec& spec, Index& age) {
      if (operand.base == Operand::Base::nowhere) return;
      const bool entry = operand.base == Operand::Base::absolute;
      const Index space = entry ? 2 + operand.offset : operand.base == Operand::Base::shared ? 0 : 1;
      const Index begin = (entry ? 0 : operand.offset) + (region ? slice * operand.stride : 0);
      Index bytes = bytes_of_call(plan_, spec, region);
      // Of what parallel tasks share out among the threads this one has its part.
      if (!region) bytes = (bytes + threads_ - 1) / threads_;
      age = rounded(memory_.touch(space, begin, bytes));
    };
    for (std::size_t k = 0; k < step.inputs.size(); ++k)
      one(step.inputs[k], step.node->inputs()[k].spec(), reuse_[index].inputs[k]);
    for (std::size_t k = 0; k < step.outputs.size(); ++k)
      one(step.outputs[k], step.node->outputs()[k], reuse_[index].outputs[k]);
  }

  const Plan& plan_;
  const int threads_;
  Recency memory_;
  std::vector<Reuse> reuse_;
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
