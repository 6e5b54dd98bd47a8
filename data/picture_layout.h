// How folders of pictures are laid out: where each part of a set lies.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "data/part_names.h"

namespace firn {

constexpr std::string_view kFolderOperation = "folder";  ///< in errors

constexpr std::array kParts = {SetPart::train, SetPart::validation, SetPart::test};

/// A value for each part.
template <class T>
struct ByPart {
  std::array<T, kParts.size()> values = {};
  T& operator[](SetPart part) { return values[static_cast<std::size_t>(part)]; }
  const T& operator[](SetPart part) const { return values[static_cast<std::size_t>(part)]; }
};
using Names = ByPart<std::string>;  ///< empty: none

/// Where the parts of a set lie.
struct PictureLayout {
  Names folders;                       ///< one folder a class in each
  std::vector<std::string> leave_out;  ///< folders in the training part's that are no classes
  std::vector<std::string> notes;
};

/// Finds it in `path`, as `open_image_folder` says. Throws Error(data) for folders that are no set.
PictureLayout lay_out(const std::string& path);

/// Says which folders are taken for which parts.
void note_parts(const PictureLayout& layout, const std::string& path, std::vector<std::string>& notes);

/// Whether a folder within holds a picture, near or deep.
bool holds_classes(const std::string& folder);

}  // namespace firn
