// What a verb of the program is. Adding one: a file pair in tools/app/verbs, its line in verbs.cpp there and
// in tools/CMakeLists.txt.
#pragma once

#include <memory>
#include <string>

#include "tools/app/cli/arguments.h"
#include "tools/app/cli/console.h"

namespace firn::cli {

class Verb {
 public:
  virtual ~Verb() = default;
  Verb() = default;
  Verb(const Verb&) = delete;
  Verb& operator=(const Verb&) = delete;

  /// Examples and options; `declare_console` is called by the program itself.
  virtual void declare(Arguments& arguments) = 0;
  /// How it was called, as a shell takes it: "firn train --model cnn".
  void set_command(std::string command) { command_ = std::move(command); }
  const std::string& command() const { return command_; }

  /// Does it; the exit code. Throws Error, whose fault is the exit code, and Interrupted.
  virtual int run(Console& console) = 0;

 private:
  std::string command_;
};

using VerbPtr = std::unique_ptr<Verb>;

}  // namespace firn::cli
