#include "engine/base/error.h"

#include <fmt/core.h>

namespace firn {

Error::Error(Fault fault, std::string_view operation, std::string_view message)
    : std::runtime_error(fmt::format("[{}] {}", operation, message)), fault_(fault), operation_(operation) {}

Error::Error(Fault fault, std::string_view operation, std::string_view path, std::uint64_t offset,
             std::string_view message)
    : std::runtime_error(fmt::format("[{}] {}, offset {}: {}", operation, path, offset, message)),
      fault_(fault),
      operation_(operation),
      path_(path),
      offset_(offset) {}

}  // namespace firn
