#include "data/fashion_mnist.h"

#include <fmt/core.h>

#include "data/files.h"
#include "data/idx.h"
#include "engine/base/error.h"

namespace firn {

DataParts open_fashion_mnist(const std::string& folder, const DataOptions& options) {
  const std::string path = folder.empty() ? "/usr/share/datasets/fashion-mnist" : folder;
  if (!is_folder(path)) {
    throw Error(
        Fault::data, "fashion-mnist",
        fmt::format("{} is not there (on Debian and Ubuntu: apt-get install dataset-fashion-mnist)", path));
  }
  return open_idx(
      path, options,
      {"T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"});
}

}  // namespace firn
