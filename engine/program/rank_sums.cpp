#include "engine/program/rank_sums.h"

#include <algorithm>
#include <span>

#include "engine/base/communicator.h"
#include "engine/kernels/kernels.h"

namespace firn {

namespace {

std::span<std::byte> bytes_of(real* numbers, Index count) {
  return std::as_writable_bytes(std::span(numbers, static_cast<std::size_t>(count)));
}

}  // namespace

void RankSums::expect(Index count) {
  expected_ += static_cast<std::size_t>((count + kChunk - 1) / kChunk);
  chunks_.reserve(expected_);
}

void RankSums::begin(const real* parts, Index own, Index count, real* out, Communicator& ranks) {
  for (Index first = 0; first < count; first += kChunk) {
    Chunk chunk{parts + first, out + first, own, count, std::min(kChunk, count - first), 0, 0, 0, 0};
    if (rank_ > 0) chunk.in = ranks.start_receive(rank_ - 1, bytes_of(chunk.out, chunk.count), along_);
    chunks_.push_back(chunk);
  }
  busy_.store(!chunks_.empty(), std::memory_order_relaxed);
}

bool RankSums::advance(Communicator& ranks) {
  bool any = add(ranks);
  while (listen(ranks)) any = true;
  while (pass_on(ranks)) any = true;
  while (close(ranks)) any = true;
  if (closed_ == chunks_.size()) {
    chunks_.clear();
    added_ = listened_ = passed_ = closed_ = 0;
    busy_.store(false, std::memory_order_relaxed);
  }
  return any;
}

/// Own slices to the next chunk, once what the ranks before have made of it is there.
bool RankSums::add(Communicator& ranks) {
  if (added_ == chunks_.size()) return false;
  Chunk& chunk = chunks_[added_];
  if (rank_ > 0 && !ranks.done(chunk.in)) return false;
  kernels().elementwise.reduce_parts(chunk.own, chunk.stride, chunk.count, chunk.parts, chunk.out, rank_ > 0);
  if (rank_ < last_) chunk.up = ranks.start_send(rank_ + 1, bytes_of(chunk.out, chunk.count), along_);
  ++added_;
  return true;
}

/// For the sum, which comes where the rank's own part of it has gone away from.
bool RankSums::listen(Communicator& ranks) {
  if (listened_ == added_) return false;
  Chunk& chunk = chunks_[listened_];
  if (rank_ < last_) {
    if (!ranks.done(chunk.up)) return false;
    chunk.round =
        ranks.start_receive(rank_ > 0 ? rank_ - 1 : last_, bytes_of(chunk.out, chunk.count), round_);
  }
  ++listened_;
  return true;
}

/// The last rank's sum goes to rank 0, and from there to all but the last.
bool RankSums::pass_on(Communicator& ranks) {
  if (passed_ == listened_) return false;
  Chunk& chunk = chunks_[passed_];
  if (rank_ < last_ && !ranks.done(chunk.round)) return false;
  if (rank_ + 1 != last_)
    chunk.on = ranks.start_send(rank_ < last_ ? rank_ + 1 : 0, bytes_of(chunk.out, chunk.count), round_);
  ++passed_;
  return true;
}

bool RankSums::close(Communicator& ranks) {
  if (closed_ == passed_) return false;
  if (rank_ + 1 != last_ && !ranks.done(chunks_[closed_].on)) return false;
  ++closed_;
  return true;
}

}  // namespace firn
