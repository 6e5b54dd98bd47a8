#include "tools/app/run/weights_path.h"

#include <fmt/core.h>

#include "data/files.h"
#include "engine/base/error.h"

namespace firn::cli {

std::string weights_file(const std::string& path, const std::string& operation) {
  if (!exists(path)) {
    throw Error(Fault::model_file, operation,
                fmt::format("{}: no such file or folder{}", path, did_you_mean_path(path)));
  }
  if (!is_folder(path)) return path;
  for (const char* name : {"best.safetensors", "last.safetensors"}) {
    if (std::string file = join(path, name); is_file(file)) return file;
  }
  const std::string checkpoint = join(path, "checkpoint.safetensors");
  throw Error(Fault::usage, operation,
              is_file(checkpoint)
                  ? fmt::format("the run in {} has no best.safetensors yet: {} is what there is of it", path,
                                checkpoint)
                  : fmt::format("{} is no run's folder: no best.safetensors in it", path));
}

}  // namespace firn::cli
