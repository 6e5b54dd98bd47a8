// Which language is a word: Debian's word lists.
#pragma once

#include <string>

#include "data/dataset.h"
#include "data/options.h"

namespace firn {

/// The lists that lie in `folder` (empty: /usr/share/dict; packages wamerican, wfrench, wngerman, wspanish,
/// witalian,
/// ...), at least two; one class for each language. Words are made lower-case and taken once; left out are
/// those of fewer than 3 or more than 20 letters, those with anything but Latin letters (also accented), and
/// those that are in more than one language. Of a language with more than `options.limit` words so many are
/// kept, evenly spaced in alphabetical order. Tokens as in data/tsv.h; not divided. Throws Error(data) naming
/// the packages when fewer than two lists are there.
DataParts open_words(const std::string& folder, const DataOptions& options);

}  // namespace firn
