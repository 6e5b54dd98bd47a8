// A run's folder wherever weights are meant.
#pragma once

#include <string>

namespace firn::cli {

/// The weights file that `path` means: of a folder best.safetensors in it, last.safetensors where there is
/// none; anything else as it is. Throws Error(usage) for a folder with neither, saying what is in it, and
/// Error(model_file), with the nearest name, where nothing lies at `path`. `operation` stands in errors.
std::string weights_file(const std::string& path, const std::string& operation);

}  // namespace firn::cli
