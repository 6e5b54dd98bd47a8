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
  /// Returns when all that `send` was given needs its memory no more.
  virtual void finish() = 0;

  /// As `send` and `receive`, at most `kMost` bytes; returns at once, with a number for `done`. Until that
  /// says true, once, the data belongs to the communicator. What goes by different ways does not wait for
  /// each other: it arrives in order by one way alone. `send` and `receive` go by way 0.
  int start_send(int to, std::span<const std::byte> data, int way);
  int start_receive(int from, std::span<std::byte> data, int way);
  /// Whether it is over; then its number is another one's. Never waits.
  bool done(int number);

  /// The greatest of the numbers that the ranks give, on all of them; numbers from 0 on.
  int greatest(int number);
  /// `text` of rank 0, on all of them.
  std::string from_first(const std::string& text);

  static constexpr std::size_t kMost = std::size_t{1} << 30;  ///< bytes of one message
  static constexpr int kWays = 5;

  /// Bytes that this rank has sent so far.
  std::uint64_t bytes_sent() const { return bytes_sent_; }
  /// From here on.
  void count_anew() { bytes_sent_ = 0; }

 protected:
  Communicator(int rank, int ranks) : rank_(rank), ranks_(ranks) {}
  virtual void do_send(int to, std::span<const std::byte> data) = 0;
  virtual void do_receive(int from, std::span<std::byte> data) = 0;
  virtual int do_start_send(int to, std::span<const std::byte> data, int way) = 0;
  virtual int do_start_receive(int from, std::span<std::byte> data, int way) = 0;
  virtual bool is_done(int number) = 0;

 private:
  const int rank_, ranks_;
  std::uint64_t bytes_sent_ = 0;
};

}  // namespace firn
