// One number that is no measure of the others: a slip of the decimal point, a mark for "missing".
#pragma once

#include <string>

#include "data/dataset.h"

namespace firn {

/// What to say of a set that is to be standardised where one sample's number is a million times as large as
/// any other's in its column (images: channel): by the deviation nothing is left of the others. Names where
/// it was read; empty where there is none.
std::string lone_giant(const Dataset& data);

}  // namespace firn
