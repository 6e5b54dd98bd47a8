#include "engine/base/thread_ranks.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/error.h"

namespace firn {

class ThreadRanks::Member final : public Communicator {
 public:
  Member(ThreadRanks& all, int rank, int ranks) : Communicator(rank, ranks), all_(all) {}
  void finish() override {}

 private:
  struct Receive {
    Line line;
    std::span<std::byte> data;
    bool open = true, arrived = false;
  };
  void do_send(int to, std::span<const std::byte> data) override { all_.put({rank(), to, 0}, data); }
  void do_receive(int from, std::span<std::byte> data) override { all_.take({from, rank(), 0}, data); }
  int do_start_send(int to, std::span<const std::byte> data, int way) override {
    all_.put({rank(), to, way}, data);
    return kSent;
  }
  int do_start_receive(int from, std::span<std::byte> data, int way) override {
    receives_.push_back({{from, rank(), way}, data});
    return first_ + static_cast<int>(receives_.size()) - 1;
  }
  bool is_done(int number) override {
    if (number == kSent) return true;
    const auto place = static_cast<std::size_t>(number - first_);
    Receive& wanted = receives_.at(place);
    // Those before it by the same line come first.
    for (std::size_t i = 0; i <= place && !wanted.arrived; ++i) {
      Receive& one = receives_[i];
      if (one.line != wanted.line || one.arrived) continue;
      if (!all_.try_take(one.line, one.data)) return false;
      one.arrived = true;
    }
    wanted.open = false;
    for (; !receives_.empty() && !receives_.front().open; ++first_) receives_.pop_front();
    return true;
  }

  static constexpr int kSent = -2;
  ThreadRanks& all_;
  std::deque<Receive> receives_;  // in the order of their numbers
  int first_ = 0;                 // number of the first
};

ThreadRanks::ThreadRanks(int ranks) {
  for (int rank = 0; rank < ranks; ++rank)
    communicators_.push_back(std::make_unique<Member>(*this, rank, ranks));
}

ThreadRanks::~ThreadRanks() = default;

void ThreadRanks::put(const Line& line, std::span<const std::byte> data) {
  const std::lock_guard guard(mutex_);
  sent_[line].emplace_back(data.begin(), data.end());
  changed_.notify_all();
}

void ThreadRanks::take(const Line& line, std::span<std::byte> data) {
  std::unique_lock guard(mutex_);
  const auto& queue = sent_[line];
  changed_.wait(guard, [&] { return !queue.empty() || !ended_.empty(); });
  take_first(line, data);
}

bool ThreadRanks::try_take(const Line& line, std::span<std::byte> data) {
  const std::lock_guard guard(mutex_);
  if (sent_[line].empty() && ended_.empty()) return false;
  take_first(line, data);
  return true;
}

void ThreadRanks::take_first(const Line& line, std::span<std::byte> data) {
  auto& queue = sent_[line];
  if (queue.empty()) throw Error(Fault::failure, "ranks", ended_);
  const std::vector<std::byte> message = std::move(queue.front());
  queue.pop_front();
  if (message.size() != data.size()) {
    throw Error(Fault::failure, "ranks",
                fmt::format("rank {} has sent {} bytes where rank {} waits for {}", std::get<0>(line),
                            message.size(), std::get<1>(line), data.size()));
  }
  std::copy(message.begin(), message.end(), data.begin());
}

void ThreadRanks::end(int rank, const std::string& why) {
  const std::lock_guard guard(mutex_);
  if (ended_.empty()) ended_ = fmt::format("rank {} of {} has ended: {}", rank, communicators_.size(), why);
  changed_.notify_all();
}

}  // namespace firn
