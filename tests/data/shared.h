// Where larger data lies that tests read when it is there.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace firn::test {

/// The path of `name` in the folder of shared data (FIRN_DATA_DIR, else ../shared/data beside the sources);
/// empty, with a message, where it is missing.
inline std::string shared_data(const std::string& name) {
  const char* folder = std::getenv("FIRN_DATA_DIR");
  const char* source = std::getenv("FIRN_SOURCE_DIR");
  const std::filesystem::path base =
      folder != nullptr ? std::filesystem::path(folder)
                        : std::filesystem::path(source != nullptr ? source : ".") / "../shared/data";
  const std::filesystem::path path = base / name;
  if (std::filesystem::exists(path)) return path.string();
  MESSAGE("skipped: " << path.string() << " is missing");
  return {};
}

}  // namespace firn::test
