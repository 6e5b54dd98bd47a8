// Fashion-MNIST where Debian's package puts it.
#pragma once

#include <string>

#include "data/dataset.h"
#include "data/options.h"

namespace firn {

/// 60,000 and 10,000 images (28,28,1) of ten kinds of clothing (H. Xiao, K. Rasul, R. Vollgraf 2017), read
/// from `folder`, or from /usr/share/datasets/fashion-mnist when that is empty. Throws Error(data) naming the
/// package when it is not there.
DataParts open_fashion_mnist(const std::string& folder, const DataOptions& options);

}  // namespace firn
