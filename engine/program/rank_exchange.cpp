#include "engine/program/rank_exchange.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <thread>

#include "engine/base/communicator.h"

namespace firn {

namespace {

constexpr Index kOneHop = 16384;  // bytes of all parts, up to which one hop is worth more than fewer bytes

constexpr auto kMost = static_cast<Index>(Communicator::kMost);

std::span<std::byte> piece(std::byte* at, Index bytes) {
  return {at, static_cast<std::size_t>(bytes)};
}

}  // namespace

std::vector<int> sums_for_the_end(const Plan& plan) {
  std::set<ValueKey> read;
  for (const Step& step : plan.steps) {
    for (const Value& input : step.node->inputs()) read.insert(key_of(behind_views(input)));
  }
  std::vector<int> sums;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const Node& node = *plan.steps[i].node;
    if (node.op()->name() == "reduce_parts" && !read.contains({node.id(), 0}))
      sums.push_back(static_cast<int>(i));
  }
  return sums;
}

RankExchange::RankExchange(const Plan& plan, const std::vector<Value>& outputs, bool batch_outputs, int rank,
                           int ranks)
    : rank_(rank),
      ranks_(ranks),
      made_(plan.steps.size(), false),
      before_(plan.groups.size() + 1),
      sums_(rank, ranks, 1),
      urgent_(rank, ranks, 3) {
  const std::vector<int> at_the_end = sums_for_the_end(plan);
  for (int r = 0; r <= ranks; ++r) bounds_.push_back(plan.slices * r / ranks);
  std::set<ValueKey> by_slices, known;
  for (const Step& step : plan.steps) {
    if (step.cut.kind != Cut::Kind::slices) continue;
    for (int i = 0; i < static_cast<int>(step.node->outputs().size()); ++i)
      by_slices.insert({step.node->id(), i});
  }
  const auto wanted = [&](Value value) {
    return by_slices.contains(key_of(value)) && !known.contains(key_of(value));
  };
  for (std::size_t g = 0; g < plan.groups.size(); ++g) {
    if (plan.groups[g].per_slice) continue;
    std::vector<std::pair<Value, int>> sums;  // that might be made on the way, and by which step
    const auto take = [&](Value value) {
      known.insert(key_of(value));
      before_[g].push_back(item_of(plan, value));
    };
    for (const int index : plan.groups[g].steps) {
      const Step& step = plan.steps[static_cast<std::size_t>(index)];
      for (const Value& input : step.node->inputs()) {
        const Value value = behind_views(input);
        if (!wanted(value)) continue;
        const Index bytes = plan.slices * value.shape().count() * type_size(value.spec().type);
        const bool last = std::binary_search(at_the_end.begin(), at_the_end.end(), index);
        if (last || (step.node->op()->name() == "reduce_parts" && bytes > kOneHop)) {
          sums.emplace_back(value, index);
        } else {
          take(value);
        }
      }
    }
    for (const auto& [value, index] : sums) {
      if (!wanted(value)) continue;  // somebody reads the parts themselves
      const Operand& to = plan.steps[static_cast<std::size_t>(index)].outputs[0];
      if (to.base != Operand::Base::shared) {
        take(value);
        continue;
      }
      Item item = item_of(plan, value);
      item.sum = true;
      item.to = to.offset;
      item.meanwhile = std::binary_search(at_the_end.begin(), at_the_end.end(), index);
      meanwhile_ = meanwhile_ || item.meanwhile;
      (item.meanwhile ? sums_ : urgent_).expect(item.slice_bytes / static_cast<Index>(sizeof(real)));
      before_[g].push_back(item);
      made_[static_cast<std::size_t>(index)] = true;
    }
  }
  for (const Value& output : outputs) {
    const Value value = behind_views(output);
    if (!batch_outputs || !wanted(value)) continue;
    known.insert(key_of(value));
    before_.back().push_back(item_of(plan, value));
  }
  std::size_t out = 0, in = 0;
  for (const std::vector<Item>& items : before_) {
    std::size_t own = 0, others = 0;
    for (const Item& item : items) {
      if (item.sum) continue;
      for (int r = 0; r < ranks; ++r) {
        const auto bytes = static_cast<std::size_t>(begin_of(item, r + 1) - begin_of(item, r));
        (r == rank ? own : others) += bytes;
      }
    }
    out = std::max(out, own);
    in = std::max(in, others);
  }
  outgoing_.resize(out);
  incoming_.resize(in);
}

RankExchange::Item RankExchange::item_of(const Plan& plan, Value value) const {
  const Operand place = plan.place_of(value);
  const Spec& spec = value.spec();
  const Index count = spec.axis == Axis::slice ? plan.slices * spec.shape.count() : spec.shape.count();
  return {value, place.offset, place.stride, count * type_size(spec.type), false, 0, false};
}

Index RankExchange::begin_of(const Item& item, int rank) const {
  return std::min(item.bytes, bounds_[static_cast<std::size_t>(rank)] * item.slice_bytes);
}

void RankExchange::run(std::size_t group, std::byte* shared, Communicator& ranks) {
  begin_sums(before_[group], shared, ranks);
  gather(before_[group], shared, ranks);
  while (urgent_.busy() || (group + 1 == before_.size() && sums_.busy())) wait(ranks);
}

void RankExchange::wait(Communicator& ranks) {
  const bool urgent = urgent_.busy() && urgent_.advance(ranks);
  const bool other = sums_.busy() && sums_.advance(ranks);
  if (!urgent && !other) std::this_thread::yield();
}

/// All items in one message from each rank to each.
void RankExchange::gather(const std::vector<Item>& items, std::byte* shared, Communicator& ranks) {
  const auto bytes_of = [&](int rank) {
    Index bytes = 0;
    for (const Item& item : items) bytes += item.sum ? 0 : begin_of(item, rank + 1) - begin_of(item, rank);
    return bytes;
  };
  const auto each = [&](int rank, std::byte* packed, bool in) {
    for (const Item& item : items) {
      if (item.sum) continue;
      const Index begin = begin_of(item, rank);
      const auto bytes = static_cast<std::size_t>(begin_of(item, rank + 1) - begin);
      std::byte* const own = shared + item.offset + begin;
      if (bytes > 0) std::memcpy(in ? own : packed, in ? packed : own, bytes);
      packed += bytes;
    }
  };
  const Index own = bytes_of(rank_);
  each(rank_, outgoing_.data(), false);
  for (int to = 0; to < ranks_; ++to) {
    if (to != rank_) ranks.send(to, piece(outgoing_.data(), own));
  }
  std::byte* at = incoming_.data();
  for (int from = 0; from < ranks_; ++from) {
    if (from == rank_) continue;
    const Index bytes = bytes_of(from);
    for (Index first = 0; first < bytes; first += kMost) {
      const int number = ranks.start_receive(from, piece(at + first, std::min(kMost, bytes - first)), 0);
      while (!ranks.done(number)) wait(ranks);
    }
    each(from, at, true);
    at += bytes;
  }
  ranks.finish();
}

void RankExchange::begin_sums(const std::vector<Item>& items, std::byte* shared, Communicator& ranks) {
  for (const Item& item : items) {
    if (!item.sum) continue;
    const Index count = item.slice_bytes / static_cast<Index>(sizeof(real));
    const real* parts = reinterpret_cast<const real*>(shared + item.offset) + first_slice() * count;
    (item.meanwhile ? sums_ : urgent_)
        .begin(parts, own_slices(), count, reinterpret_cast<real*>(shared + item.to), ranks);
  }
}

std::vector<RankTraffic> RankExchange::traffic() const {
  std::vector<RankTraffic> all;
  for (std::size_t group = 0; group < before_.size(); ++group) {
    for (const Item& item : before_[group]) {
      const Node& node = *item.value.node;
      const std::string what = (node.label().empty() ? "" : node.label() + " ") + node.op()->name();
      const Index bytes = item.sum ? 2 * item.slice_bytes : item.bytes;
      all.push_back({what, item.sum, item.meanwhile, group, bytes * (ranks_ - 1)});
    }
  }
  return all;
}

}  // namespace firn
