#include "engine/base/error.h"

#include <fmt/core.h>

#include <string>

namespace firn {

namespace {

/// `what` ends at a byte of zero; one that a message repeats from a file is written out.
std::string whole(std::string text) {
  for (std::size_t at = 0; (at = text.find('\0', at)) != std::string::npos;) text.replace(at, 1, "\\x00");
  return text;
}

}  // namespace

Error::Error(Fault fault, std::string_view operation, std::string_view message)
    : std::runtime_error(whole(fmt::format("[{}] {}", operation, message))),
      fault_(fault),
      operation_(operation) {}

Error::Error(Fault fault, std::string_view operation, std::string_view path, std::uint64_t offset,
             std::string_view message)
    : std::runtime_error(whole(fmt::format("[{}] {}, offset {}: {}", operation, path, offset, message))),
      fault_(fault),
      operation_(operation),
      path_(path),
      offset_(offset) {}

}  // namespace firn
