// What products by a matrix unit's tiles have in common.
#pragma once

#include "engine/kernels/bf16_rate.h"
#include "engine/ops/convert.h"
#include "engine/ops/implementation.h"
#include "engine/ops/matrix_cost.h"

namespace firn {

/// What a listing says of them: "tiles (AMX)".
Attribute matrix_attribute();

/// Whether the node's product is one of bf16 and may be made by tiles.
bool matrix_allowed(const Choice& choice);

/// How many times as many multiply-adds a unit makes a second, 1 where there is none but the plain loops.
double unit_rate_of(const Choice& choice);

/// `cost`, or `rates::kAskedFor` where tiles are pinned.
double matrix_choice_cost(double cost);

/// Packs a weight for convolution `g`. `turned`: it is that of the convolution whose input gradient g gives.
std::shared_ptr<const Op> matrix_pack_op(const Choice& choice, const ConvGeometry& g, bool turned);

}  // namespace firn
