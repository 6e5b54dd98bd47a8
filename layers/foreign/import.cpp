#include "layers/foreign/import.h"

#include <fmt/core.h>

#include <array>
#include <fstream>

#include "engine/base/atomic_file.h"
#include "engine/base/foreign.h"
#include "layers/foreign/blocks.h"
#include "layers/foreign/pt2.h"
#include "layers/network/text.h"

namespace firn {

bool is_foreign_network(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, kForeignBytes> bytes{};
  file.read(bytes.data(), bytes.size());
  if (!file.is_open() || file.bad()) return false;
  return is_pt2(std::as_bytes(std::span(bytes.data(), static_cast<std::size_t>(file.gcount()))));
}

ImportedNetwork import_network(const std::string& path) {
  return import_network(read_file(path, Fault::model_file), path);
}

ImportedNetwork import_network(std::span<const std::byte> bytes, const std::string& path) {
  if (!is_pt2(bytes.first(std::min(bytes.size(), kForeignBytes))))
    throw Error(Fault::model_file, "import", path + ": is no exported program of PyTorch (.pt2)");
  ForeignLayers layers = Translator(read_pt2(bytes, path)).run();
  ImportedNetwork network;
  network.file.tensors = std::move(layers.tensors);
  network.frozen = std::move(layers.frozen);
  network.input.sample = layers.sample;
  network.input.vocabulary = layers.vocabulary;
  network.classes = layers.classes;
  network.layout = layers.layout;
  network.notes = std::move(layers.notes);
  network.text = network_text(foreign_blocks(std::move(layers)));
  return network;
}

}  // namespace firn
