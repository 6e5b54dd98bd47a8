#include "tests/tools/cli_program.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace firn::test {

namespace {

namespace fs = std::filesystem;

constexpr const char* kOut = ".out";
constexpr const char* kErr = ".err";

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

std::vector<std::string> Outcome::lines() const {
  return lines_of(out);
}

std::size_t Outcome::error_lines() const {
  return lines_of(err).size();
}

Cli::Cli() {
  std::string pattern = (fs::temp_directory_path() / "firn-cli-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no folder " + pattern);
  folder_ = pattern;
}

Cli::~Cli() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
  fs::remove_all(cache_folder(), ignored);
}

Outcome Cli::run(const std::string& arguments, const std::vector<std::string>& more) {
  return wait(start(arguments, more));
}

pid_t Cli::start(const std::string& arguments, const std::vector<std::string>& more) {
  std::istringstream words(arguments);
  std::vector<std::string> all{FIRN_PROGRAM};
  for (std::string word; words >> word;) all.push_back(word);
  all.insert(all.end(), more.begin(), more.end());
  return start_words(std::move(all));
}

Outcome Cli::shell(const std::string& script) {
  return wait(start_words({"/bin/sh", "-c", script}));
}

pid_t Cli::start_words(std::vector<std::string> words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const std::string out = path(kOut);
  const std::string err = path(kErr);
  const pid_t process = fork();
  if (process == 0) {
    dup2(open(out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
    dup2(open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), STDERR_FILENO);
    setenv("XDG_CACHE_HOME", cache_folder().c_str(), 1);
    setenv("FIRN", FIRN_PROGRAM, 1);
    if (chdir(folder_.c_str()) == 0) execv(words[0].c_str(), pointers.data());
    _exit(127);
  }
  return process;
}

Outcome Cli::wait(pid_t process) {
  int status = 0;
  waitpid(process, &status, 0);
  Outcome outcome;
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.out = read(kOut);
  outcome.err = read(kErr);
  return outcome;
}

void Cli::write(const std::string& name, const std::string& text) const {
  fs::create_directories(fs::path(path(name)).parent_path());
  std::ofstream(path(name), std::ios::binary) << text;
}

void Cli::write_cache(const std::string& name, const std::string& text) const {
  const fs::path file = fs::path(cache_folder()) / name;
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

std::string Cli::read_cache(const std::string& name) const {
  std::ifstream in(fs::path(cache_folder()) / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Cli::read(const std::string& name) const {
  std::ifstream in(path(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool Cli::has(const std::string& name) const {
  return fs::exists(path(name));
}

std::vector<std::string> Cli::files() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
    const std::string name = entry.path().lexically_relative(folder_).string();
    if (entry.is_regular_file() && name != kOut && name != kErr) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace firn::test
