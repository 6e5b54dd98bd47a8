// The tests of ONNX's own operators (Debian's libonnx-testdata; PyPI's onnx for the nine light networks): of
// every operator that firn reads each test gives what it should, or stands in onnx_not_passing.txt with the
// reason.
//
// A test is a model of one node or a few and its inputs and outputs. The first input is fed, with its first
// dimension as the batch; the others are made weights, or where the node joins values parts of what is fed.
// Each output is flattened behind the batch, since a network of firn's gives a row for each sample.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <set>

#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "layers/foreign/import.h"
#include "layers/foreign/onnx_operations.h"
#include "layers/foreign/onnx_tensor.h"
#include "layers/foreign/protobuf_writer.h"
#include "layers/network/network.h"
#include "layers/weights.h"
#include "tests/layers/support.h"

using namespace firn;
using namespace firn::test;

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kFloatType = 1, kWholeType = 7;

/// The folder of the tests; none, after a message, where there is none.
std::optional<fs::path> test_data(const char* part) {
  const char* given = std::getenv("FIRN_ONNX_TESTS");
  const fs::path folder = given != nullptr ? given : "/usr/lib/python3/dist-packages/onnx/backend/test/data";
  if (fs::exists(folder / part)) return folder / part;
  MESSAGE("skipped: there is no " << (folder / part).string()
                                  << " (Debian's libonnx-testdata; FIRN_ONNX_TESTS names another folder)");
  return {};
}

struct Input {
  std::string name;
  std::int64_t type = 0;
  std::vector<Index> sizes;
};

/// A model taken apart: messages as they stand in the file.
struct Parts {
  std::int64_t ir = 0, opset = 0;
  std::vector<std::string> opsets, nodes, initializers;
  std::vector<Input> inputs;
  std::vector<std::string> outputs, kinds;
  std::set<std::string> held;  ///< names of initializers
};

Input input_of(ProtoReader info) {
  Input input;
  while (info.next()) {
    if (info.field() == 1) input.name = info.text();
    if (info.field() != 2) continue;
    ProtoReader kinds = info.message();
    while (kinds.next()) {
      if (kinds.field() != 1) continue;
      ProtoReader tensor = kinds.message();
      while (tensor.next()) {
        if (tensor.field() == 1) input.type = tensor.whole();
        if (tensor.field() != 2) continue;
        ProtoReader shape = tensor.message();
        while (shape.next()) {
          if (shape.field() != 1) continue;
          ProtoReader size = shape.message();
          input.sizes.push_back(0);
          while (size.next()) {
            if (size.field() == 1) input.sizes.back() = size.whole();
          }
        }
      }
    }
  }
  return input;
}

Parts parts_of(std::span<const std::byte> bytes, const std::string& path) {
  Parts parts;
  const auto fields = [&](std::span<const std::byte> of) { return ProtoReader(of, "onnx", path); };
  ProtoReader model = fields(bytes);
  while (model.next()) {
    if (model.field() == 1) parts.ir = model.whole();
    if (model.field() != 7 && model.field() != 8) continue;
    const std::span<const std::byte> body = model.bytes();
    ProtoReader part = fields(body);
    if (model.field() == 8) {
      parts.opsets.emplace_back(as_text(body));
      while (part.next()) {
        if (part.field() == 2) parts.opset = std::max(parts.opset, part.whole());
      }
      continue;
    }
    while (part.next()) {
      if (part.field() != 1 && part.field() != 5 && part.field() != 11 && part.field() != 12) continue;
      const std::span<const std::byte> item = part.bytes();
      ProtoReader inside = fields(item);
      switch (part.field()) {
        case 1:
          parts.nodes.emplace_back(as_text(item));
          while (inside.next()) {
            if (inside.field() == 4) parts.kinds.push_back(inside.text());
          }
          break;
        case 5:
          parts.initializers.emplace_back(as_text(item));
          while (inside.next()) {
            if (inside.field() == 8) parts.held.insert(inside.text());
          }
          break;
        case 11:
          parts.inputs.push_back(input_of(inside));
          break;
        default:
          parts.outputs.push_back(input_of(inside).name);
          break;
      }
    }
  }
  return parts;
}

/// The bytes of a tensor under another name.
std::string renamed(std::span<const std::byte> tensor, const std::string& name) {
  // The last of a field's values counts.
  ProtoWriter end;
  end.text(8, name);
  return std::string(as_text(tensor)) + std::string(as_text(end.written()));
}

struct TestCase {
  Parts parts;
  std::vector<std::vector<std::byte>> inputs, outputs;  ///< tensors
};

std::vector<std::vector<std::byte>> tensors_in(const fs::path& folder, const std::string& stem) {
  std::vector<std::vector<std::byte>> all;
  for (int i = 0; fs::exists(folder / (stem + std::to_string(i) + ".pb")); ++i)
    all.push_back(read_file((folder / (stem + std::to_string(i) + ".pb")).string()));
  return all;
}

ForeignConstant tensor_of(std::span<const std::byte> bytes) {
  return OnnxTensors("").read(ProtoReader(bytes, "onnx", "tensor"));
}

Tensor firn_tensor(const ForeignConstant& from) {
  if (from.sizes.size() > static_cast<std::size_t>(Shape::kMaxRank))
    throw Error(Fault::model_file, "test", "has more dimensions than firn has");
  const Shape shape{std::span<const Index>(from.sizes)};
  if (!from.whole) return Tensor(shape, from.reals);
  Tensor tensor(shape, DType::int32);
  for (Index i = 0; i < tensor.count(); ++i)
    tensor.indices()[i] = static_cast<std::int32_t>(from.wholes[static_cast<std::size_t>(i)]);
  return tensor;
}

ProtoWriter node_message(const std::string& kind, const std::vector<std::string>& inputs,
                         const std::string& output, const std::string& attribute = {},
                         const std::vector<std::int64_t>& numbers = {}) {
  ProtoWriter node;
  for (const std::string& input : inputs) node.text(1, input);
  node.text(2, output).text(3, "test/" + kind).text(4, kind);
  if (attribute.empty()) return node;
  ProtoWriter a;
  a.text(1, attribute);
  for (const std::int64_t number : numbers) a.whole(8, number);
  a.whole(20, 7);
  return node.message(5, a);
}

ProtoWriter wholes_message(const std::string& name, const std::vector<std::int64_t>& numbers) {
  ProtoWriter tensor;
  tensor.whole(1, static_cast<std::int64_t>(numbers.size())).whole(2, kWholeType);
  for (const std::int64_t number : numbers) tensor.whole(7, number);
  return tensor.text(8, name);
}

ProtoWriter input_message(const std::string& name, std::int64_t type, const std::vector<Index>& sizes) {
  ProtoWriter shape, tensor, kinds, info;
  for (const Index size : sizes) shape.message(1, ProtoWriter().whole(1, size));
  tensor.whole(1, type).message(2, shape);
  kinds.message(1, tensor);
  return info.text(1, name).message(2, kinds);
}

/// The model that firn is given, and what is fed to it.
struct Question {
  std::vector<std::byte> model;
  Tensor fed;
};

bool joins(const std::string& kind) {
  return kind == "Add" || kind == "Sub" || kind == "Mul" || kind == "Concat" || kind == "Sum";
}

bool recurrent(const Parts& parts) {
  return std::any_of(parts.kinds.begin(), parts.kinds.end(),
                     [](const std::string& k) { return k == "LSTM" || k == "GRU" || k == "RNN"; });
}

/// `batch`: its axis in the output, whose rank is `rank`.
Question question(const TestCase& test, const std::string& output, int rank, int batch) {
  const Parts& parts = test.parts;
  ProtoWriter graph, model;
  std::vector<ForeignConstant> given;
  for (const auto& one : test.inputs) given.push_back(tensor_of(one));
  Question asked;
  std::vector<ProtoWriter> made, held;
  const ForeignConstant& first = given.at(0);
  const bool alike = std::all_of(given.begin(), given.end(), [&](const ForeignConstant& c) {
    return !c.whole && !c.sizes.empty() && !first.sizes.empty() && c.sizes[0] == first.sizes[0];
  });
  const bool many = given.size() > 1 && alike && parts.nodes.size() == 1 && joins(parts.kinds[0]);
  const std::size_t fed = many ? given.size() : 1;
  const std::vector<Index>& sizes = first.sizes;
  const bool plain = !many && sizes.size() >= 2 && sizes.size() <= 4;
  if (plain) {
    asked.fed = firn_tensor(first);
    graph.message(11, input_message(parts.inputs[0].name, first.whole ? kWholeType : kFloatType, sizes));
  } else {
    // A row for each sample, which the inputs are parts of.
    const Index samples = sizes.empty() ? 1 : sizes[0];
    Index wide = 0;
    for (std::size_t i = 0; i < fed; ++i) wide += given[i].count() / std::max<Index>(1, samples);
    asked.fed = Tensor(Shape{samples, wide});
    Index begin = 0;
    for (std::size_t i = 0; i < fed; ++i) {
      if (given[i].whole) throw Error(Fault::model_file, "test", "whole numbers flow");
      const Index own = given[i].count() / std::max<Index>(1, samples);
      for (Index n = 0; n < samples; ++n) {
        for (Index k = 0; k < own; ++k)
          asked.fed.data()[n * wide + begin + k] = given[i].reals[static_cast<std::size_t>(n * own + k)];
      }
      const std::string stem = "test/part" + std::to_string(i);
      std::string part = "test/row";
      if (fed > 1) {
        part = stem;
        if (parts.opset < 10) throw Error(Fault::model_file, "test", "is of an old version");
        held.push_back(wholes_message(stem + "b", {begin}));
        held.push_back(wholes_message(stem + "e", {begin + own}));
        held.push_back(wholes_message(stem + "a", {1}));
        made.push_back(node_message("Slice", {"test/row", stem + "b", stem + "e", stem + "a"}, part));
      }
      std::vector<std::int64_t> to(given[i].sizes.begin(), given[i].sizes.end());
      held.push_back(wholes_message(stem + "s", to));
      made.push_back(node_message("Reshape", {part, stem + "s"}, parts.inputs[i].name));
      begin += own;
    }
    graph.message(11, input_message("test/row", kFloatType, {samples, wide}));
  }
  for (const ProtoWriter& node : made) graph.message(1, node);
  for (const std::string& node : parts.nodes) graph.text(1, node);
  std::string last = output;
  const bool state = batch == 1 && rank == 3 && recurrent(parts);  // (1,N,H)
  if (state) {
    if (parts.opset >= 13) held.push_back(wholes_message("test/axes", {0}));
    graph.message(1, parts.opset >= 13 ? node_message("Squeeze", {output, "test/axes"}, "test/state")
                                       : node_message("Squeeze", {output}, "test/state", "axes", {0}));
    last = "test/state";
  } else if (batch > 0) {
    std::vector<std::int64_t> order{batch};
    for (int axis = 0; axis < rank; ++axis) {
      if (axis != batch) order.push_back(axis);
    }
    graph.message(1, node_message("Transpose", {output}, "test/turned", "perm", order));
    last = "test/turned";
  }
  if (rank == 2 && batch == 0) {
    graph.message(1, node_message("Identity", {last}, "test/out"));
  } else {
    graph.message(1, node_message("Flatten", {last}, "test/out"));
  }
  for (const std::string& tensor : parts.initializers) graph.text(5, tensor);
  for (std::size_t i = fed; i < given.size() && i < parts.inputs.size(); ++i)
    graph.text(5, renamed(test.inputs[i], parts.inputs[i].name));
  for (const ProtoWriter& tensor : held) graph.message(5, tensor);
  graph.message(12, input_message("test/out", kFloatType, {1, 1}));
  model.whole(1, parts.ir).message(7, graph);
  for (const std::string& opset : parts.opsets) model.text(8, opset);
  asked.model.assign(model.written().begin(), model.written().end());
  return asked;
}

/// Probabilities, or their logarithms, of each row.
void apply_softmax(Tensor& y, bool probabilities) {
  const Index columns = y.shape()[-1];
  for (Index r = 0; r < y.count() / columns; ++r) {
    real* row = y.data() + r * columns;
    const real top = *std::max_element(row, row + columns);
    double sum = 0;
    for (Index c = 0; c < columns; ++c) sum += std::exp(static_cast<double>(row[c] - top));
    for (Index c = 0; c < columns; ++c) {
      const double log = static_cast<double>(row[c] - top) - std::log(sum);
      row[c] = static_cast<real>(probabilities ? std::exp(log) : log);
    }
  }
}

/// A softmax at the end, which firn leaves to the loss.
void apply_end(const ImportedNetwork& network, Tensor& y) {
  for (const std::string& note : network.notes) {
    if (note.find("ends with softmax") != std::string::npos) apply_softmax(y, true);
    if (note.find("ends with log_softmax") != std::string::npos) apply_softmax(y, false);
  }
}

/// Operators whose first output is what networks go on with.
bool has_by_products(const Parts& parts) {
  return parts.kinds.size() == 1 && (parts.kinds[0] == "LayerNormalization" || parts.kinds[0] == "Dropout" ||
                                     parts.kinds[0] == "MaxPool" || parts.kinds[0] == "BatchNormalization");
}

/// What is wrong with firn's answer; empty: nothing.
std::string wrong(const TestCase& test, const std::string& output, const ForeignConstant& wanted) {
  const bool apart = recurrent(test.parts) && wanted.sizes.size() >= 3;
  const int rank = static_cast<int>(wanted.sizes.size());
  const Question asked = question(test, output, rank, apart ? rank - 2 : 0);
  const ImportedNetwork network = import_network(asked.model, "model");
  const ModelPtr model =
      make_network("test", parse_network(network.text, "test"), "test", network.input, network.classes);
  load_weights(*model, network.file, "model");
  Tensor x = asked.fed;
  if (network.layout == "nchw") x = x.permuted(std::vector<int>{0, 2, 3, 1});
  if (network.layout == "nft") x = x.permuted(std::vector<int>{0, 2, 1});
  if (apart) x = x.permuted(std::vector<int>{1, 0, 2});
  const auto program = Program::inference(model->inference_graph(x.shape()[0], x.shape().tail(1)));
  program->feed("x", x);
  program->run();
  Tensor y = program->output("logits");
  Tensor z = firn_tensor(wanted);
  if (wanted.whole) return "its result is whole numbers";
  apply_end(network, y);
  if (apart) {
    std::vector<int> order{rank - 2};
    for (int axis = 0; axis < rank; ++axis) {
      if (axis != rank - 2) order.push_back(axis);
    }
    z = z.permuted(order);
  }
  if (y.count() != z.count()) return "gives another number of numbers";
  for (Index i = 0; i < y.count(); ++i) {
    const double got = static_cast<double>(y.data()[i]), want = static_cast<double>(z.data()[i]);
    if (!(std::abs(got - want) <= 1e-7 + 1e-3 * std::abs(want))) return "gives other numbers";
  }
  return {};
}

std::string outcome(const fs::path& folder) {
  try {
    TestCase test{parts_of(read_file((folder / "model.onnx").string()), "model"),
                  tensors_in(folder / "test_data_set_0", "input_"),
                  tensors_in(folder / "test_data_set_0", "output_")};
    if (test.inputs.empty()) return "nothing is fed";
    const std::size_t count = has_by_products(test.parts) ? 1 : test.outputs.size();
    for (std::size_t i = 0; i < count && i < test.parts.outputs.size(); ++i) {
      const std::string what = wrong(test, test.parts.outputs[i], tensor_of(test.outputs[i]));
      if (!what.empty()) return what;
    }
  } catch (const Error& error) {
    std::string what = error.what();
    for (const std::string_view lead : {"[import] model: ", "[onnx] model, ", "[onnx] tensor, ", "[test] "}) {
      if (what.starts_with(lead)) what = what.substr(lead.size());
    }
    return what;
  }
  return {};
}

std::map<std::string, std::string> listed() {
  std::map<std::string, std::string> all;
  const char* source = std::getenv("FIRN_SOURCE_DIR");
  std::ifstream file(fs::path(source != nullptr ? source : ".") / "tests/layers/onnx_not_passing.txt");
  REQUIRE(file.is_open());
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with('#') || colon == std::string::npos) continue;
    all[line.substr(0, colon)] = line.substr(colon + 2);
  }
  return all;
}

}  // namespace

TEST_CASE("ONNX's tests of each operator that firn reads pass, or are listed with the reason") {
  const std::vector<std::string> read = onnx_operators();
  const std::set<std::string> known(read.begin(), read.end());
  const std::map<std::string, std::string> reasons = listed();
  const char* list = std::getenv("FIRN_ONNX_LIST");  // where the list is written anew
  std::FILE* written = list != nullptr ? std::fopen(list, "w") : nullptr;
  int passed = 0, failed = 0;
  for (const char* part : {"node", "simple", "pytorch-operator", "pytorch-converted"}) {
    const auto folder = test_data(part);
    if (!folder) return;
    std::vector<fs::path> tests;
    for (const fs::directory_entry& entry : fs::directory_iterator(*folder)) {
      if (fs::exists(entry.path() / "model.onnx")) tests.push_back(entry.path());
    }
    std::sort(tests.begin(), tests.end());
    for (const fs::path& test : tests) {
      const std::string name = test.filename().string();
      const Parts parts = parts_of(read_file((test / "model.onnx").string()), name);
      if (!std::all_of(parts.kinds.begin(), parts.kinds.end(),
                       [&](const std::string& kind) { return known.contains(kind); }))
        continue;
      const std::string what = outcome(test);
      ++(what.empty() ? passed : failed);
      if (written != nullptr && !what.empty()) std::fprintf(written, "%s: %s\n", name.c_str(), what.c_str());
      const auto found = reasons.find(name);
      CAPTURE(name);
      CHECK(what == (found == reasons.end() ? "" : found->second));
    }
  }
  if (written != nullptr) std::fclose(written);
  MESSAGE(passed << " of ONNX's tests pass, " << failed << " are listed");
  CHECK(passed > 0);
}

TEST_CASE("ONNX's nine light networks are read and give what their files say") {
  const auto folder = test_data("light");
  if (!folder) return;
  int found = 0;
  for (const char* name : {"bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50",
                           "shufflenet", "squeezenet", "vgg19", "zfnet512"}) {
    CAPTURE(std::string(name));
    const std::string path = (*folder / (std::string("light_") + name)).string();
    REQUIRE(fs::exists(path + ".onnx"));
    ++found;
    const ImportedNetwork network = import_network(path + ".onnx");
    const ModelPtr model =
        make_network("test", parse_network(network.text, "test"), "test", network.input, network.classes);
    load_weights(*model, network.file, path);
    // i / count for place i, in the file's order.
    const Shape image = network.input.sample;
    Tensor x(Shape{1, image[2], image[0], image[1]});
    for (Index i = 0; i < x.count(); ++i)
      x.data()[i] = static_cast<real>(static_cast<double>(i) / static_cast<double>(x.count()));
    const auto program = Program::inference(model->inference_graph(1, image));
    const Tensor last = x.permuted(std::vector<int>{0, 2, 3, 1});  // read when the program runs
    program->feed("x", last);
    program->run();
    Tensor y = program->output("logits");
    apply_end(network, y);
    const ForeignConstant wanted = tensor_of(read_file(path + "_output_0.pb"));
    REQUIRE(y.count() == wanted.count());
    double off = 0;
    for (Index i = 0; i < y.count(); ++i) {
      const double want = wanted.number(i);
      off = std::max(off, std::abs(static_cast<double>(y.data()[i]) - want) / (1e-7 + 1e-3 * std::abs(want)));
    }
    CHECK(off <= 1);
  }
  CHECK(found == 9);
}
