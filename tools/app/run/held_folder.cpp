#include "tools/app/run/held_folder.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <thread>
#include <vector>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"

namespace firn::cli {

namespace {

namespace fs = std::filesystem;

constexpr const char* kUnpublished = ".unpublished";  // a file in a folder that has replaced nothing yet

[[noreturn]] void fail(const std::string& path, int error) {
  throw Error(Fault::failure, "run", path + ": " + std::generic_category().message(error));
}

/// runs/.NAME.new and runs/.NAME.old
std::string beside(const std::string& folder, const char* ending) {
  const fs::path path(folder);
  return (path.parent_path() / ("." + path.filename().string() + ending)).string();
}

std::string staging_of(const std::string& folder) {
  return beside(folder, ".new");
}

/// Between the two steps that replace it.
std::string replaced_of(const std::string& folder) {
  return beside(folder, ".old");
}

void sync_folder(const std::string& path) {
  const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  ::fsync(folder);
  ::close(folder);
}

/// Makes the folder where it is not there and holds it for this process; null while another one does.
std::shared_ptr<const int> lock_folder(const std::string& path, bool& is_new) {
  for (;;) {
    std::error_code code;
    is_new = fs::create_directories(path, code);
    if (code) fail(path, code.value());
    const int folder = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) fail(path, errno);
    std::shared_ptr<const int> lock(new int(folder), [](const int* file) {
      ::close(*file);
      delete file;
    });
    // A file system without locks has none to give; who looks whether it is locked holds it for a moment.
    bool taken = false;
    for (int i = 0; i < 3 && !taken; ++i) {
      if (i > 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
      taken = ::flock(folder, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
    }
    if (!taken) return nullptr;
    struct stat held {
    }, there{};
    const bool same = ::fstat(folder, &held) == 0 && ::stat(path.c_str(), &there) == 0 &&
                      held.st_ino == there.st_ino && held.st_dev == there.st_dev;
    if (same) return lock;  // else another process has just put a new one in its place
  }
}

/// By a process that was killed while it wrote.
bool is_left_over(const std::string& name) {
  return name.starts_with('.') && name.ends_with(".tmp");
}

}  // namespace

FolderInUse folder_in_use(const std::string& folder) {
  FolderInUse use{folder, false};
  std::error_code ignored;
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file >= 0) {
    use.held = ::flock(file, LOCK_SH | LOCK_NB) != 0;
    ::close(file);
  }
  const std::string staged = staging_of(folder);
  if (use.held && fs::exists(staged + "/config.json", ignored)) use.files = staged;
  return use;
}

HeldFolder::HeldFolder(std::string path, std::span<const char* const> own)
    : path_(std::move(path)), made_in_(path_), own_(own) {
  std::error_code ignored;
  if (!fs::exists(path_, ignored) && fs::is_directory(replaced_of(path_), ignored))
    fs::rename(replaced_of(path_), path_, ignored);
  lock_ = lock_folder(path_, is_new_);
  if (!held()) return;
  settle();
  std::vector<fs::path> left;
  for (const auto& entry : fs::directory_iterator(path_, ignored)) {
    if (is_left_over(entry.path().filename().string())) left.push_back(entry.path());
  }
  for (const fs::path& one : left) fs::remove(one, ignored);
}

HeldFolder::~HeldFolder() {
  std::error_code ignored;
  if (staged()) fs::remove_all(made_in_, ignored);
}

bool HeldFolder::has_own() const {
  return std::any_of(own_.begin(), own_.end(), [&](const char* one) {
    std::error_code ignored;
    return fs::exists(path_ + "/" + one, ignored);
  });
}

void HeldFolder::stage() {
  bool made = false;
  staging_lock_ = lock_folder(staging_of(path_), made);
  made_in_ = staging_of(path_);
  atomic_write(file(kUnpublished), "");
}

bool HeldFolder::replaces(const std::string& file) const {
  std::error_code code;
  const fs::path real = fs::canonical(file, code);
  return staged() && !code && fs::equivalent(real.parent_path(), path_, code);
}

void HeldFolder::publish() {
  if (!staged()) return;
  const std::string old = replaced_of(path_);
  if (::renameat2(AT_FDCWD, made_in_.c_str(), AT_FDCWD, path_.c_str(), RENAME_EXCHANGE) != 0) {
    if (errno != EINVAL && errno != ENOSYS && errno != EXDEV) fail(path_, errno);
    if (::rename(path_.c_str(), old.c_str()) != 0) fail(path_, errno);
    if (::rename(made_in_.c_str(), path_.c_str()) != 0) {
      const int error = errno;
      ::rename(old.c_str(), path_.c_str());
      fail(path_, error);
    }
  }
  sync_folder(fs::path(path_).parent_path().string());
  made_in_ = path_;
  fs::remove(file(kUnpublished));
  settle();
  lock_ = std::move(staging_lock_);
}

/// Clears what is beside the folder: a new one that was never published, an old one that has been replaced.
void HeldFolder::settle() const {
  std::error_code ignored;
  const std::string made = staging_of(path_);
  if (fs::exists(made + "/" + kUnpublished, ignored)) {
    fs::remove_all(made, ignored);
  } else if (fs::is_directory(made, ignored)) {
    clear_replaced(made);
  }
  if (fs::is_directory(replaced_of(path_), ignored)) clear_replaced(replaced_of(path_));
  fs::remove(path_ + "/" + kUnpublished, ignored);
}

/// What is not `own` moves to the folder that is there now, where it does not take another's place.
void HeldFolder::clear_replaced(const std::string& old) const {
  std::error_code ignored;
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator(old, ignored)) all.push_back(entry.path());
  for (const fs::path& one : all) {
    const std::string name = one.filename().string();
    if (std::find(own_.begin(), own_.end(), name) != own_.end() || is_left_over(name)) {
      fs::remove_all(one, ignored);
    } else {
      ::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, (path_ + "/" + name).c_str(), RENAME_NOREPLACE);
    }
  }
  fs::remove(old, ignored);
}

}  // namespace firn::cli
