// What can be asked for when data is opened.
#pragma once

#include <string>
#include <vector>

#include "engine/base/real.h"

namespace firn {

struct DataOptions {
  Index size = 0;  ///< images are resized to size × size; 0: as they are (folders: 64)
  bool skip_bad =
      false;  ///< leave out images that cannot be read, and say which in `notes`; else they are an error
  Index limit = 5000;  ///< words: at most so many of each language
  Index window = 64;   ///< text: characters of a sample
  std::vector<std::string> vocabulary =
      {};  ///< text: its characters in order; empty: the sorted ones of the file
};

}  // namespace firn
