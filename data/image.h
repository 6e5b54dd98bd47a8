// One picture: decoded, resized.
#pragma once

#include <span>
#include <string>

#include "data/byte_image.h"

namespace firn {

/// Decodes PNG or JPEG to RGB, upright as EXIF's orientation has it. Grey and palette become RGB;
/// transparency is dropped: the colour that lies under it counts; of 16 bits the upper eight are taken; four
/// components are CMYK (YCCK where Adobe's marker says so) stored inverted, as Adobe does, with or without
/// its marker. The whole file is checked first (`check_png`, `check_jpeg`), because the decoder itself lets
/// damaged and cut files pass, and takes memory for what they claim. Of all threads together at most
/// `kMaxPixels` are decoded at one time; others wait. Throws Error(data) with `path` for anything else, named
/// as what it is (`file_kind`), and for pictures over the caps.
ByteImage decode_image(std::span<const std::byte> bytes, const std::string& path);

/// The picture scaled so that its shorter side is `shorter` pixels long (0: `size`; no less than that), and
/// of that the middle size × size pixels. The filter is a triangle as wide as the step between samples when
/// shrinking, one pixel when enlarging (bilinear).
ByteImage resize_crop(const ByteImage& image, Index size, Index shorter = 0);

}  // namespace firn
