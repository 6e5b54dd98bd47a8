// Which arrays of a folder or an archive are samples, labels and lengths, by their names.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/part_names.h"

namespace firn {

/// The arrays of one part; empty names where there is none.
struct PartArrays {
  std::optional<SetPart> part;  ///< none: the name does not say
  std::string samples, labels, lengths;
};

/// Arrays that belong together: "digits_x_train" and "digits_y_train" are of "digits".
struct ArrayGroup {
  std::string name;
  std::vector<PartArrays> parts;  ///< the training part first
};

/// Words of a name are parted by _ - . or a capital. x, data, images, features and the like are samples; y,
/// labels, targets, classes are labels; lengths, lens are lengths; a name without such a word is samples
/// where labels go with it ("photos" and "photos_labels", or "photos" and "labels"). train, val, dev, test
/// say the part. The others name the group. Arrays of one name come twice in no group. Groups without samples
/// are left out.
std::vector<ArrayGroup> group_arrays(const std::vector<std::string>& names);

/// Whether a name says that the array holds labels, or lengths.
bool names_labels(std::string_view name);

}  // namespace firn
