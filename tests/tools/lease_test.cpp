// Leases: one holder at a time, and none that is dead or gone keeps others waiting.
#include "tools/app/study/lease.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/seconds.h"
#include "tests/folder.h"

namespace {

using firn::seconds_now;
using firn::cli::Lease;
using firn::cli::LeaseTimes;

bool never() {
  return false;
}

void write(const std::string& path, const std::string& text) {
  std::ofstream(path + ".new") << text;
  std::filesystem::rename(path + ".new", path);
}

std::size_t files_in(const firn::test::Folder& folder) {
  const std::filesystem::directory_iterator all(folder / ".");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

TEST_CASE("of many threads one works at a time, and nothing is left behind") {
  const firn::test::Folder folder;
  const std::string path = folder / "work.lease";
  std::atomic<int> inside = 0, most = 0, times = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) {
        const auto lease = Lease::take(path, never);
        most = std::max(most.load(), ++inside);
        ++times;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(times == 30);
  CHECK(most == 1);
  CHECK(files_in(folder) == 0);
}

TEST_CASE("who waits stops waiting when the work is done") {
  const firn::test::Folder folder;
  const auto held = Lease::take(folder / "a", never);
  REQUIRE(held);
  int asked = 0;
  CHECK_FALSE(Lease::take(folder / "a", [&] { return ++asked > 3; }));
  CHECK(asked == 4);
  CHECK(Lease::take(folder / "b", never));
}

TEST_CASE("a holder of this machine that was killed is known at once") {
  const firn::test::Folder folder;
  const std::string path = folder / "a";
  const pid_t child = fork();
  if (child == 0) {
    const auto lease = Lease::take(path, never);
    _exit(0);  // as a kill does: nothing is given back
  }
  waitpid(child, nullptr, 0);
  REQUIRE(std::filesystem::exists(path));
  const double begin = seconds_now();
  CHECK(Lease::take(path, never, {.beat = 10, .stale = 1000}));
  CHECK(firn::seconds_since(begin) < 30);
}

TEST_CASE("a holder of another machine keeps it as long as its file changes") {
  const firn::test::Folder folder;
  const std::string path = folder / "a";
  write(path, "elsewhere 7.7.1 0 host 2026-01-01T00:00:00Z\n");
  std::atomic<bool> end = false;
  std::thread other([&] {
    for (int beat = 1; !end; ++beat) {
      write(path, "elsewhere 7.7.1 " + std::to_string(beat) + " host 2026-01-01T00:00:00Z\n");
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  const LeaseTimes times{.beat = 0.05, .stale = 2};
  double begin = seconds_now();
  CHECK_FALSE(Lease::take(
      path, [&] { return firn::seconds_since(begin) > 3; }, times));
  end = true;
  other.join();
  begin = seconds_now();
  CHECK(Lease::take(path, never, times));
  CHECK(firn::seconds_since(begin) > 1.9);
}

TEST_CASE("it beats, and a holder that was taken for gone takes nothing from the next one") {
  const firn::test::Folder folder;
  const std::string path = folder / "a";
  auto lease = Lease::take(path, never, {.beat = 0.02, .stale = 1});
  const auto read = [&] {
    std::string line;
    std::ifstream file(path);
    std::getline(file, line);
    return line;
  };
  const std::string first = read();
  const double begin = seconds_now();
  while (read() == first && firn::seconds_since(begin) < 30)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  CHECK(read() != first);
  const std::string next = "elsewhere 8.8.1 0 host 2026-01-01T00:00:00Z";
  write(path, next + "\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  lease.reset();
  // At most one beat was under way: then the next one's file is gone, and it goes on without.
  CHECK((read() == next || read().empty()));
}

TEST_CASE("a folder that is not there is an error") {
  const firn::test::Folder folder;
  CHECK_THROWS_AS(Lease::take(folder / "no/a", never), firn::Error);
}

}  // namespace
