#include "layers/foreign/import.h"

#include <fmt/core.h>

#include <array>
#include <fstream>

#include "engine/base/atomic_file.h"
#include "engine/base/foreign.h"
#include "layers/foreign/blocks.h"
#include "layers/foreign/onnx.h"
#include "layers/foreign/pt2.h"
#include "layers/network/text.h"

namespace firn {

namespace {

enum class FileKind { none, pt2, onnx };

FileKind kind_of(std::span<const std::byte> first) {
  first = first.first(std::min(first.size(), kForeignBytes));
  if (is_pt2(first)) return FileKind::pt2;
  const auto foreign = foreign_file(first);
  return foreign && foreign->what == kOnnxModel ? FileKind::onnx : FileKind::none;
}

}  // namespace

bool is_foreign_network(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::array<char, kForeignBytes> bytes{};
  file.read(bytes.data(), bytes.size());
  if (!file.is_open() || file.bad()) return false;
  return kind_of(std::as_bytes(std::span(bytes.data(), static_cast<std::size_t>(file.gcount())))) !=
         FileKind::none;
}

ImportedNetwork import_network(const std::string& path, const Shape& sample, const NetworkCut& cut) {
  return import_network(read_file(path, Fault::model_file), path, sample, cut);
}

ImportedNetwork import_network(std::span<const std::byte> bytes, const std::string& path, const Shape& sample,
                               const NetworkCut& cut, const ForeignTensors& lying) {
  const FileKind kind = kind_of(bytes);
  if (kind == FileKind::none)
    throw Error(Fault::model_file, "import",
                path + ": is neither an exported program of PyTorch (.pt2) nor an ONNX model");
  const bool begins_later = !cut.from.empty();
  ForeignGraph graph =
      kind == FileKind::pt2 ? read_pt2(bytes, path, lying) : read_onnx(bytes, path, sample, begins_later);
  cut_network(graph, cut, begins_later ? sample : Shape{});
  ForeignLayers layers = Translator(graph).run();
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
