// The one exception of firn.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace firn {

/// Whose fault it was. The values are the exit codes of the program `firn`.
enum class Fault : int {
  failure = 1,     ///< the machine: disk full, no permission, out of memory
  usage = 2,       ///< the caller: a wrong argument, shape, name
  data = 3,        ///< a data file
  model_file = 4,  ///< a weights or checkpoint file
  non_finite = 5,  ///< NaN or infinity in a loss or a gradient
};

/// What went wrong, on one line: `[operation] message`.
/// For a file the message is `[operation] path, offset N: message`.
class Error : public std::runtime_error {
 public:
  Error(Fault fault, std::string_view operation, std::string_view message);
  Error(Fault fault, std::string_view operation, std::string_view path, std::uint64_t offset,
        std::string_view message);

  Fault fault() const { return fault_; }
  const std::string& operation() const { return operation_; }
  /// The file that was at fault; empty when none was.
  const std::string& path() const { return path_; }
  /// Bytes from the start of `path()`.
  std::uint64_t offset() const { return offset_; }

 private:
  Fault fault_;
  std::string operation_;
  std::string path_;
  std::uint64_t offset_ = 0;
};

}  // namespace firn
