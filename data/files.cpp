#include "data/files.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "engine/base/error.h"
#include "engine/base/glob.h"

namespace firn {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> names_in(const std::string& folder, bool folders) {
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    std::error_code ignored;
    if (!name.starts_with('.') && at->is_directory(ignored) == folders) names.push_back(std::move(name));
  }
  if (error) throw Error(Fault::data, "data", fmt::format("{}: {}", folder, error.message()));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::vector<std::string> file_names(const std::string& folder) {
  return names_in(folder, false);
}
std::vector<std::string> folder_names(const std::string& folder) {
  return names_in(folder, true);
}

bool is_file(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

std::string join(const std::string& folder, std::string_view name) {
  return (fs::path(folder) / name).string();
}

std::string base_name(const std::string& path) {
  const std::size_t end = path.find_last_not_of('/');
  const std::string name =
      fs::path(path.substr(0, end == std::string::npos ? 0 : end + 1)).filename().string();
  if (!name.empty() && name != "." && name != "..") return name;
  // What they stand for; a path that names nothing at all stays as it is.
  std::error_code ignored;
  const std::string full = fs::canonical(path, ignored).filename().string();
  return full.empty() ? path : full;
}

std::string did_you_mean_path(const std::string& path) {
  fs::path there;
  for (const fs::path& part : fs::path(path)) {
    const fs::path next = there / part;
    std::error_code error;
    if (fs::exists(next, error)) {
      there = next;
      continue;
    }
    std::vector<std::string> names;
    for (fs::directory_iterator at(there.empty() ? "." : there, error), end; !error && at != end;
         at.increment(error)) {
      names.push_back(at->path().filename().string());
    }
    std::sort(names.begin(), names.end());
    const std::string nearest = nearest_name(part.string(), names);
    return nearest.empty() ? std::string() : fmt::format(" (did you mean {}?)", (there / nearest).string());
  }
  return {};
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

std::string_view without_gz(std::string_view text) {
  return text.ends_with(".gz") ? text.substr(0, text.size() - 3) : text;
}

}  // namespace firn
