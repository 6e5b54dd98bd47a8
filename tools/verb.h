// What a verb of the program is. Adding one: a file pair verb_NAME, its line in the registry of main.cpp and
// in CMakeLists.txt.
#pragma once

#include <memory>

#include "tools/arguments.h"
#include "tools/console.h"

namespace firn::cli {

class Verb {
 public:
  virtual ~Verb() = default;
  Verb() = default;
  Verb(const Verb&) = delete;
  Verb& operator=(const Verb&) = delete;

  /// Examples and options; `declare_console` is called by the program itself.
  virtual void declare(Arguments& arguments) = 0;
  /// Does it; the exit code. Throws Error, whose fault is the exit code, and Interrupted.
  virtual int run(Console& console) = 0;
};

using VerbPtr = std::unique_ptr<Verb>;

}  // namespace firn::cli
