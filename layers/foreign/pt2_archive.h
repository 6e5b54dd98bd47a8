// The members of a .pt2 archive.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "engine/base/zip.h"
#include "layers/foreign/foreign_graph.h"

namespace firn {

class Pt2Archive {
 public:
  /// `lying`: tensors of which the archive only says whether they train; sizes and numbers are these.
  /// Throws Error(model_file) for what is no archive of PyTorch's, or of a version that is not known.
  Pt2Archive(std::span<const std::byte> bytes, std::string path, const ForeignTensors& lying);

  /// The graph's JSON.
  nlohmann::json model() const;
  /// Weights and constants by their dotted names.
  ForeignTensors tensors() const;
  [[noreturn]] void fail(const std::string& what) const;

 private:
  const ZipEntry* find(const std::string& name) const;
  std::string_view text(const std::string& name) const;
  void read_tensors(const std::string& folder, const std::string& config, ForeignTensors& out) const;
  ForeignConstant tensor(const std::string& name, const nlohmann::json& entry, const ZipEntry& member) const;

  std::string path_;
  const ForeignTensors& lying_;
  std::vector<ZipEntry> members_;
  std::string folder_;  ///< before all names: "model/"
  std::string graph_;   ///< the member that holds it
};

}  // namespace firn
