#include "tools/app/study/lease.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <system_error>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/seconds.h"
#include "engine/base/split.h"

namespace firn::cli {

namespace {

constexpr std::size_t kMostLease = 4096;  // of a lease's file

[[noreturn]] void fail_lease(const std::string& path, int error) {
  throw Error(Fault::failure, "lease", path + ": " + std::generic_category().message(error));
}

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// Equal for processes that see each other's numbers: this start of this machine, this space of processes.
std::string this_machine() {
  std::array<char, 64> space{};
  const ssize_t length = ::readlink("/proc/self/ns/pid", space.data(), space.size() - 1);
  std::string name = first_line("/proc/sys/kernel/random/boot_id") + "-" +
                     std::string(space.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

/// "NUMBER.START": a process and when it began, since numbers are used again; empty: there is none.
std::string process_text(const std::string& number) {
  const std::string line = first_line(("/proc/" + number + "/stat").c_str());
  const std::size_t name_end = line.rfind(')');  // the program's name may hold anything
  if (name_end == std::string::npos || name_end + 2 > line.size()) return {};
  const std::vector<std::string> fields = split(line.substr(name_end + 2), ' ');
  constexpr std::size_t kState = 0, kStart = 19;  // fields 3 and 22 of proc(5)
  if (fields.size() <= kStart || fields[kState] == "Z" || fields[kState] == "X") return {};
  return number + "." + fields[kStart];
}

/// "MACHINE PROCESS": who a lease is of, and no two holders at a time have it in common.
std::string own_name() {
  static std::atomic<unsigned> count = 0;
  return fmt::format("{} {}.{}", this_machine(), process_text(std::to_string(::getpid())), ++count);
}

std::string lease_time() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

std::string lease_content(const std::string& owner, unsigned beat) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format("{} {} {} {}\n", owner, beat, host.data(), lease_time());
}

/// Empty where there is no such file.
std::string read_lease(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMostLease, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

/// Whether a process of this machine held it, which is there no more.
bool is_dead(const std::string& lease) {
  const std::vector<std::string> words = split(lease, ' ');
  if (words.size() < 2 || words[0] != this_machine()) return false;
  const std::size_t number = words[1].find('.'), start = words[1].rfind('.');
  if (number == std::string::npos || start == number) return false;
  return process_text(words[1].substr(0, number)) != words[1].substr(0, start);
}

/// A name beside `path` that nobody else takes.
std::string lease_beside(const std::string& path, const std::string& owner) {
  return fmt::format("{}.{:x}", path, std::hash<std::string>()(owner));
}

void write_new(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) fail_lease(path, errno);
  const ssize_t written = ::write(file, text.data(), text.size());
  const int error = errno;
  if (::close(file) != 0 || written != static_cast<ssize_t>(text.size()))
    fail_lease(path, written < 0 ? error : EIO);
}

/// Makes the file with its whole content where there is none.
bool make_lease(const std::string& path, const std::string& owner) {
  const std::string whole = lease_beside(path, owner);
  write_new(whole, lease_content(owner, 0));
  bool made = ::link(whole.c_str(), path.c_str()) == 0;
  const int error = errno;
  struct stat file {};
  // A network file system may have made it and lost its answer.
  if (!made && ::stat(whole.c_str(), &file) == 0) made = file.st_nlink == 2;
  if (!made && (error == EPERM || error == ENOTSUP || error == ENOSYS)) {  // it has no links
    const int alone = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (alone >= 0) {
      ::close(alone);
      made = ::rename(whole.c_str(), path.c_str()) == 0;
    }
  }
  ::unlink(whole.c_str());
  if (!made && error != EEXIST && error != EPERM && error != ENOTSUP && error != ENOSYS)
    fail_lease(path, error);
  return made;
}

/// Takes away the file of a holder that is gone, unless another one has done so meanwhile.
void clear_lease(const std::string& path, const std::string& seen, const std::string& owner) {
  const std::string away = lease_beside(path, owner + " old");
  if (::rename(path.c_str(), away.c_str()) != 0) return;
  if (read_lease(away) != seen) (void)!::link(away.c_str(), path.c_str());  // a new one: back
  ::unlink(away.c_str());
}

}  // namespace

std::unique_ptr<Lease> Lease::take(const std::string& path, const std::function<bool()>& over,
                                   const LeaseTimes& times) {
  const std::string owner = own_name();
  std::string seen;
  double since = seconds_now();
  for (auto wait = std::chrono::milliseconds(5);;
       wait = std::min(wait * 2, std::chrono::milliseconds(1000))) {
    if (over()) return nullptr;
    if (make_lease(path, owner)) return std::unique_ptr<Lease>(new Lease(path, owner, times.beat));
    const std::string now = read_lease(path);
    if (now != seen) {
      seen = now;
      since = seconds_now();
    }
    if (is_dead(now) || seconds_since(since) > times.stale) {
      clear_lease(path, now, owner);
      seen.clear();
      continue;
    }
    std::this_thread::sleep_for(wait);
  }
}

Lease::Lease(std::string path, std::string owner, double beat)
    : path_(std::move(path)), owner_(std::move(owner)), beats_([this, beat] { beat_on(beat); }) {}

bool Lease::mine() const {
  return read_lease(path_).starts_with(owner_ + " ");
}

void Lease::beat_on(double seconds) {
  const std::string next = lease_beside(path_, owner_);
  std::unique_lock lock(guard_);
  for (unsigned beat = 1;
       !ended_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return end_; }); ++beat) {
    if (!mine()) return;  // another one has taken it over
    try {
      write_new(next, lease_content(owner_, beat));
    } catch (const Error&) {
      continue;  // a full disk: it may be taken over, and no result depends on that
    }
    ::rename(next.c_str(), path_.c_str());
  }
}

Lease::~Lease() {
  {
    const std::lock_guard lock(guard_);
    end_ = true;
  }
  ended_.notify_all();
  beats_.join();
  if (mine()) ::unlink(path_.c_str());
}

}  // namespace firn::cli
