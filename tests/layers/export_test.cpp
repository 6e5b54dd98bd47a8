// Networks written as ONNX: read back they are the same network, and their nodes say the same.
#include "layers/foreign/export.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "engine/base/bytes.h"
#include "layers/foreign/import.h"
#include "layers/foreign/protobuf.h"
#include "layers/network/kinds.h"
#include "layers/weights.h"
#include "tests/errors.h"
#include "tests/folder.h"
#include "tests/layers/export_networks.h"
#include "tests/layers/foreign_write.h"

using namespace firn;
using namespace firn::test;

namespace {

ModelPtr read_back(const SafeTensors& file, const Model& as) {
  ModelPtr model = make_network(as.name(), parse_network(file.metadata.at("firn.network"), "file"), "file",
                                as.input(), as.width());
  load_weights(*model, file, "file");
  return model;
}

/// Files hold floats.
constexpr double kSame = sizeof(real) == 4 ? 0 : 1e-5;

double worst_difference(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double worst = 0;
  for (Index i = 0; i < a.count(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i])));
  return worst;
}

/// The file without its metadata: what another program makes of it.
std::vector<std::byte> without_metadata(const std::vector<std::byte>& file) {
  ProtoReader model(file, "onnx", "file");
  std::string kept;
  while (model.next()) {
    if (model.field() == 1) kept += whole(1, static_cast<std::uint64_t>(model.whole()));
    if (model.field() == 7 || model.field() == 8)
      kept += counted(static_cast<int>(model.field()), as_text(model.bytes()));
  }
  const auto bytes = as_bytes(kept);
  return {bytes.begin(), bytes.end()};
}

/// What a node says of itself.
struct NodeNames {
  std::string name, kind;
  std::vector<std::string> inputs, outputs;
};

std::vector<NodeNames> nodes_of(const std::vector<std::byte>& file, std::set<std::string>& known) {
  std::vector<NodeNames> nodes;
  ProtoReader model(file, "onnx", "file");
  while (model.next()) {
    if (model.field() != 7) continue;
    ProtoReader graph = model.message();
    while (graph.next()) {
      if (graph.field() == 5 || graph.field() == 11) {
        const std::uint32_t name = graph.field() == 5 ? 8 : 1;
        ProtoReader value = graph.message();
        while (value.next()) {
          if (value.field() == name) CHECK(known.insert(value.text()).second);
        }
      }
      if (graph.field() != 1) continue;
      ProtoReader from = graph.message();
      NodeNames node;
      while (from.next()) {
        if (from.field() == 1) node.inputs.push_back(from.text());
        if (from.field() == 2) node.outputs.push_back(from.text());
        if (from.field() == 3) node.name = from.text();
        if (from.field() == 4) node.kind = from.text();
      }
      nodes.push_back(std::move(node));
    }
  }
  return nodes;
}

}  // namespace

TEST_CASE("the networks that are exported have every kind of layer") {
  std::set<std::string> words;
  for (const ExportCase& one : export_texts()) {
    std::string word;
    for (const char c : one.text + " ") {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
        word += c;
      } else {
        words.insert(word);
        word.clear();
      }
    }
  }
  for (const LayerKind& kind : layer_kinds()) {
    CAPTURE(kind.name);
    CHECK(words.contains(kind.name));
  }
}

TEST_CASE("export and import: the same bits of logits for every model and kind of layer") {
  for (const ModelPtr& model : export_models()) {
    CAPTURE(model->name());
    const std::vector<std::byte> file = onnx_of(*model, {.metadata = {{"firn.model", model->name()}}});
    CHECK(file == onnx_of(*model, {.metadata = {{"firn.model", model->name()}}}));
    const auto own = read_own_onnx(file, "file");
    REQUIRE(own);
    CHECK(own->metadata.at("firn.model") == model->name());
    const Feeds feeds = make_feeds(*model, 3);
    const Tensor wanted = logits(*model, feeds);
    const ModelPtr again = read_back(*own, *model);
    CHECK(worst_difference(logits(*again, feeds), wanted) <= kSame);
    CHECK(again->blocks().size() == model->blocks().size());

    // The nodes alone: names of values are given once and before they are read, weights have firn's names.
    std::set<std::string> known, called;
    for (const NodeNames& node : nodes_of(file, known)) {
      CAPTURE(node.name);
      CHECK(called.insert(node.name).second);
      CHECK(std::any_of(model->blocks().begin(), model->blocks().end(), [&](const Model::Block& block) {
        return node.name.starts_with("/" + block.name + "/");
      }));
      for (const std::string& input : node.inputs) CHECK((input.empty() || known.contains(input)));
      for (const std::string& output : node.outputs) CHECK(known.insert(output).second);
    }
    CHECK(known.contains("logits"));
    for (const NamedTensor& t : weights_of(*model)) CHECK(known.contains(t.name));
    if (model->input().lengths) continue;
    // Read as any other program's: "each step" and firn's own layers are gone.
    if (model->each_step()) continue;
    const ImportedNetwork network = import_network(without_metadata(file), "file");
    const ModelPtr foreign =
        make_network("foreign", parse_network(network.text, "file"), "file", network.input, network.classes);
    load_weights(*foreign, network.file, "file");
    CHECK(worst_difference(logits(*foreign, feeds), wanted) <= 1e-5);
  }
}

TEST_CASE("batch norms folded by choice: the same logits but for rounding, and none that could be is left") {
  for (const ModelPtr& model : export_models()) {
    CAPTURE(model->name());
    const std::vector<std::byte> file = onnx_of(*model, {.fold = true});
    const auto own = read_own_onnx(file, "file");
    REQUIRE(own);
    const ModelPtr folded = read_back(*own, *model);
    const Feeds feeds = make_feeds(*model, 3);
    CHECK(worst_difference(logits(*folded, feeds), logits(*model, feeds)) <= 1e-4);
    std::set<std::string> known;
    int norms = 0;
    for (const NodeNames& node : nodes_of(file, known)) norms += node.kind == "BatchNormalization";
    const std::string& name = model->name();
    // Those that stand behind no weights.
    const int left = name == "flat" ? 2 : name == "rows" || name == "back" ? 1 : 0;
    CHECK(norms == left);
  }
}

TEST_CASE("a file that others have changed is read by its nodes, numbers may change") {
  const ModelPtr model = make_builtin("net", "dense 4, relu, dense", {Shape{3}}, 2);
  model->initialise(1);
  std::vector<std::byte> file = onnx_of(*model);
  std::string text(as_text(file));
  CHECK(read_own_onnx(as_bytes(text), "file"));
  const std::size_t at = text.find("Relu\x1a");
  const std::size_t kind = text.find("\x22\x04Relu");
  REQUIRE(kind != std::string::npos);
  CHECK(at == std::string::npos);
  std::string other = text;
  other.replace(kind + 2, 4, "Tanh");
  CHECK_FALSE(read_own_onnx(as_bytes(other), "file"));
  CHECK(import_network(as_bytes(other), "file").text.find("tanh") != std::string::npos);
  for (std::size_t length = 0; length < text.size(); length += 7) {
    const auto error = error_of([&] { read_own_onnx(as_bytes(text).first(length), "file"); });
    CHECK((!error || error->fault() == Fault::model_file));
  }
}

TEST_CASE("a layer of somebody's own has no ONNX and is named") {
  struct Strange final : Layer {
    LayerSpec spec() const override { return LayerSpec("strange"); }
    Flow build(Graph&, Flow in) const override { return in; }
  };
  Model model("net", {Shape{3}}, 3);
  model.add_block("first", {{"odd", std::make_shared<Strange>()}});
  const auto error = error_of([&] { onnx_of(model); });
  REQUIRE(error);
  CHECK(error->fault() == Fault::usage);
  CHECK(std::string(error->what()) ==
        "[export] layer first/odd: there is no ONNX for a layer of kind 'strange'");
}

TEST_CASE("networks from PyTorch are exported: the same bits") {
  for (const char* name : kSharedNetworks) {
    CAPTURE(std::string(name));
    const auto file = shared_file(std::string("models/") + name + "/model.pt2");
    if (!file) return;
    const ImportedNetwork network = import_network(*file);
    const ModelPtr model =
        make_network(name, parse_network(network.text, name), name, network.input, network.classes);
    load_weights(*model, network.file, name);
    const std::vector<std::byte> onnx_file = onnx_of(*model);
    const auto own = read_own_onnx(onnx_file, name);
    REQUIRE(own);
    const Feeds feeds = make_feeds(*model, 2);
    const Tensor wanted = logits(*model, feeds);
    CHECK(worst_difference(logits(*read_back(*own, *model), feeds), wanted) <= kSame);
    const ImportedNetwork nodes = import_network(without_metadata(onnx_file), name);
    const ModelPtr foreign =
        make_network(name, parse_network(nodes.text, name), name, nodes.input, nodes.classes);
    load_weights(*foreign, nodes.file, name);
    CHECK(worst_difference(logits(*foreign, feeds), wanted) <= 1e-4);
    const auto folded = read_own_onnx(onnx_of(*model, {.fold = true}), name);
    REQUIRE(folded);
    CHECK(worst_difference(logits(*read_back(*folded, *model), feeds), wanted) <= 1e-4);
  }
}
