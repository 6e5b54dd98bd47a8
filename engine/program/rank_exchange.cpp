#include "engine/program/rank_exchange.h"

#include <algorithm>
#include <limits>
#include <map>
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

std::string_view rank_way_text(RankWay way) {
  switch (way) {
    case RankWay::rows:
      return "from each to all";
    case RankWay::columns:
      return "columns for each";
    case RankWay::pieces:
      return "pieces of each to all";
    case RankWay::sums:
      return "summed along the ranks";
  }
  return {};
}

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
      own_tasks_(plan.steps.size(), {0, std::numeric_limits<Index>::max()}),
      shares_(plan.steps.size(), 1.0),
      before_(plan.groups.size() + 1),
      sums_(rank, ranks, 1),
      urgent_(rank, ranks, 3) {
  const std::vector<int> at_the_end = sums_for_the_end(plan);
  for (int r = 0; r <= ranks; ++r) bounds_.push_back(plan.slices * r / ranks);
  const double own_share = static_cast<double>(own_slices()) / static_cast<double>(plan.slices);
  std::set<ValueKey> by_slices, known, read;
  std::map<ValueKey, std::set<int>> whole;  // the steps that read all slices of a value
  for (const Group& group : plan.groups) {
    for (const int index : group.steps) {
      // Rows alone want no more than slices do; of none there is nothing to be made.
      const bool by_rows = plan.steps[static_cast<std::size_t>(index)].cut.by_rows;
      if (group.per_slice || by_rows) shares_[static_cast<std::size_t>(index)] = own_share;
      if (by_rows && own_slices() == 0) own_tasks_[static_cast<std::size_t>(index)] = {0, 0};
      for (const Value& input : plan.steps[static_cast<std::size_t>(index)].node->inputs()) {
        const ValueKey key = key_of(behind_views(input));
        read.insert(key);
        if (!group.per_slice && !by_rows) whole[key].insert(index);
      }
    }
  }
  for (const Step& step : plan.steps) {
    if (step.cut.kind != Cut::Kind::slices && !step.cut.by_rows) continue;
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
      if (step.cut.by_rows) continue;
      for (const Value& input : step.node->inputs()) {
        const Value value = behind_views(input);
        if (!wanted(value)) continue;
        const bool first = &input == &step.node->inputs()[0], lone = whole[key_of(value)].size() == 1;
        if (first && lone && !read.contains({step.node->id(), 0}) && take_pieces(plan, g, index, value)) {
          known.insert(key_of(value));
          continue;
        }
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
      item.way = RankWay::sums;
      item.to = to.offset;
      item.meanwhile = std::binary_search(at_the_end.begin(), at_the_end.end(), index);
      meanwhile_ = meanwhile_ || item.meanwhile;
      (item.meanwhile ? sums_ : urgent_).expect(item.slice_bytes / static_cast<Index>(sizeof(real)));
      before_[g].push_back(item);
      own_tasks_[static_cast<std::size_t>(index)] = {0, 0};
      shares_[static_cast<std::size_t>(index)] = own_share;
    }
  }
  for (const Value& output : outputs) {
    const Value value = behind_views(output);
    if (!batch_outputs || !wanted(value)) continue;
    known.insert(key_of(value));
    before_.back().push_back(item_of(plan, value));
  }
  Index out = 0, in = 0;
  for (const std::vector<Item>& items : before_) {
    Index own = 0, others = 0;
    for (int r = 0; r < ranks; ++r) {
      if (r == rank) continue;
      own += bytes_between(items, rank, r);
      others += bytes_between(items, r, rank);
    }
    out = std::max(out, own);
    in = std::max(in, others);
  }
  outgoing_.resize(static_cast<std::size_t>(out));
  incoming_.resize(static_cast<std::size_t>(in));
}

RankExchange::Item RankExchange::item_of(const Plan& plan, Value value) const {
  const Operand place = plan.place_of(value);
  const Spec& spec = value.spec();
  const Index count = spec.axis == Axis::slice ? plan.slices * spec.shape.count() : spec.shape.count();
  return {value.node, place.offset, place.stride, count * type_size(spec.type), RankWay::rows, 0, false};
}

/// Of a gradient that no step reads, made of rows `x` in tasks that need some columns of them each: whether
/// it takes fewer bytes to hand around these columns and the pieces that are made of them than all of the
/// rows.
bool RankExchange::take_pieces(const Plan& plan, std::size_t group, int index, Value x) {
  const Step& step = plan.steps[static_cast<std::size_t>(index)];
  const Spec& made = step.node->outputs()[0];
  if (step.cut.rows == 0 || step.outputs[0].base != Operand::Base::shared) return false;
  const Index rows = made.shape[0], tasks = step.cut.tasks;
  Item columns = item_of(plan, x);
  const Index all = bytes_of(columns);
  columns.way = RankWay::columns;
  columns.row_bytes = rows * type_size(x.spec().type);
  if (columns.bytes % columns.row_bytes != 0 || columns.slice_bytes % columns.row_bytes != 0) return false;
  const auto first_task = [&](int rank) { return tasks * rank / ranks_; };
  for (int r = 0; r < ranks_; ++r) columns.cuts.push_back(std::min(rows, first_task(r) * step.cut.rows));
  columns.cuts.push_back(rows);
  Item pieces = columns;
  pieces.way = RankWay::pieces;
  pieces.node = step.node;
  pieces.offset = step.outputs[0].offset;
  pieces.bytes = made.shape.count() * type_size(made.type);
  pieces.row_bytes = pieces.bytes / rows;
  if (bytes_of(columns) + bytes_of(pieces) >= all) return false;
  const Tasks own = {first_task(rank_), first_task(rank_ + 1)};
  own_tasks_[static_cast<std::size_t>(index)] = own;
  shares_[static_cast<std::size_t>(index)] =
      static_cast<double>(own.last - own.first) / static_cast<double>(tasks);
  before_[group].push_back(std::move(columns));
  before_.back().push_back(std::move(pieces));
  return true;
}

Index RankExchange::begin_of(const Item& item, int rank) const {
  return std::min(item.bytes, bounds_[static_cast<std::size_t>(rank)] * item.slice_bytes);
}

template <class Run>
void RankExchange::for_each_run(const Item& item, int from, int to, Run run) const {
  if (item.way == RankWay::sums) return;
  const auto cut = [&](int rank) { return item.cuts[static_cast<std::size_t>(rank)]; };
  if (item.way == RankWay::pieces)
    return run(cut(from) * item.row_bytes, (cut(from + 1) - cut(from)) * item.row_bytes);
  const Index begin = begin_of(item, from), end = begin_of(item, from + 1);
  if (item.way == RankWay::rows) return run(begin, end - begin);
  const Index column = item.row_bytes / item.cuts.back();
  for (Index row = begin; row < end; row += item.row_bytes)
    run(row + cut(to) * column, (cut(to + 1) - cut(to)) * column);
}

Index RankExchange::bytes_between(const Item& item, int from, int to) const {
  Index all = 0;
  for_each_run(item, from, to, [&](Index, Index bytes) { all += bytes; });
  return all;
}

Index RankExchange::bytes_between(const std::vector<Item>& items, int from, int to) const {
  Index all = 0;
  for (const Item& item : items) all += bytes_between(item, from, to);
  return all;
}

Index RankExchange::bytes_of(const Item& item) const {
  Index all = 0;
  for (int from = 0; from < ranks_; ++from) {
    for (int to = 0; to < ranks_; ++to) all += from == to ? 0 : bytes_between(item, from, to);
  }
  return all;
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
  std::byte* packed = outgoing_.data();
  for (int to = 0; to < ranks_; ++to) {
    if (to == rank_) continue;
    std::byte* const begin = packed;
    for (const Item& item : items) {
      for_each_run(item, rank_, to, [&](Index offset, Index bytes) {
        packed = std::copy_n(shared + item.offset + offset, bytes, packed);
      });
    }
    ranks.send(to, piece(begin, packed - begin));
  }
  const std::byte* at = incoming_.data();
  std::byte* there = incoming_.data();
  for (int from = 0; from < ranks_; ++from) {
    if (from == rank_) continue;
    const Index bytes = bytes_between(items, from, rank_);
    for (Index first = 0; first < bytes; first += kMost) {
      const int number = ranks.start_receive(from, piece(there + first, std::min(kMost, bytes - first)), 0);
      while (!ranks.done(number)) wait(ranks);
    }
    there += bytes;
    for (const Item& item : items) {
      for_each_run(item, from, rank_, [&](Index offset, Index some) {
        std::copy_n(at, some, shared + item.offset + offset);
        at += some;
      });
    }
  }
  ranks.finish();
}

void RankExchange::begin_sums(const std::vector<Item>& items, std::byte* shared, Communicator& ranks) {
  for (const Item& item : items) {
    if (item.way != RankWay::sums) continue;
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
      const Node& node = *item.node;
      const std::string what = (node.label().empty() ? "" : node.label() + " ") + node.op()->name();
      const Index bytes = item.way == RankWay::sums ? 2 * item.slice_bytes * (ranks_ - 1) : bytes_of(item);
      all.push_back({what, item.way, item.meanwhile, group, bytes});
    }
  }
  return all;
}

}  // namespace firn
