#include "layers/foreign/export.h"

#include <algorithm>

#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "engine/base/foreign.h"
#include "engine/base/sha256.h"
#include "layers/foreign/onnx_exporter.h"
#include "layers/foreign/onnx_tensor.h"
#include "layers/network/text.h"

namespace firn {

namespace {

constexpr std::int64_t kOpset = 17, kOpsetOfGelu = 20;

bool has_gelu(const LayerSpec& spec) {
  const auto is = [](const std::string& word) { return word == "gelu" || word == "gelu_tanh"; };
  const std::string* activation = spec.find("activation");
  if (is(spec.kind) || (activation != nullptr && is(*activation))) return true;
  return std::any_of(spec.bodies.begin(), spec.bodies.end(), [](const LayerSpec::Body& body) {
    return std::any_of(body.layers.begin(), body.layers.end(), has_gelu);
  });
}

}  // namespace

std::vector<std::byte> onnx_of(const Model& model, const OnnxOptions& options) {
  if (options.fold) {
    OnnxOptions as_it_is = options;
    as_it_is.fold = false;
    return onnx_of(*with_norms_folded(model), as_it_is);
  }
  const LayerSpec spec = model.spec();
  OnnxWriter writer(has_gelu(spec) ? kOpsetOfGelu : kOpset);
  OnnxExporter(model, writer).run();
  std::map<std::string, std::string> metadata = options.metadata;
  metadata["firn.network"] = network_text(spec);
  return writer.file(model.name(), std::move(metadata));
}

void export_onnx(const Model& model, const std::string& path, const OnnxOptions& options) {
  const std::vector<std::byte> bytes = onnx_of(model, options);
  atomic_write(path, as_text(bytes));
}

std::optional<SafeTensors> read_own_onnx(std::span<const std::byte> bytes, const std::string& path) {
  const auto kind = foreign_file(bytes);
  if (!kind || kind->what != kOnnxModel) return std::nullopt;
  SafeTensors file;
  ProtoReader model(bytes, "onnx", path);
  std::optional<ProtoReader> graph;
  while (model.next()) {
    if (model.field() == 7) graph = model.message();
    if (model.field() != 14) continue;
    ProtoReader entry = model.message();
    std::string key, value;
    while (entry.next()) {
      if (entry.field() == 1) key = entry.text();
      if (entry.field() == 2) value = entry.text();
    }
    file.metadata[key] = value;
  }
  const auto seal = file.metadata.find(kOnnxGraphSeal);
  if (!graph || seal == file.metadata.end() || !file.metadata.contains("firn.network")) return std::nullopt;
  Sha256 nodes;
  OnnxTensors tensors(path);
  while (graph->next()) {
    if (graph->field() == 1) nodes.update(graph->bytes());
    if (graph->field() != 5) continue;
    ForeignConstant constant = tensors.read(graph->message());
    if (constant.whole || constant.name.starts_with('/')) continue;  // sizes and the like
    if (constant.sizes.size() > static_cast<std::size_t>(Shape::kMaxRank)) return std::nullopt;
    NamedTensor tensor{constant.name, Tensor(Shape(std::span<const Index>(constant.sizes)))};
    std::ranges::copy(constant.floats(), tensor.tensor.data());
    file.tensors.push_back(std::move(tensor));
  }
  if (nodes.hex() != seal->second) return std::nullopt;
  file.metadata.erase(seal);
  return file;
}

}  // namespace firn
