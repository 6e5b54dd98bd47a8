// Whether the bytes of a picture are whole, and what they promise.
#pragma once

#include <optional>

#include "engine/base/bytes.h"
#include "engine/base/real.h"

namespace firn {

struct PictureHeader {
  Index height = 0;  ///< as stored
  Index width = 0;
  int orientation = 1;  ///< EXIF's, or of a JPEG without XMP's; 1 to 8
  /// JPEG of four components: where its frame header begins, and the transform of Adobe's marker, if any.
  std::uint64_t frame = 0;
  int components = 0;
  std::optional<int> adobe;
};

/// PNG, ISO/IEC 15948: signature, IHDR first, every chunk within the file and its CRC right, IEND at the end,
/// and the pixels, unpacked in a small buffer, exactly as many bytes as IHDR promises.
/// JPEG, ITU T.81 annex B: start marker, every segment within the file, Huffman tables of at most 256
/// symbols, a scan, the end marker, and of coded data at least a bit for each block of 8 x 8 samples.
/// Both throw Error(data) through `reader`, which stands at the start of the file: also for pictures larger
/// than `kMaxSide` or `kMaxPixels`, before anything is unpacked, and for kinds that are not read.
PictureHeader check_png(ByteReader& reader);
PictureHeader check_jpeg(ByteReader& reader);

}  // namespace firn
