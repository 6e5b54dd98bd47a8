// What freezing did inside networks, in pictures: each with a line that says how to read it and where the
// idea is from.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/app/report/effect_record.h"
#include "tools/app/report/page.h"

namespace firn::cli::report {

/// How far each block moved, what a linear classifier answers behind each, its features on a plane, the first
/// filters before and after, one sample's activations, the loss between the beginning and the end; of these
/// what there is. Of several looks, which began from the same weights, each picture has all, on one scale.
void add_effect(Page& page, std::span<const Look> looks);

/// The loss along the straight line between what two networks ended with.
void add_way(Page& page, const Way& way, const std::string& from, const std::string& to,
             const std::string& loss);

}  // namespace firn::cli::report
