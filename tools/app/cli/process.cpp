#include "tools/app/cli/process.h"

#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "engine/base/error.h"

extern char** environ;

namespace firn::cli {

namespace {

/// A nameless file that takes what a program prints: unlike a pipe it is never full.
class Capture {
 public:
  Capture() : file_(std::tmpfile(), &std::fclose) {
    if (file_ == nullptr)
      throw Error(Fault::failure, "process", fmt::format("no temporary file: {}", std::strerror(errno)));
  }
  int descriptor() const { return fileno(file_.get()); }
  std::string text() const {
    std::string all;
    char part[4096];
    std::rewind(file_.get());
    for (std::size_t n; (n = std::fread(part, 1, sizeof part, file_.get())) > 0;) all.append(part, n);
    return all;
  }

 private:
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

std::vector<std::string>& said_program() {
  static std::vector<std::string> words;
  return words;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& text : texts) all.push_back(text.data());
  all.push_back(nullptr);
  return all;
}

std::vector<std::string> merged(const std::vector<std::pair<std::string, std::string>>& environment) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    bool replaced = false;
    for (const auto& [name, value] : environment) replaced |= text.starts_with(name + "=");
    if (!replaced) all.push_back(text);
  }
  for (const auto& [name, value] : environment) all.push_back(name + "=" + value);
  return all;
}

}  // namespace

ProcessOutcome run_process(const std::vector<std::string>& words,
                           const std::vector<std::pair<std::string, std::string>>& environment) {
  const Capture out, err;
  std::vector<std::string> arguments = words, variables = merged(environment);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out.descriptor(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.descriptor(), STDERR_FILENO);
  pid_t process = 0;
  const int failed = posix_spawnp(&process, arguments[0].c_str(), &actions, nullptr,
                                  pointers(arguments).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0)
    throw Error(Fault::failure, "process", fmt::format("{}: {}", words[0], std::strerror(failed)));
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {code, out.text(), err.text()};
}

std::vector<std::string> own_program() {
  if (!said_program().empty()) return said_program();
  std::error_code failed;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed) throw Error(Fault::failure, "process", "/proc/self/exe: " + failed.message());
  return {path.string()};
}

void set_own_program(std::vector<std::string> words) {
  said_program() = std::move(words);
}

}  // namespace firn::cli
