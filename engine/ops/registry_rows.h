// The rows of the registry that are made of what their own file alone knows.
#pragma once

#include <vector>

#include "engine/ops/operation_kind.h"

namespace firn {

void add_adaptive_pool_kinds(std::vector<OperationKind>& rows);
void add_convolution_kinds(std::vector<OperationKind>& rows);
void add_loss_kinds(std::vector<OperationKind>& rows);
void add_norm_kinds(std::vector<OperationKind>& rows);
void add_pool_kinds(std::vector<OperationKind>& rows);
void add_rearranging_kinds(std::vector<OperationKind>& rows);
void add_recurrent_kinds(std::vector<OperationKind>& rows);
void add_reducing_kinds(std::vector<OperationKind>& rows);

}  // namespace firn
