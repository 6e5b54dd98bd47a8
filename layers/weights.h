// Parameters in files: safetensors with PyTorch's names and layouts.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/tensor/safetensors.h"
#include "layers/layer.h"

namespace firn {

struct LoadReport {
  std::vector<std::string> loaded;
  std::vector<std::string> missing;     ///< of the layer, not in the file
  std::vector<std::string> unexpected;  ///< in the file, not of the layer
  std::map<std::string, std::string> metadata;
};

struct LoadOptions {
  bool strict = true;  ///< missing or unexpected tensors are an error
  std::vector<std::string> skip =
      {};  ///< globs of parameters that are not taken from the file (a replaced head)
};

/// Takes "module." and "_orig_mod.", which PyTorch's wrappers put before every name, off a name.
std::string unwrapped(const std::string& name);

/// Reads the parameters from a safetensors file. Nothing is changed unless all of it fits.
/// Where no name of the file is the layer's, what wrappers put before all of them is taken off: "module.",
/// "_orig_mod.", "model.", "state_dict.". Counters, masks and other tensors that hold no real numbers are
/// passed over where the layer does not ask for them. A shared parameter may stand in the file under any of
/// its names, or under several with the same numbers. Throws Error(model_file) with path and tensor name,
/// Error(non_finite) with the place of a NaN, an infinity or an F64 beyond a float in what is taken, and
/// Error(usage) for a `skip` that matches nothing on either side.
LoadReport load_weights(Layer& layer, const std::string& path, const LoadOptions& options = {});
/// The same from a file that is read already; `path` is named in errors.
LoadReport load_weights(Layer& layer, SafeTensors file, const std::string& path,
                        const LoadOptions& options = {});

/// "fc1.weight[3,0] is nan" for the first NaN or infinity in the numbers of a tensor; empty: there is none.
std::string non_finite_text(const std::string& name, const Tensor& tensor);
/// Throws Error(non_finite) with that, naming the file.
void require_finite(const std::string& name, const Tensor& tensor, const std::string& path);

/// All parameters in the layout of files; a shared one under its first name.
std::vector<NamedTensor> weights_of(const Layer& layer);

/// Writes all parameters, atomically. A shared parameter is written under its first name.
void save_weights(const Layer& layer, const std::string& path,
                  const std::map<std::string, std::string>& metadata = {});

}  // namespace firn
