// The processes that share the work of a run, as one of them sees the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace firn {

/// One of `ranks()` processes, counted from 0, that all do the same things in the same order. What a rank
/// sends to another one arrives there in order, and is received by calls of the same sizes. One thread uses
/// it at a time. All of it throws Error(failure) when another rank is gone, after which nothing else may be
/// called.
class Communicator {
 public:
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  int rank() const { return rank_; }
  int ranks() const { return ranks_; }

  /// Returns at once or when the other one has it; `data` stays as it is until `finish` returns.
  void send(int to, std::span<const std::byte> data);
  /// Returns when it is there.
  void receive(int from, std::span<std::byte> data);
  /// Returns when all that was sent needs its memory no more.
  virtual void finish() = 0;

  /// The greatest of the numbers that the ranks give, on all of them; numbers from 0 on.
  int greatest(int number);
  /// `text` of rank 0, on all of them.
  std::string from_first(const std::string& text);

  /// Bytes that this rank has sent so far.
  std::uint64_t bytes_sent() const { return bytes_sent_; }

 protected:
  Communicator(int rank, int ranks) : rank_(rank), ranks_(ranks) {}
  virtual void do_send(int to, std::span<const std::byte> data) = 0;
  virtual void do_receive(int from, std::span<std::byte> data) = 0;

 private:
  const int rank_, ranks_;
  std::uint64_t bytes_sent_ = 0;
};

}  // namespace firn
