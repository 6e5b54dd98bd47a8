// Datasets as a model wants to see them: views that change channels or labels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace firn::cli {

/// Images with another number of channels: grey repeated three times, or colour as its brightness
/// (0.299 R + 0.587 G + 0.114 B). Throws Error(usage) for other numbers.
DatasetPtr with_channels(DatasetPtr data, Index channels);

/// Labels in the order of other classes: label i becomes new_label[i], -1 for none.
DatasetPtr with_labels(DatasetPtr data, std::vector<std::string> classes,
                       std::vector<std::int32_t> new_label);

}  // namespace firn::cli
