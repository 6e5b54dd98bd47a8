// Networks as torch.export.save writes them (.pt2), PyTorch 2.9 and later.
// A zip of stored members: models/model.json (the graph; torch/_export/serde/schema.py), data/weights/ (raw
// numbers and model_weights_config.json), data/constants/. What is pickled (sample inputs) is never read.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "layers/foreign/foreign_graph.h"

namespace firn {

/// Whether the first bytes of a file are those of such an archive.
bool is_pt2(std::span<const std::byte> first);

/// Reads a file that lies in memory; `path` is only named in errors. Throws Error(model_file) for what is
/// damaged, for a major version of the schema that is not known, pickled weights, and strides, offsets or
/// sizes that do not fit their bytes.
/// `lying`: numbers that are not in the file but where they lie already, by their names; they must outlive
/// the graph.
ForeignGraph read_pt2(std::span<const std::byte> bytes, const std::string& path,
                      const ForeignTensors& lying = {});

}  // namespace firn
