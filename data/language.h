// Plain text as a language model sees it: from each character to the next.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/options.h"

namespace firn {

/// Windows of T = `options.window` characters and, as the labels of their steps, the characters that follow;
/// window i begins at character i · T. The numbers of the characters are their positions in
/// `options.vocabulary`, counted from 0 (no padding is needed, all windows are full); without one, in the
/// sorted set of those in the text. Characters that a given vocabulary lacks are left out, which a note
/// counts. It is not divided. Throws Error(data) on what is
/// not UTF-8, on fewer than ten windows, and when more than a tenth of the characters is unknown;
/// Error(usage) on a vocabulary with entries that are not one character.
DataParts parse_text(std::span<const std::byte> bytes, const std::string& path, const DataOptions& options);
DataParts open_text(const std::string& path, const DataOptions& options);

/// Whether `path` is a .txt file.
bool is_text(const std::string& path);

}  // namespace firn
