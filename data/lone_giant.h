// One number that is no measure of the others: a slip of the decimal point, a mark for "missing".
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace firn {

/// What to say of a set that is to be standardised where one sample's number is a million times as large as
/// any other's in its column (images: channel): by the deviation nothing is left of the others. Names where
/// it was read; empty where there is none.
std::string lone_giant(const Dataset& data);

/// How far from zero the numbers of each column reach; empty for tokens.
std::vector<real> column_reach(const Dataset& data);

/// What to say of a part whose answers are asked for where one of its numbers is over a million and a million
/// times as large as any in that column of what was learned from, which reaches to `known` (one for all
/// columns, or one for each): such a sample's answer means nothing. Names where the largest was read; empty
/// where there is none.
std::string giant_beside(const Dataset& data, std::span<const real> known);

}  // namespace firn
