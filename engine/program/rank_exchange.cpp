#include "engine/program/rank_exchange.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "engine/kernels/kernels.h"

namespace firn {

namespace {

constexpr Index kSmall = 16384;      // bytes of all parts, up to which one hop is worth more than fewer bytes
constexpr Index kChunk = 16 * 1024;  // numbers of a sum that are under way at once

std::span<std::byte> piece(std::byte* at, Index bytes) {
  return {at, static_cast<std::size_t>(bytes)};
}

}  // namespace

RankExchange::RankExchange(const Plan& plan, const std::vector<Value>& outputs, bool batch_outputs, int rank,
                           int ranks)
    : rank_(rank), ranks_(ranks), made_(plan.steps.size(), false), before_(plan.groups.size() + 1) {
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
        if (step.node->op()->name() == "reduce_parts" &&
            plan.slices * value.shape().count() * type_size(value.spec().type) > kSmall) {
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
  return {value, place.offset, place.stride, count * type_size(spec.type), false, 0};
}

Index RankExchange::begin_of(const Item& item, int rank) const {
  return std::min(item.bytes, bounds_[static_cast<std::size_t>(rank)] * item.slice_bytes);
}

void RankExchange::run(std::size_t group, std::byte* shared, Communicator& ranks) {
  gather(before_[group], shared, ranks);
  sum(before_[group], shared, ranks);
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
    ranks.receive(from, piece(at, bytes));
    each(from, at, true);
    at += bytes;
  }
  ranks.finish();
}

/// Twice over all chunks: along the ranks, each adding its slices, then from the last one round to the
/// others.
void RankExchange::sum(const std::vector<Item>& items, std::byte* shared, Communicator& ranks) const {
  const auto for_each_chunk = [&](const auto& task) {
    for (const Item& item : items) {
      if (!item.sum) continue;
      const Index count = item.slice_bytes / static_cast<Index>(sizeof(real));
      for (Index first = 0; first < count; first += kChunk)
        task(item, first, std::min(kChunk, count - first));
    }
  };
  const auto out = [&](const Item& item, Index first) {
    return reinterpret_cast<real*>(shared + item.to) + first;
  };
  const auto message = [&](const Item& item, Index first, Index count) {
    return std::as_writable_bytes(std::span(out(item, first), static_cast<std::size_t>(count)));
  };
  const int last = ranks_ - 1;
  for_each_chunk([&](const Item& item, Index first, Index count) {
    if (rank_ > 0) ranks.receive(rank_ - 1, message(item, first, count));
    const Index stride = item.slice_bytes / static_cast<Index>(sizeof(real));
    const real* parts = reinterpret_cast<const real*>(shared + item.offset) + first_slice() * stride + first;
    kernels().elementwise.reduce_parts(own_slices(), stride, count, parts, out(item, first), rank_ > 0);
    if (rank_ < last) ranks.send(rank_ + 1, message(item, first, count));
  });
  ranks.finish();
  for_each_chunk([&](const Item& item, Index first, Index count) {
    if (rank_ < last) ranks.receive(rank_ > 0 ? rank_ - 1 : last, message(item, first, count));
    const int next = rank_ < last ? rank_ + 1 : 0;
    if (next < last) ranks.send(next, message(item, first, count));
  });
  ranks.finish();
}

std::vector<RankTraffic> RankExchange::traffic() const {
  std::vector<RankTraffic> all;
  for (const std::vector<Item>& items : before_) {
    for (const Item& item : items) {
      const Node& node = *item.value.node;
      const std::string what = (node.label().empty() ? "" : node.label() + " ") + node.op()->name();
      const Index bytes = item.sum ? 2 * item.slice_bytes : item.bytes;
      all.push_back({what, item.sum, bytes * (ranks_ - 1)});
    }
  }
  return all;
}

}  // namespace firn
