#include "data/picture_files.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <exception>
#include <filesystem>
#include <fstream>
#include <set>
#include <system_error>

#include "data/files.h"
#include "data/image.h"
#include "data/picture_kind.h"
#include "engine/base/atomic_file.h"
#include "engine/base/parallel.h"

namespace firn {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFolder = "folder";
constexpr Index kMaxSize = 1024;
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 28;
constexpr Index kMaxBytes = Index{1} << 33;  ///< of all pictures of a part together
constexpr std::size_t kNamed = 5;            ///< bad pictures that a message names

constexpr std::array<std::string_view, 5> kEndings = {".png", ".jpg", ".jpeg", ".jpe", ".jfif"};

bool has_picture_name(const std::string& name) {
  const std::string small = lower_case(name);
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return small.ends_with(ending); });
}

FileKind kind_of(const std::string& path) {
  if (!is_file(path)) return {};
  std::array<char, kKindBytes> beginning{};
  std::ifstream file(path, std::ios::binary);
  file.read(beginning.data(), beginning.size());
  return file_kind(std::as_bytes(std::span(beginning)).first(static_cast<std::size_t>(file.gcount())));
}

struct Entry {
  std::string name;
  bool folder;
};

std::vector<Entry> entries_of(const std::string& folder) {
  std::error_code error;
  std::vector<Entry> entries;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    entries.push_back({at->path().filename().string(), at->is_directory(ignored)});
  }
  if (error) throw Error(Fault::data, kFolder, fmt::format("{}: {}", folder, error.message()));
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

/// Walks through folders, each once, in the order of their names.
class Walk {
 public:
  explicit Walk(bool deep) : deep_(deep) {}

  /// `visit(path, name, depth, folder)` returns whether to go on.
  template <class Visit>
  bool through(const std::string& folder, const Visit& visit, int depth = 0) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    if (!error && !seen_.insert(real.string()).second) return true;
    const std::vector<Entry> entries = entries_of(folder);
    for (const Entry& entry : entries) {
      const std::string path = join(folder, entry.name);
      if (!visit(path, entry.name, depth, entry.folder)) return false;
      if (deep_ && entry.folder && !is_system_name(entry.name) && !through(path, visit, depth + 1))
        return false;
    }
    return true;
  }

 private:
  bool deep_;
  std::set<std::string> seen_;
};

}  // namespace

bool is_system_name(std::string_view name) {
  if (name.starts_with('.') || name.starts_with('$')) return true;
  const std::string small = lower_case(name);
  return small == "__macosx" || small == "thumbs.db" || small == "desktop.ini" || small == "@eadir" ||
         small == "lost+found" || small == "system volume information";
}

std::vector<std::string> plain_folders(const std::string& folder) {
  std::vector<std::string> names;
  for (Entry& entry : entries_of(folder)) {
    if (entry.folder && !is_system_name(entry.name)) names.push_back(std::move(entry.name));
  }
  return names;
}

PictureFiles find_pictures(const std::string& folder, bool deep) {
  PictureFiles files;
  Walk(deep).through(folder, [&](const std::string& path, const std::string& name, int depth, bool is_dir) {
    if (is_system_name(name)) {
      files.system.push_back(name);
      return true;
    }
    if (is_dir) {
      if (depth == 0) files.folders.push_back(name);
      return true;
    }
    const FileKind kind = has_picture_name(name) ? FileKind{PictureKind::read, ""} : kind_of(path);
    if (kind.picture == PictureKind::read) {
      files.paths.push_back(path);
      files.nested += depth > 0 ? 1 : 0;
    } else if (kind.picture == PictureKind::foreign) {
      ++files.foreign[std::string(kind.name)];
    } else {
      ++files.others;
    }
    return true;
  });
  std::sort(files.paths.begin(), files.paths.end());
  return files;
}

bool holds_picture(const std::string& folder, bool deep) {
  bool found = false;
  Walk(deep).through(folder, [&](const std::string& path, const std::string& name, int, bool is_dir) {
    if (is_system_name(name) || is_dir) return true;
    found = has_picture_name(name) || kind_of(path).picture != PictureKind::none;
    return !found;
  });
  return found;
}

std::string foreign_text(const std::map<std::string, Index>& foreign) {
  std::string text;
  for (const auto& [kind, count] : foreign) {
    text += fmt::format("{}{} {}{}", text.empty() ? "" : ", ", count, kind,
                        count > 1 && kind.ends_with("picture") ? "s" : "");
  }
  return text;
}

void check_pictures(Index size, Index count, Index channels) {
  if (size < 1 || size > kMaxSize) {
    throw Error(Fault::usage, kFolder, fmt::format("pictures of size {}, want 1 to {}", size, kMaxSize));
  }
  if (count > kMaxBytes / (size * size * channels)) {
    throw Error(Fault::usage, kFolder,
                fmt::format("{} pictures of {} x {} are more than {} bytes: ask for a smaller size", count,
                            size, size, kMaxBytes));
  }
}

Pictures read_pictures(std::span<const std::string> paths, Index size, Index shorter) {
  constexpr Index kColours = 3;
  check_pictures(size, static_cast<Index>(paths.size()), kColours);
  const auto each = static_cast<std::size_t>(size * size * kColours);
  Pictures result;
  result.pixels.resize(paths.size() * each);
  std::vector<std::string> wrong(paths.size());
  parallel_for(static_cast<Index>(paths.size()), [&](Index n) {
    const auto i = static_cast<std::size_t>(n);
    try {
      const ByteImage image =
          resize_crop(decode_image(read_file(paths[i], Fault::data, kMaxFileBytes), paths[i]), size, shorter);
      std::copy(image.pixels.begin(), image.pixels.end(), result.pixels.data() + i * each);
    } catch (const std::exception& error) {
      wrong[i] = error.what();
    }
  });
  std::size_t good = 0;
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    if (!wrong[i].empty()) {
      result.bad.push_back(std::move(wrong[i]));
      continue;
    }
    if (good != i) std::copy_n(result.pixels.data() + i * each, each, result.pixels.data() + good * each);
    result.good.push_back(i);
    ++good;
  }
  result.pixels.resize(good * each);
  return result;
}

std::string bad_text(const std::vector<std::string>& bad, std::size_t all) {
  std::string text = fmt::format("{} of {} pictures cannot be read: ", bad.size(), all);
  for (std::size_t i = 0; i < std::min(bad.size(), kNamed); ++i) text += (i == 0 ? "" : "; ") + bad[i];
  return bad.size() > kNamed ? text + "; ..." : text;
}

}  // namespace firn
