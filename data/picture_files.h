// The pictures that lie in folders and files: found, read.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/real.h"

namespace firn {

/// What lies in a folder.
struct PictureFiles {
  std::vector<std::string> paths;        ///< PNG and JPEG, sorted by path
  Index nested = 0;                      ///< of them, how many lie in folders within
  std::map<std::string, Index> foreign;  ///< pictures that are not read, by kind
  Index others = 0;                      ///< files that are no pictures
  std::vector<std::string> system;       ///< what systems leave behind, passed over
  std::vector<std::string> folders;      ///< directly in it, but for such
};

/// Whether a file or folder is what a system leaves behind: hidden ones, __MACOSX, Thumbs.db, desktop.ini,
/// @eaDir, lost+found.
bool is_system_name(std::string_view name);

/// The folders directly in `folder`, sorted, but for those of systems.
std::vector<std::string> plain_folders(const std::string& folder);

/// What lies in `folder`, and with `deep` in the folders within, each once though links lead to it again. A
/// picture is told by its name (.png, .jpg, .jpeg, .jpe, .jfif), other names by their first bytes. Throws
/// Error(data) where a folder cannot be read.
PictureFiles find_pictures(const std::string& folder, bool deep);

/// Whether a picture lies in `folder` or in the folders within.
bool holds_picture(const std::string& folder, bool deep);

/// "3 WebP pictures, 1 GIF picture": `foreign` in words.
std::string foreign_text(const std::map<std::string, Index>& foreign);

/// Pictures of size × size × 3 bytes.
struct Pictures {
  std::vector<std::uint8_t> pixels;
  std::vector<std::size_t> good;  ///< the positions among the paths of those that were read
  std::vector<std::string> bad;   ///< what was wrong with each other one
};

/// Reads, scales and cuts (`decode_image`, `resize_crop`) on all threads. Throws Error(usage) for a size
/// below 1 or above 1024 and for more than 8 GiB.
Pictures read_pictures(std::span<const std::string> paths, Index size, Index shorter = 0);

/// Throws it where so many pictures of such a size are too much.
void check_pictures(Index size, Index count, Index channels);

/// "2 of 400 pictures cannot be read: ...; ..."
std::string bad_text(const std::vector<std::string>& bad, std::size_t all);

}  // namespace firn
