// Runs the program firn as its users do, in a folder that is taken away afterwards.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace firn::test {

/// What a run of the program came to.
struct Outcome {
  int code = -1;  ///< exit code; 128 + signal when one ended it
  std::string out, err;
  std::vector<std::string> lines() const;  ///< of `out`
  std::size_t error_lines() const;
};

/// An empty folder with runs of the program in it.
class Cli {
 public:
  Cli();
  ~Cli();
  Cli(const Cli&) = delete;
  Cli& operator=(const Cli&) = delete;

  /// `arguments` are parted by spaces; one that holds spaces goes in `more`.
  Outcome run(const std::string& arguments, const std::vector<std::string>& more = {});
  /// Starts it and goes on; `wait` gives what came of it.
  pid_t start(const std::string& arguments, const std::vector<std::string>& more = {});
  Outcome wait(pid_t process);
  /// A script for sh, in which $FIRN is the program.
  Outcome shell(const std::string& script);

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const;
  std::string read(const std::string& name) const;
  /// A file in the folder that the program takes for its user's cache.
  void write_cache(const std::string& name, const std::string& text) const;
  std::string read_cache(const std::string& name) const;
  bool has(const std::string& name) const;
  /// Names of all files below the folder, but for the two that hold what was printed.
  std::vector<std::string> files() const;

 private:
  pid_t start_words(std::vector<std::string> words);
  std::string cache_folder() const { return folder_ + ".cache"; }

  std::string folder_;
};

}  // namespace firn::test
