// Ranks that are threads of one process: for tests, and to see what several processes would do.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

#include "engine/base/communicator.h"

namespace firn {

/// As many communicators, each for a thread of its own. Must outlive the use of all.
class ThreadRanks {
 public:
  explicit ThreadRanks(int ranks);
  ~ThreadRanks();

  Communicator& of(int rank) { return *communicators_[static_cast<std::size_t>(rank)]; }
  /// A rank ends early: the others' calls throw, naming it and `why`.
  void end(int rank, const std::string& why);

 private:
  class Member;
  /// Whose messages come in order: from, to, by which way.
  using Line = std::tuple<int, int, int>;
  void put(const Line& line, std::span<const std::byte> data);
  void take(const Line& line, std::span<std::byte> data);
  /// Where there is one; false: not yet.
  bool try_take(const Line& line, std::span<std::byte> data);
  /// Of a line that has one. The caller has the lock.
  void take_first(const Line& line, std::span<std::byte> data);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Line, std::deque<std::vector<std::byte>>> sent_;
  std::string ended_;  // who and why
  std::vector<std::unique_ptr<Communicator>> communicators_;
};

}  // namespace firn
