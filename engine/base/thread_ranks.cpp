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
  void do_send(int to, std::span<const std::byte> data) override { all_.put(rank(), to, data); }
  void do_receive(int from, std::span<std::byte> data) override { all_.take(from, rank(), data); }

  ThreadRanks& all_;
};

ThreadRanks::ThreadRanks(int ranks) {
  for (int rank = 0; rank < ranks; ++rank)
    communicators_.push_back(std::make_unique<Member>(*this, rank, ranks));
}

ThreadRanks::~ThreadRanks() = default;

void ThreadRanks::put(int from, int to, std::span<const std::byte> data) {
  const std::lock_guard guard(mutex_);
  sent_[{from, to}].emplace_back(data.begin(), data.end());
  changed_.notify_all();
}

void ThreadRanks::take(int from, int to, std::span<std::byte> data) {
  std::unique_lock guard(mutex_);
  auto& queue = sent_[{from, to}];
  changed_.wait(guard, [&] { return !queue.empty() || !ended_.empty(); });
  if (queue.empty()) throw Error(Fault::failure, "ranks", ended_);
  const std::vector<std::byte> message = std::move(queue.front());
  queue.pop_front();
  if (message.size() != data.size()) {
    throw Error(Fault::failure, "ranks",
                fmt::format("rank {} has sent {} bytes where rank {} waits for {}", from, message.size(), to,
                            data.size()));
  }
  std::copy(message.begin(), message.end(), data.begin());
}

void ThreadRanks::end(int rank, const std::string& why) {
  const std::lock_guard guard(mutex_);
  if (ended_.empty()) ended_ = fmt::format("rank {} of {} has ended: {}", rank, communicators_.size(), why);
  changed_.notify_all();
}

}  // namespace firn
