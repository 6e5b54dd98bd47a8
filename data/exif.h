// The orientation that a camera notes in a picture (EXIF 2.32, JEITA CP-3451; the tag is TIFF 6.0's).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "data/byte_image.h"

namespace firn {

/// The orientation in `tiff`, the TIFF file inside a JPEG's APP1 segment or a PNG's eXIf chunk, either byte
/// order: 1 to 8; 1, upright, where none is noted or the bytes are damaged.
int exif_orientation(std::span<const std::byte> tiff);
/// The same, nothing where none is noted.
std::optional<int> noted_orientation(std::span<const std::byte> tiff);
/// The orientation in an XMP packet (Adobe XMP Specification Part 3, tiff:Orientation), the text behind the
/// name of a JPEG's APP1 segment; nothing where none is noted.
std::optional<int> xmp_orientation(std::string_view packet);

/// The picture as it is meant to be seen. What is stored is 2 mirrored left to right, 3 turned by 180
/// degrees, 4 mirrored top to bottom, 5 transposed, 6 turned by 90 degrees counter-clockwise, 7 transposed
/// along the other diagonal, 8 turned by 90 degrees clockwise; 1 is returned as it is.
ByteImage upright(ByteImage image, int orientation);

}  // namespace firn
