// Characters of one bit a pixel, as many drawers a character: Omniglot made small (B. Lake, R. Salakhutdinov,
// J. Tenenbaum, "Human-level concept learning through probabilistic program induction", Science 2015).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/options.h"

namespace firn {

/// Drawers of each character; Omniglot's number.
constexpr Index kDrawers = 20;
/// Of these the last ones draw the test part.
constexpr Index kTestDrawers = 5;

/// Bytes 0 and 255 of images (N,H,W): rows of pixels one behind the other, the greatest bit first, 1 is ink;
/// each image begins with a byte of its own. Throws Error(data) unless the bytes are a whole number of
/// characters of `kDrawers` images.
std::vector<std::uint8_t> parse_bitmaps(std::span<const std::byte> bytes, const std::string& path,
                                        Index height, Index width);

/// A file NAME_HxW_1bit.bin, or a folder with one: image i is of class i / 20 by drawer i % 20; drawers 1 to
/// 15 are for training, 16 to 20 for the test. The classes are numbered.
DataParts open_bitmaps(const std::string& path, const DataOptions& options);

/// Whether `path` is such a folder or file.
bool is_bitmaps(const std::string& path);

}  // namespace firn
