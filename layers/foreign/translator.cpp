#include "layers/foreign/translator.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/base/error.h"
#include "engine/base/printable.h"
#include "layers/foreign/fold.h"

namespace firn {

// The one table from the vocabulary to layers.
const Translator::Row Translator::kRows[] = {
    {"conv", &Translator::conv},
    {"transposed_conv", &Translator::transposed_conv},
    {"dense", &Translator::dense},
    {"matmul", &Translator::dense},
    {"gemm", &Translator::dense},
    {"batch_norm", &Translator::batch_norm},
    {"layer_norm", &Translator::layer_norm},
    {"embedding", &Translator::embedding},
    {"lstm", &Translator::recurrent},
    {"gru", &Translator::recurrent},
    {"gru_reset_first", &Translator::recurrent},
    {"rnn", &Translator::recurrent},
    {"rnn_relu", &Translator::recurrent},
    {"local_response_norm", &Translator::local_response_norm},
    {"prelu", &Translator::prelu},
    {"resize", &Translator::resize},
    {"relu", &Translator::activation},
    {"sigmoid", &Translator::activation},
    {"tanh", &Translator::activation},
    {"silu", &Translator::activation},
    {"gelu", &Translator::activation},
    {"leaky_relu", &Translator::activation},
    {"hard_swish", &Translator::activation},
    {"hard_sigmoid", &Translator::activation},
    {"clip", &Translator::clip},
    {"dropout", &Translator::dropout},
    {"softmax", &Translator::softmax},
    {"log_softmax", &Translator::softmax},
    {"max_pool", &Translator::pool},
    {"average_pool", &Translator::pool},
    {"adaptive_average_pool", &Translator::adaptive},
    {"mean", &Translator::reduce},
    {"max_over", &Translator::reduce},
    {"pad", &Translator::pad},
    {"reshape", &Translator::reshape},
    {"flatten", &Translator::flatten},
    {"permute", &Translator::permute},
    {"transpose", &Translator::transpose},
    {"squeeze", &Translator::squeeze},
    {"unsqueeze", &Translator::unsqueeze},
    {"concat", &Translator::concat},
    {"select", &Translator::select},
    {"slice", &Translator::slice},
    {"split", &Translator::split},
    {"gather", &Translator::gather},
    {"identity", &Translator::identity},
    {"add", &Translator::arithmetic},
    {"subtract", &Translator::arithmetic},
    {"multiply", &Translator::arithmetic},
    {"divide", &Translator::arithmetic},
    {"shape", &Translator::shape},
    {"cast", &Translator::identity},
    {"onnx_lstm", &Translator::onnx_recurrent},
    {"onnx_gru", &Translator::onnx_recurrent},
    {"onnx_rnn", &Translator::onnx_recurrent},
};

Translator::Translator(const ForeignGraph& graph) : graph_(graph) {}

ForeignLayers Translator::run() {
  try {
    return translated();
  } catch (const Error& error) {  // sizes that no tensor has
    if (error.fault() != Fault::usage && error.fault() != Fault::failure) throw;
    throw Error(Fault::model_file, "import", fmt::format("{}: {}", graph_.path, error.what()));
  }
}

ForeignLayers Translator::translated() {
  // What the output does not need is not looked at.
  std::set<int> needed{graph_.output};
  std::vector<const ForeignNode*> nodes;
  for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) {
    if (std::none_of(node->outputs.begin(), node->outputs.end(), [&](int v) { return needed.contains(v); }))
      continue;
    nodes.push_back(&*node);
    needed.insert(node->inputs.begin(), node->inputs.end());
    needed.erase(-1);  // no value
    for (const int input : node->inputs) ++uses_[input];
  }
  ++uses_[graph_.output];
  ends_ = {graph_.output};
  for (const ForeignNode* node : nodes) {  // from the last to the first
    const bool same = node->op == "identity" || node->op == "cast";
    if (same && !node->inputs.empty() && !node->outputs.empty() && ends_.contains(node->outputs[0]))
      ends_.insert(node->inputs[0]);
  }
  std::reverse(nodes.begin(), nodes.end());
  std::map<std::string, std::vector<const ForeignNode*>> lacking;
  for (const ForeignNode* node : nodes) {
    const bool known =
        std::any_of(std::begin(kRows), std::end(kRows), [&](const Row& r) { return node->op == r.op; });
    if (!known && !is_folded_alone(node->op)) lacking[node->said].push_back(node);
  }
  refuse(lacking);
  out_.notes = graph_.notes;
  begin(nodes);
  for (const ForeignNode* node : nodes) {
    if (fold(*node) || carries_states(*node)) continue;
    const auto row =
        std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return node->op == r.op; });
    if (row == std::end(kRows))
      fail(*node, "is computed from what is fed, firn computes it from constants alone");
    (this->*row->rule)(*node);
  }
  end();
  return std::move(out_);
}

void Translator::refuse(const std::map<std::string, std::vector<const ForeignNode*>>& lacking) const {
  if (lacking.empty()) return;
  constexpr std::size_t kShown = 6;
  std::string text;
  std::size_t shown = 0;
  for (const auto& [said, nodes] : lacking) {
    if (++shown > kShown) {
      text += fmt::format(" and {} more", lacking.size() - kShown);
      break;
    }
    text += fmt::format("{}{} ({}, first at node {:.80})", text.empty() ? "" : ", ", printable(said),
                        nodes.size() == 1 ? "once" : fmt::format("{} times", nodes.size()),
                        printable(nodes[0]->name));
  }
  throw Error(Fault::model_file, "import",
              fmt::format("{}: firn has no operation for {}", graph_.path, text));
}

void Translator::fail(const ForeignNode& node, const std::string& what) const {
  throw Error(
      Fault::model_file, "import",
      fmt::format("{}: node {:.80} ({}): {}", graph_.path, printable(node.name), printable(node.said), what));
}

const ForeignConstant* Translator::constant(int value) const {
  if (const auto found = folded_.find(value); found != folded_.end()) return &found->second;
  const auto found = graph_.constants.find(value);
  return found == graph_.constants.end() ? nullptr : &found->second;
}

const ForeignConstant& Translator::wanted_constant(const ForeignNode& node, std::size_t input,
                                                   const char* what) const {
  const ForeignConstant* found = input < node.inputs.size() ? constant(node.inputs[input]) : nullptr;
  if (found == nullptr) fail(node, fmt::format("its {} is no constant of the file", what));
  return *found;
}

Stream Translator::stream(const ForeignNode& node, std::size_t input) const {
  const auto found = input < node.inputs.size() ? streams_.find(node.inputs[input]) : streams_.end();
  if (found == streams_.end())
    fail(node, fmt::format("its input {} is no value that flows through the network", input));
  if (found->second.layer < 0 && graph_.tokens && node.op != "embedding" && node.op != "gather" &&
      node.op != "shape")
    fail(node, "reads tokens, which an embedding reads first");
  return found->second;
}

void Translator::give(const ForeignNode& node, Stream s, std::size_t output) {
  if (output < node.outputs.size() && node.outputs[output] != -1)
    streams_[node.outputs[output]] = std::move(s);
}

void Translator::give(const ForeignNode& node, ForeignConstant c, std::size_t output) {
  if (output < node.outputs.size()) folded_[node.outputs[output]] = std::move(c);
}

Index Translator::uses(int value) const {
  const auto found = uses_.find(value);
  return found == uses_.end() ? 0 : found->second;
}

bool Translator::carries_states(const ForeignNode& node) const {
  return !node.inputs.empty() && graph_.states.contains(node.inputs[0]) && node.op != "shape";
}

bool Translator::fold(const ForeignNode& node) {
  std::vector<const ForeignConstant*> inputs;
  for (const int input : node.inputs) {
    inputs.push_back(constant(input));
    if (input >= 0 && inputs.back() == nullptr) return false;
  }
  const bool any =
      std::any_of(inputs.begin(), inputs.end(), [](const ForeignConstant* c) { return c != nullptr; });
  if (!any && node.op != "fill") return false;
  std::vector<ForeignConstant> results;
  const std::string what = fold_constants(node, inputs, results);
  if (!what.empty()) fail(node, what);
  for (std::size_t i = 0; i < results.size(); ++i) give(node, std::move(results[i]), i);
  return true;
}

void Translator::begin(const std::vector<const ForeignNode*>& nodes) {
  const auto reader = std::find_if(nodes.begin(), nodes.end(), [&](const ForeignNode* node) {
    return std::find(node->inputs.begin(), node->inputs.end(), graph_.input) != node->inputs.end() &&
           node->op != "shape";
  });
  if (reader == nodes.end())
    throw Error(Fault::model_file, "import", graph_.path + ": the output does not depend on the input");
  const ForeignNode& first = **reader;
  const std::vector<Index>& sizes = graph_.input_sizes;
  const auto rank = static_cast<int>(sizes.size());
  if (rank < 2 || rank > 4 ||
      std::any_of(sizes.begin(), sizes.end(), [](Index n) { return n < 1 || n > (1 << 24); }))
    fail(first,
         fmt::format("the network's input is ({}): wanted are the batch and one to three sizes above 0",
                     fmt::join(sizes, ",")));
  Stream entry;
  entry.sizes = sizes;
  entry.memory.resize(sizes.size());
  std::iota(entry.memory.begin(), entry.memory.end(), 0);
  out_.layout = graph_.tokens ? "nt" : "nf";
  const bool onnx_recurrent = first.op == "onnx_lstm" || first.op == "onnx_gru" || first.op == "onnx_rnn";
  const bool over_channels =
      first.op == "conv" || first.op == "batch_norm" || first.op == "max_pool" || first.op == "average_pool";
  if (rank == 4) {
    const bool turned = first.op == "permute" && first.wholes("order") == std::vector<Index>{0, 3, 1, 2};
    if (!turned) entry.memory = {0, 2, 3, 1};
    out_.layout = turned ? "nhwc" : "nchw";
  } else if (rank == 3) {
    if (over_channels) entry.memory = {0, 2, 1};
    const bool recurrent =
        first.op == "lstm" || first.op == "gru" || first.op == "rnn" || first.op == "rnn_relu";
    if (onnx_recurrent || (recurrent && first.number("batch_first", 0) == 0)) entry.memory = {1, 0, 2};
    out_.layout = over_channels ? "nft" : "ntf";
  }
  out_.sample = memory_sizes(entry);
  streams_[graph_.input] = std::move(entry);
}

void Translator::end() {
  const auto found = streams_.find(graph_.output);
  if (found == streams_.end())
    throw Error(Fault::model_file, "import", graph_.path + ": the output does not depend on the input");
  ForeignNode last;
  last.name = "output";
  last.said = "the network's output";
  Stream s = settled(last, found->second);
  // Sizes of one at the end or between are no dimension of an answer.
  if (s.rank() > 2) {
    std::vector<Index> sizes;
    for (int axis = 0; axis < s.rank(); ++axis) {
      if (axis == s.memory[0] || s.size(axis) > 1) sizes.push_back(s.size(axis));
    }
    s = reshaped(last, s, sizes);
  }
  if (s.rank() == 1) s = reshaped(last, s, {s.size(0), 1});
  if (s.rank() != 2 || s.memory[0] != 0) {
    fail(last, fmt::format("is ({}), wanted is a row of numbers for each sample (N,classes)",
                           fmt::join(s.sizes, ",")));
  }
  if (s.layer < 0) s = emit(last, LayerSpec("identity"), s);
  if (odd_biases_ > 0) {
    out_.notes.push_back(
        fmt::format("{}of {} convolutions the bias is none of the model's: batch norms were folded into them "
                    "when the file was "
                    "written. Frozen they give what the model gave; to train, it is another network. Export "
                    "it again with "
                    "torch.onnx.export(model.eval(), x, FILE, dynamo=False, "
                    "training=torch.onnx.TrainingMode.PRESERVE), or as .pt2 "
                    "with torch.export.save(torch.export.export(model.eval(), (x,)), FILE)",
                    norms_ == 0 ? "there is no batch norm, and " : "", odd_biases_));
  }
  out_.output = s.layer;
  out_.classes = s.size(1);
}

Stream Translator::emit(const ForeignNode& node, LayerSpec spec, const Stream& s, std::vector<int> inputs,
                        Shape shape) {
  if (inputs.empty()) inputs.push_back(s.layer);
  constexpr double kMostGiven = 1e12;
  double count = 1;
  for (const Index size : s.sizes) count *= static_cast<double>(size);
  if (count > kMostGiven || s.memory.size() > static_cast<std::size_t>(Shape::kMaxRank))
    fail(node, fmt::format("gives ({}): firn has up to {} dimensions and 10^12 numbers",
                           fmt::join(s.sizes, ","), Shape::kMaxRank));
  const std::string scope = spec.name.empty() ? node.scope : spec.name;
  if (!spec.name.empty()) spec.tied = std::exchange(tied_, {});
  out_.layers.push_back({std::move(spec), std::move(inputs), scope, false});
  shapes_.push_back(shape.rank() > 0 ? shape : memory_sizes(s));
  Stream made = s;
  made.layer = static_cast<int>(out_.layers.size()) - 1;
  made.states_of = -1;
  return made;
}

namespace {

/// What a layer is called, from the name of its weight: "conv1" of "conv1.weight", "conv2d_5/kernel:0"
/// (Keras) and "conv1_weights" (Paddle); empty where that says nothing.
std::string stem_of(const std::string& tensor, std::string_view ending) {
  const auto cut = [](std::string name, std::string_view end) {
    if (name.size() > end.size() && name.ends_with(end)) name.resize(name.size() - end.size());
    return name;
  };
  std::string stem = cut(tensor, ending);
  if (stem != tensor || ending.empty()) return stem;
  for (const std::string_view end :
       {"/resource:0", "/ReadVariableOp", "/kernel:0", "/MatMul", "/Conv2D", "_weights", ".w_0", "_scale"})
    stem = cut(stem, end);
  if (stem == tensor) return {};
  return stem.substr(stem.rfind('/') + 1);
}

}  // namespace

std::string Translator::path_of(const ForeignNode& node, const std::string& tensor, std::string_view ending) {
  std::string path = stem_of(tensor, ending);
  // Of a weight with several names that of the node's own module.
  const auto own = graph_.same.find(node.scope + std::string(ending)), other = graph_.same.find(tensor);
  if (own != graph_.same.end() && other != graph_.same.end() && !own->second.empty() &&
      own->second == other->second)
    path = node.scope;
  if (path.empty()) path = node.scope;
  for (char& c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("._-+/").find(c) != std::string_view::npos;
    if (!plain) c = '_';
  }
  if (path.empty() || path == "in") path = node.op + "_layer";
  std::string unique = path;
  for (int i = 2; !paths_.insert(unique).second; ++i) unique = fmt::format("{}_{}", path, i);
  return unique;
}

void Translator::keep(const ForeignNode& node, const ForeignConstant& from, const std::string& name,
                      const std::vector<Index>& sizes, const std::vector<int>& axes,
                      std::optional<bool> trains) {
  if (from.whole) fail(node, fmt::format("{:.80} holds whole numbers, a weight is wanted", printable(name)));
  if (sizes.size() > static_cast<std::size_t>(Shape::kMaxRank) ||
      from.sizes.size() > static_cast<std::size_t>(Shape::kMaxRank))
    fail(node, fmt::format("{:.80} has {} dimensions", printable(name), from.sizes.size()));
  const Shape shape{std::span<const Index>(sizes)};
  if (shape.count() != from.count())
    fail(node,
         fmt::format("{:.80} holds {} numbers, wanted are {}", printable(name), from.count(), shape.text()));
  Tensor tensor(axes.empty() ? shape : Shape(std::span<const Index>(from.sizes)), from.floats());
  if (!axes.empty()) tensor = tensor.permuted(axes);
  const std::string& known_as = from.same.empty() ? from.name : from.same;
  if (known_as.empty() || used_.emplace(known_as, out_.tensors.size()).second) {
    out_.tensors.push_back({name, std::move(tensor)});
  } else {
    share(node, out_.tensors[used_.at(known_as)], name, tensor);
  }
  if (!trains.value_or(from.trains)) out_.frozen.push_back(name);
}

void Translator::share(const ForeignNode& node, const NamedTensor& kept, const std::string& name,
                       const Tensor& numbers) {
  const auto own = [](const std::string& of) { return of.substr(of.rfind('.') + 1); };
  const auto same_numbers = [&] {
    return std::equal(numbers.values().begin(), numbers.values().end(), kept.tensor.values().begin());
  };
  if (own(name) != own(kept.name) || own(name).starts_with("running_") ||
      numbers.shape() != kept.tensor.shape() || !same_numbers()) {
    fail(node, fmt::format("{:.80} {} is {:.80} {} of another node too: firn's layers share weights of one "
                           "name and shape, and no statistics",
                           printable(name), numbers.shape().text(), printable(kept.name),
                           kept.tensor.shape().text()));
  }
  tied_.push_back(kept.name);
}

void Translator::keep_equal(const std::string& name, Index count, real value) {
  Tensor tensor(Shape{count});
  tensor.fill(value);
  out_.tensors.push_back({name, std::move(tensor)});
  out_.frozen.push_back(name);
}

std::vector<Index> Translator::numbers_of(const ForeignNode& node, const char* key, std::size_t input) const {
  if (node.has(key) || input >= node.inputs.size() || node.inputs[input] < 0) return node.wholes(key);
  const ForeignConstant& given = wanted_constant(node, input, key);
  std::vector<Index> numbers;
  for (Index i = 0; i < given.count(); ++i) numbers.push_back(whole_of(given.number(i)));
  return numbers;
}

void Translator::shape(const ForeignNode& node) {
  ForeignConstant sizes;
  sizes.whole = true;
  const Stream s = stream(node, 0);
  for (const Index size : s.sizes) sizes.wholes.push_back(size);
  sizes.sizes = {s.rank()};
  give(node, std::move(sizes));
}

void Translator::identity(const ForeignNode& node) {
  give(node, stream(node, 0));
}

void Translator::dropout(const ForeignNode& node) {
  Stream s = stream(node, 0);
  const double p = node.number("p", 0.5);
  if (p > 0) s = emit(node, LayerSpec("dropout").bare("p", exact_text(static_cast<real>(p))), s);
  give(node, std::move(s));
}

void Translator::softmax(const ForeignNode& node) {
  Stream s = settled(node, stream(node, 0));
  const int axis = axis_of(node, s, node.whole("axis", -1));
  if (ends_.contains(node.outputs[0])) {
    out_.notes.push_back(fmt::format(
        "the network ends with {}, which firn's loss applies itself: its logits are what comes before",
        node.op));
    return give(node, s);
  }
  if (axis == s.memory[0]) fail(node, "is over the samples of a batch, which firn keeps apart");
  // Of old versions: over all that stands from the axis on.
  for (int behind = axis + 1; node.has("from_axis") && behind < s.rank(); ++behind) {
    if (s.size(behind) > 1) fail(node, "is over several axes, firn's is over one");
  }
  std::vector<int> memory;
  for (const int one : s.memory) {
    if (one != axis) memory.push_back(one);
  }
  memory.push_back(axis);
  s = ordered(node, s, memory);
  give(node, emit(node, LayerSpec(node.op), s));
}

void Translator::activation(const ForeignNode& node) {
  std::string kind = node.op;
  if (kind == "gelu" && node.number("tanh", 0) != 0) kind = "gelu_tanh";
  LayerSpec spec(kind);
  if (kind == "leaky_relu") {
    const auto slope = static_cast<real>(node.number("slope", 0.01));
    if (slope != real(0.01)) spec.bare("slope", exact_text(slope));
  }
  Stream s = stream(node, 0);
  if (kind == "hard_sigmoid") {
    const double slope = node.number("slope", 0.2), offset = node.number("offset", 0.5);
    if (!(slope > 0)) fail(node, fmt::format("has a slope of {}, firn's is above 0", slope));
    spec.option("slope", static_cast<real>(slope), real(1) / 6);
    // slope x + offset = slope (x + (offset - 1/2) / slope) + 1/2
    if (offset != 0.5)
      s = emit(node, LayerSpec("plus").bare("summand", exact_text(static_cast<real>((offset - 0.5) / slope))),
               s);
  }
  give(node, emit(node, std::move(spec), s));
}

void Translator::clip(const ForeignNode& node) {
  const auto bound = [&](const char* key, std::size_t input, double none) {
    if (node.has(key) || input >= node.inputs.size() || node.inputs[input] < 0) return node.number(key, none);
    return wanted_constant(node, input, key).number(0);
  };
  constexpr double kNone = 1e30;
  const double least = bound("least", 1, -kNone), most = bound("most", 2, kNone);
  Stream s = stream(node, 0);
  const auto apply = [&](const char* kind, const char* what, double number) {
    if (number != (std::string_view(kind) == "plus" ? 0 : 1))
      s = emit(node, LayerSpec(kind).bare(what, exact_text(static_cast<real>(number))), s);
  };
  if (least <= -kNone && most >= kNone) return give(node, std::move(s));
  if (least <= -kNone) {  // most - max(most - x, 0)
    apply("times", "factor", -1);
    apply("plus", "summand", most);
    s = emit(node, LayerSpec("relu"), s);
    apply("times", "factor", -1);
    apply("plus", "summand", most);
    return give(node, std::move(s));
  }
  if (!(most > least)) fail(node, fmt::format("cuts off below {} and above {}", least, most));
  apply("plus", "summand", -least);
  s = most >= kNone
          ? emit(node, LayerSpec("relu"), s)
          : emit(node, LayerSpec("relu_to").bare("most", exact_text(static_cast<real>(most - least))), s);
  apply("plus", "summand", least);
  give(node, std::move(s));
}

}  // namespace firn
