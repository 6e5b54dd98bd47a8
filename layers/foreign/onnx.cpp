#include "layers/foreign/onnx.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "engine/base/error.h"
#include "engine/base/printable.h"
#include "layers/foreign/onnx_operations.h"
#include "layers/foreign/onnx_tensor.h"
#include "layers/foreign/state_inputs.h"

namespace firn {

namespace {

constexpr std::int64_t kOldestOpset = 1, kNewestOpset = 28;
constexpr std::int64_t kNewestIr = 14;
constexpr Index kBatch = 5;  // where the file leaves it open: a number that sizes seldom are

/// "layer1.0.conv1" of "/layer1/layer1.0/conv1/Conv": each part is a name below the one before it, or repeats
/// that and goes on.
std::string scope_of_name(const std::string& name) {
  if (!name.starts_with('/')) return {};
  std::string path, before;
  std::size_t begin = 1;
  for (std::size_t end; (end = name.find('/', begin)) != std::string::npos; begin = end + 1) {
    const std::string part = name.substr(begin, end - begin);
    if (!before.empty() && part.starts_with(before + ".")) {
      path += part.substr(before.size());
    } else {
      path += (path.empty() ? "" : ".") + part;
    }
    before = part;
  }
  return path;
}

/// The last module of "['', 'conv1', 'conv1.0', 'conv2d']".
std::string scope_of_list(const std::string& list) {
  std::vector<std::string> names;
  for (std::size_t at = list.find('\''); at != std::string::npos; at = list.find('\'', at)) {
    const std::size_t end = list.find('\'', at + 1);
    if (end == std::string::npos) break;
    names.push_back(list.substr(at + 1, end - at - 1));
    at = end + 1;
  }
  return names.size() > 1 ? names[names.size() - 2] : "";
}

class OnnxReader {
 public:
  OnnxReader(std::span<const std::byte> bytes, const std::string& path, const Shape& sample, bool any_input)
      : path_(path), sample_(sample), any_input_(any_input), file_(bytes, "onnx", path), tensors_(path) {
    graph_.path = path;
  }

  ForeignGraph read() {
    std::optional<ProtoReader> graph;
    std::int64_t ir = 0;
    while (file_.next()) {
      switch (file_.field()) {
        case 1:
          ir = file_.whole();
          break;
        case 7:
          graph = file_.message();
          break;
        case 8:
          read_opset(file_.message());
          break;
        default:
          break;
      }
    }
    if (!graph || ir < 3 || ir > kNewestIr)
      file_.fail(fmt::format("is no ONNX model of version 3 to {} (it says {})", kNewestIr, ir));
    if (opset_ < kOldestOpset || opset_ > kNewestOpset)
      file_.fail(fmt::format("is written with operators of version {}, firn reads {} to {}", opset_,
                             kOldestOpset, kNewestOpset));
    read_graph(*graph);
    find_gelus();
    return std::move(graph_);
  }

 private:
  void read_opset(ProtoReader entry) {
    std::string domain;
    std::int64_t version = 0;
    while (entry.next()) {
      if (entry.field() == 1) domain = entry.text();
      if (entry.field() == 2) version = entry.whole();
    }
    if (domain.empty() || domain == "ai.onnx") opset_ = version;
  }

  int value(const std::string& name) {
    if (name.empty()) return -1;
    const auto [at, fresh] = values_.emplace(name, next_);
    if (fresh) ++next_;
    return at->second;
  }

  void read_graph(ProtoReader graph) {
    std::vector<ProtoReader> nodes, inputs, outputs, infos;
    while (graph.next()) {
      switch (graph.field()) {
        case 1:
          nodes.push_back(graph.message());
          break;
        case 5: {
          ForeignConstant constant = tensors_.read(graph.message());
          if (constant.name.empty()) graph.fail("an initializer has no name");
          const int at = value(constant.name);
          graph_.constants[at] = std::move(constant);
          break;
        }
        case 11:
          inputs.push_back(graph.message());
          break;
        case 12:
          outputs.push_back(graph.message());
          break;
        case 13:
          infos.push_back(graph.message());
          break;
        case 15:
          graph.fail("holds sparse weights, which firn does not read");
        default:
          break;
      }
    }
    for (ProtoReader& input : inputs) read_input(input);
    if (inputs_.empty()) graph.fail("the network has no input");
    for (ProtoReader& node : nodes) read_node(node);
    for (const ProtoReader& info : infos) read_info(info);
    for (ProtoReader output : outputs) {
      while (output.next()) {
        if (output.field() == 1 && graph_.output < 0) graph_.output = value(output.text());
      }
    }
    if (outputs.size() > 1) graph_.notes.push_back("the network has several outputs: the first is taken");
    if (graph_.output < 0) graph.fail("the network has no output");
    if (!choose_input(graph_, inputs_)) graph.fail("the network has several inputs, firn feeds one");
    const std::vector<Index>& sizes = graph_.input_sizes;
    if (any_input_ || (!sizes.empty() && *std::min_element(sizes.begin(), sizes.end()) > 0)) return;
    const auto samples = std::find_if(inputs_.begin(), inputs_.end(),
                                      [&](const ForeignInput& one) { return one.value == graph_.input; });
    graph.fail(
        fmt::format("input {} leaves a size open that is not the batch's: --input H,W,C says it, or export "
                    "with fixed sizes",
                    printable(samples->name.substr(0, 80))));
  }

  struct ValueInfo {
    std::string name;
    std::int64_t type = 0;
    std::vector<Index> sizes;
  };

  static ValueInfo value_info(ProtoReader info) {
    ValueInfo found;
    auto& [name, type, sizes] = found;
    while (info.next()) {
      if (info.field() == 1) name = info.text();
      if (info.field() != 2) continue;
      ProtoReader kinds = info.message();
      while (kinds.next()) {
        if (kinds.field() != 1) continue;
        ProtoReader tensor = kinds.message();
        while (tensor.next()) {
          if (tensor.field() == 1) type = tensor.whole();
          if (tensor.field() == 2) read_sizes(tensor.message(), sizes);
        }
      }
    }
    return found;
  }

  /// Sizes of a value within the network, where the file has all but the batch's.
  void read_info(const ProtoReader& info) {
    ValueInfo found = value_info(info);
    if (found.sizes.empty()) return;
    if (found.sizes[0] < 1) found.sizes[0] = kBatch;
    if (std::all_of(found.sizes.begin(), found.sizes.end(), [](Index n) { return n > 0; }))
      graph_.sizes[value(found.name)] = std::move(found.sizes);
  }

  void read_input(const ProtoReader& begin) {
    auto [name, type, sizes] = value_info(begin);
    const int at = value(name);
    if (graph_.constants.contains(at)) return;  // IR 3 lists the weights as inputs too
    if (any_input_ && !inputs_.empty()) return;
    if (!sizes.empty() && sizes[0] < 1) sizes[0] = kBatch;
    // Images (N,C,H,W) where the sample is (H,W,C); else in their order.
    const int rank = static_cast<int>(sizes.size());
    for (int axis = 1; axis < rank && sample_.rank() == rank - 1; ++axis) {
      Index& size = sizes[static_cast<std::size_t>(axis)];
      if (size < 1) size = rank == 4 ? sample_[axis == 1 ? 2 : axis - 2] : sample_[axis - 1];
    }
    inputs_.push_back({at, name, std::move(sizes), is_whole_onnx(type)});
  }

  static void read_sizes(ProtoReader shape, std::vector<Index>& sizes) {
    while (shape.next()) {
      if (shape.field() != 1) continue;
      ProtoReader size = shape.message();
      sizes.push_back(-1);
      while (size.next()) {
        if (size.field() == 1) sizes.back() = size.whole();
      }
    }
  }

  struct Attribute {
    std::string name, text;
    std::optional<ForeignConstant> tensor;
    std::vector<double> numbers;
    bool numeric = false;
  };

  Attribute read_attribute(ProtoReader from) {
    Attribute a;
    std::vector<std::int64_t> wholes;
    std::vector<float> floats;
    while (from.next()) {
      switch (from.field()) {
        case 1:
          a.name = from.text();
          break;
        case 2:
        case 7:
          from.floats(floats);
          a.numeric = true;
          break;
        case 3:
        case 8:
          from.wholes(wholes);
          a.numeric = true;
          break;
        case 4:
          a.text = from.text();
          break;
        case 5:
          a.tensor = tensors_.read(from.message());
          break;
        case 9:
          a.text += (a.text.empty() ? "" : " ") + from.text();
          break;
        default:
          break;
      }
    }
    a.numbers.assign(wholes.begin(), wholes.end());
    a.numbers.insert(a.numbers.end(), floats.begin(), floats.end());
    return a;
  }

  void read_node(ProtoReader from) {
    ForeignNode node;
    OnnxAttributes attributes;
    std::optional<ForeignConstant> tensor;
    std::string domain;
    const ProtoReader begin = from;
    while (from.next()) {
      switch (from.field()) {
        case 1:
          node.inputs.push_back(value(from.text()));
          break;
        case 2:
          names_.push_back(from.text());
          break;
        case 3:
          node.name = from.text();
          break;
        case 4:
          node.said = from.text();
          break;
        case 5: {
          Attribute a = read_attribute(from.message());
          if (a.tensor) tensor = std::move(a.tensor);
          if (a.numeric || !a.numbers.empty()) attributes.numbers[a.name] = a.numbers;
          if (!a.text.empty()) attributes.texts[a.name] = a.text;
          break;
        }
        case 7:
          domain = from.text();
          break;
        case 9: {
          ProtoReader entry = from.message();
          std::string key, text;
          while (entry.next()) (entry.field() == 1 ? key : text) = entry.text();
          if (key == "pkg.torch.onnx.name_scopes") node.scope = scope_of_list(text);
          // PyTorch's own note of what it has made one.
          if (key == "pkg.onnxscript.rewriter.rule_name" && text.find("BatchNorm") != std::string::npos)
            node.numbers["folded"] = {1};
          break;
        }
        default:
          break;
      }
    }
    if (node.scope.empty()) node.scope = scope_of_name(node.name);
    for (const std::string& name : names_) node.outputs.push_back(value(name));
    if (node.name.empty() && !names_.empty()) node.name = names_[0];
    const std::string first = names_.empty() ? "" : names_[0];
    names_.clear();
    if (node.outputs.empty())
      begin.fail(fmt::format("node {} gives nothing", printable(node.name.substr(0, 80))));
    if (!domain.empty() && domain != "ai.onnx") node.said = domain + "." + node.said;
    if (node.said == "Constant") return add_constant(attributes, std::move(tensor), node, first);
    if (node.said == "SplitToSequence" || node.said == "SequenceAt") return add_sequence(node, attributes);
    translate_onnx(attributes, opset_, node);
    complete(node, attributes, tensor, first);
    if (!graph_.constants.contains(node.outputs[0])) graph_.nodes.push_back(std::move(node));
  }

  void add_constant(const OnnxAttributes& attributes, std::optional<ForeignConstant> tensor,
                    const ForeignNode& node, const std::string& name) {
    ForeignConstant constant;
    if (tensor) {
      constant = std::move(*tensor);
    } else {
      for (const auto& [key, numbers] : attributes.numbers) {
        constant.whole = key == "value_int" || key == "value_ints";
        if (key.ends_with('s')) constant.sizes = {static_cast<Index>(numbers.size())};
        for (const double one : numbers) {
          if (constant.whole) {
            constant.wholes.push_back(static_cast<std::int64_t>(one));
          } else {
            constant.reals.push_back(static_cast<real>(one));
          }
        }
      }
    }
    if (constant.name.empty()) constant.name = name;
    graph_.constants[node.outputs[0]] = std::move(constant);
  }

  const ForeignConstant* known(const ForeignNode& node, std::size_t input) const {
    if (input >= node.inputs.size()) return nullptr;
    const auto found = graph_.constants.find(node.inputs[input]);
    return found == graph_.constants.end() ? nullptr : &found->second;
  }

  /// A list of tensors stands for its parts, each of which is taken by its number.
  void add_sequence(ForeignNode node, const OnnxAttributes& attributes) {
    const ForeignConstant* number = known(node, 1);
    if (node.said == "SplitToSequence") {
      node.op = "split";
      const auto axis = attributes.numbers.find("axis");
      node.numbers["axis"] = axis == attributes.numbers.end() ? std::vector<double>{0} : axis->second;
      if (number != nullptr && number->sizes.empty()) {
        node.numbers["each"] = {number->number(0)};
        node.inputs.resize(1);
      }
      sequences_[node.outputs[0]] = graph_.nodes.size();
      node.outputs.clear();
      graph_.nodes.push_back(std::move(node));
      return;
    }
    const auto sequence = sequences_.find(node.inputs.empty() ? -1 : node.inputs[0]);
    if (sequence == sequences_.end() || number == nullptr || number->count() != 1 || number->number(0) < 0 ||
        number->number(0) > 4096) {
      graph_.nodes.push_back(std::move(node));
      return;
    }
    ForeignNode& split = graph_.nodes[sequence->second];
    const auto part = static_cast<std::size_t>(number->number(0));
    if (split.outputs.size() <= part) split.outputs.resize(part + 1, -1);
    if (split.outputs[part] < 0) {
      split.outputs[part] = node.outputs[0];
    } else {
      node.inputs = {split.outputs[part]};
      node.op = "identity";
      graph_.nodes.push_back(std::move(node));
    }
  }

  /// What stands in several nodes here, or depends on types.
  void complete(ForeignNode& node, const OnnxAttributes& attributes,
                const std::optional<ForeignConstant>& tensor, const std::string& name) {
    const auto number = [&](const char* key, double usual) {
      const auto found = attributes.numbers.find(key);
      return found == attributes.numbers.end() || found->second.empty() ? usual : found->second[0];
    };
    if (node.said == "Identity") {
      // Equal weights of the model are one in the file; each of them is its own again.
      const ForeignConstant* same = known(node, 0);
      if (same != nullptr) {
        ForeignConstant copy = *same;
        copy.name = name;
        graph_.constants[node.outputs[0]] = std::move(copy);
        return;
      }
    }
    if (node.op == "cast") {
      const ForeignConstant* like = known(node, 1);
      const auto input = std::find_if(inputs_.begin(), inputs_.end(), [&](const ForeignInput& one) {
        return node.inputs.size() > 1 && node.inputs[1] == one.value;
      });
      const bool whole = node.said == "Cast"      ? is_whole_onnx(static_cast<std::int64_t>(number("to", 1)))
                         : input != inputs_.end() ? input->tokens
                                                  : like != nullptr && like->whole;
      node.numbers["whole"] = {whole ? 1.0 : 0.0};
      node.inputs.resize(1);
    }
    if (node.op == "fill" && tensor && tensor->count() == 1) {
      node.numbers["value"] = {tensor->number(0)};
      if (tensor->whole) node.numbers["whole"] = {1};
    }
    if (node.said == "Shape" &&
        (attributes.numbers.contains("start") || attributes.numbers.contains("end"))) {
      ForeignNode part = node;
      node.outputs = {next_++};
      graph_.nodes.push_back(node);
      part.op = "slice";
      part.inputs = {node.outputs[0]};
      part.numbers["begin"] = {number("start", 0)};
      part.numbers["end"] = {number("end", 9e18)};
      node = std::move(part);
    }
  }

  /// x/2 * (1 + erf(x / sqrt(2))), as exporters write it where there is no Gelu.
  void find_gelus() {
    std::map<int, std::size_t> makers;
    std::map<int, std::vector<std::size_t>> readers;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      for (const int output : graph_.nodes[i].outputs) makers[output] = i;
      for (const int input : graph_.nodes[i].inputs) readers[input].push_back(i);
    }
    const auto only_reader = [&](const ForeignNode& node) -> ForeignNode* {
      const auto found = readers.find(node.outputs[0]);
      return found == readers.end() || found->second.size() != 1 ? nullptr : &graph_.nodes[found->second[0]];
    };
    // The other operand where one is this number.
    const auto beside = [&](const ForeignNode& node, double number) {
      for (std::size_t i = 0; i < 2 && node.inputs.size() == 2; ++i) {
        const ForeignConstant* c = known(node, i);
        if (c != nullptr && c->count() == 1 && std::abs(c->number(0) - number) < 1e-4 * number)
          return node.inputs[1 - i];
      }
      return -1;
    };
    for (ForeignNode& erf : graph_.nodes) {
      if (erf.op != "erf" || erf.inputs.empty()) continue;
      const auto maker = makers.find(erf.inputs[0]);
      if (maker == makers.end()) continue;
      const ForeignNode& scaled = graph_.nodes[maker->second];
      const int x = scaled.op == "divide"     ? beside(scaled, std::sqrt(2.0))
                    : scaled.op == "multiply" ? beside(scaled, std::sqrt(0.5))
                                              : -1;
      const ForeignNode* sum = only_reader(erf);
      if (x < 0 || sum == nullptr || sum->op != "add" || beside(*sum, 1) < 0) continue;
      ForeignNode* product = only_reader(*sum);
      if (product == nullptr || product->op != "multiply" || product->inputs.size() != 2) continue;
      const int other = product->inputs[0] == sum->outputs[0] ? product->inputs[1] : product->inputs[0];
      ForeignNode* last = nullptr;
      if (other == x) {
        last = only_reader(*product);
        if (last == nullptr || last->op != "multiply" || beside(*last, 0.5) != product->outputs[0]) continue;
      } else if (const auto half = makers.find(other); half != makers.end() &&
                                                       graph_.nodes[half->second].op == "multiply" &&
                                                       beside(graph_.nodes[half->second], 0.5) == x) {
        last = product;
      }
      if (last == nullptr) continue;
      last->op = "gelu";
      last->inputs = {x};
    }
  }

  std::string path_;
  Shape sample_;
  bool any_input_;  ///< the network begins later: its inputs are none of firn's
  ProtoReader file_;
  OnnxTensors tensors_;
  ForeignGraph graph_;
  std::map<std::string, int> values_;
  std::vector<ForeignInput> inputs_;
  std::map<int, std::size_t> sequences_;  ///< the split that gives a list
  std::vector<std::string> names_;
  std::int64_t opset_ = 0;
  int next_ = 0;
};

}  // namespace

ForeignGraph read_onnx(std::span<const std::byte> bytes, const std::string& path, const Shape& sample,
                       bool any_input) {
  return OnnxReader(bytes, path, sample, any_input).read();
}

}  // namespace firn
