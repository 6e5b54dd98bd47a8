// The program firn: runs its command; errors become one line and an exit code.
#include <algorithm>
#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/printable.h"
#include "tools/app/cli/console.h"
#include "tools/app/cli/interrupt.h"
#include "tools/app/verbs/command.h"

namespace firn::cli {

namespace {

int complain(const std::string& message, Fault fault) {
  std::string line = message;
  std::replace(line.begin(), line.end(), '\n', ' ');
  write_stderr("firn: " + printable(line) + "\n");
  return static_cast<int>(fault);
}

}  // namespace

}  // namespace firn::cli

int main(int argc, char** argv) {
  using namespace firn;
  cli::prepare_streams();
  try {
    const int code = cli::run_command(std::vector<std::string>(argv + 1, argv + argc));
    cli::close_stdout();
    return code;
  } catch (const ClosedPipe&) {
    return 128 + SIGPIPE;
  } catch (const cli::Interrupted& interrupted) {
    return 128 + interrupted.signal;
  } catch (const Error& error) {
    return cli::complain(error.what(), error.fault());
  } catch (const std::bad_alloc&) {
    return cli::complain("memory is out", Fault::failure);
  } catch (const std::exception& error) {
    return cli::complain(error.what(), Fault::failure);
  }
}
