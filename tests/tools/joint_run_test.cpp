// What a run of several ranks says of them, by ranks that are threads.
#include "tools/app/cluster/joint_run.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "engine/base/thread_ranks.h"

using namespace firn;

namespace {

/// A rank of `ThreadRanks` under the name of some MPI.
class Named final : public cli::MpiRanks {
 public:
  Named(Communicator& rank, std::string library)
      : MpiRanks(rank.rank(), rank.ranks()), rank_(rank), library_(std::move(library)) {}
  std::string library() const override { return library_; }
  void close(int, const std::string&) override {}
  void abort(int) override {}
  void finish() override { rank_.finish(); }

 private:
  void do_send(int to, std::span<const std::byte> data) override { rank_.send(to, data); }
  void do_receive(int from, std::span<std::byte> data) override { rank_.receive(from, data); }
  int do_start_send(int to, std::span<const std::byte> data, int way) override {
    return rank_.start_send(to, data, way);
  }
  int do_start_receive(int from, std::span<std::byte> data, int way) override {
    return rank_.start_receive(from, data, way);
  }
  bool is_done(int number) override { return rank_.done(number); }

  Communicator& rank_;
  std::string library_;
};

/// What rank 0 says.
std::vector<std::string> introduced(int count, const std::string& library) {
  ThreadRanks ranks(count);
  std::vector<std::string> lines;
  std::vector<std::thread> threads;
  for (int rank = 0; rank < count; ++rank) {
    threads.emplace_back([&, rank] {
      cli::JointRun run(std::make_unique<Named>(ranks.of(rank), library));
      const std::vector<std::string> own = run.introduce();
      if (rank == 0) lines = own;
    });
  }
  for (std::thread& thread : threads) thread.join();
  return lines;
}

}  // namespace

TEST_CASE("each rank's process is said where the launcher would name that alone") {
  const std::vector<std::string> mpich = introduced(3, "MPICH Version 4.0.2");
  REQUIRE(mpich.size() == 2);
  CHECK(mpich[0].starts_with("3 processes share each step (MPICH Version 4.0.2)"));
  const std::string process = " is process " + std::to_string(::getpid()) + " on ";
  std::size_t at = 0;
  for (int rank = 0; rank < 3; ++rank) {
    at = mpich[1].find("rank " + std::to_string(rank) + process, at);
    REQUIRE(at != std::string::npos);
  }
  CHECK(introduced(2, "Open MPI v4.1.4").size() == 1);
}
