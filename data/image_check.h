// Whether the bytes of a picture are whole.
#pragma once

#include "engine/base/bytes.h"

namespace firn {

/// PNG, ISO/IEC 15948: signature, IHDR first, every chunk within the file and its CRC right, IEND at the end.
/// JPEG, ITU T.81 annex B: start marker, every segment within the file, Huffman tables of at most 256
/// symbols, a scan, the end marker. Both throw Error(data) through `reader`, which stands at the start of the
/// file.
void check_png(ByteReader& reader);
void check_jpeg(ByteReader& reader);

}  // namespace firn
