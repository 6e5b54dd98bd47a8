#include "layers/foreign/onnx_writer.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/sha256.h"

namespace firn {

namespace {

// The oldest version of the format that knows the operators, so that older programs read it.
constexpr std::int64_t kIrOfOpset17 = 8, kIrOfOpset20 = 9;

// AttributeProto.AttributeType
constexpr std::int64_t kFloatAttribute = 1, kIntAttribute = 2, kStringAttribute = 3, kIntsAttribute = 7,
                       kStringsAttribute = 8;

ProtoWriter attribute_message(const OnnxAttribute& attribute) {
  ProtoWriter message;
  message.text(1, attribute.name);
  if (const auto* number = std::get_if<float>(&attribute.value)) {
    message.real32(2, *number).whole(20, kFloatAttribute);
  } else if (const auto* whole = std::get_if<std::int64_t>(&attribute.value)) {
    message.whole(3, *whole).whole(20, kIntAttribute);
  } else if (const auto* text = std::get_if<std::string>(&attribute.value)) {
    message.text(4, *text).whole(20, kStringAttribute);
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&attribute.value)) {
    for (const std::string& one : *texts) message.text(9, one);
    message.whole(20, kStringsAttribute);
  } else {
    for (const std::int64_t one : std::get<std::vector<std::int64_t>>(attribute.value)) message.whole(8, one);
    message.whole(20, kIntsAttribute);
  }
  return message;
}

ProtoWriter value_message(const std::string& name, OnnxWriter::Element element,
                          const std::vector<std::int64_t>& sizes) {
  ProtoWriter shape, tensor, type, value;
  for (const std::int64_t size : sizes) {
    ProtoWriter dimension;
    if (size == OnnxWriter::kOpenBatch) {
      dimension.text(2, "N");
    } else {
      dimension.whole(1, size);
    }
    shape.message(1, dimension);
  }
  tensor.whole(1, static_cast<std::int64_t>(element)).message(2, shape);
  type.message(1, tensor);
  value.text(1, name).message(2, type);
  return value;
}

/// The lowest byte first.
template <class Number>
void append_little(std::vector<std::byte>& raw, Number number) {
  using Bits = std::conditional_t<sizeof(Number) == 4, std::uint32_t, std::uint64_t>;
  const auto bits = std::bit_cast<Bits>(number);
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    raw.push_back(static_cast<std::byte>(bits >> (8 * i) & 255));
}

template <class Number, class Numbers>
ProtoWriter tensor_message(const std::string& name, const std::vector<std::int64_t>& sizes,
                           OnnxWriter::Element element, const Numbers& numbers) {
  ProtoWriter tensor;
  std::vector<std::byte> raw;
  raw.reserve(std::size(numbers) * sizeof(Number));
  for (const auto one : numbers) append_little(raw, static_cast<Number>(one));
  for (const std::int64_t size : sizes) tensor.whole(1, size);
  tensor.whole(2, static_cast<std::int64_t>(element)).text(8, name).bytes(9, raw);
  return tensor;
}

ProtoWriter floats_message(const std::string& name, const Tensor& numbers) {
  const std::span<const Index> sizes = numbers.shape().sizes();
  return tensor_message<float>(name, {sizes.begin(), sizes.end()}, OnnxWriter::Element::float32,
                               numbers.values());
}

ProtoWriter entry_message(const std::string& key, const std::string& value) {
  ProtoWriter entry;
  entry.text(1, key).text(2, value);
  return entry;
}

}  // namespace

std::string OnnxWriter::fresh(const std::string& name) {
  std::string free = name;
  for (int i = 1; !names_.insert(free).second; ++i) free = fmt::format("{}_{}", name, i);
  return free;
}

std::vector<std::string> OnnxWriter::add(const std::string& path, const std::string& operation,
                                         const std::vector<std::string>& inputs,
                                         const std::vector<OnnxAttribute>& attributes, int outputs) {
  Node node{fresh("/" + path + (path.empty() ? "" : "/") + operation), operation, inputs, {}, attributes};
  for (int i = 0; i < outputs; ++i) node.outputs.push_back(fmt::format("{}_output_{}", node.name, i));
  nodes_.push_back(std::move(node));
  return nodes_.back().outputs;
}

void OnnxWriter::initializer(const std::string& name, const Tensor& numbers) {
  names_.insert(name);
  initializers_.push_back(floats_message(name, numbers));
}

std::string OnnxWriter::wholes(const std::string& path, const std::string& what,
                               std::vector<std::int64_t> numbers, bool scalar) {
  const std::string name = fresh("/" + path + "/" + what);
  std::vector<std::int64_t> sizes;
  if (!scalar) sizes.push_back(static_cast<std::int64_t>(numbers.size()));
  initializers_.push_back(tensor_message<std::int64_t>(name, sizes, Element::int64, numbers));
  return name;
}

std::string OnnxWriter::number(const std::string& path, const std::string& what, float number) {
  const std::string name = fresh("/" + path + "/" + what);
  initializers_.push_back(tensor_message<float>(name, {}, Element::float32, std::vector<float>{number}));
  return name;
}

std::string OnnxWriter::numbers(const std::string& path, const std::string& what,
                                const std::vector<float>& numbers) {
  const std::string name = fresh("/" + path + "/" + what);
  initializers_.push_back(
      tensor_message<float>(name, {static_cast<std::int64_t>(numbers.size())}, Element::float32, numbers));
  return name;
}

std::string OnnxWriter::input(const std::string& name, Element element,
                              const std::vector<std::int64_t>& sizes) {
  const std::string called = fresh(name);
  inputs_.push_back(value_message(called, element, sizes));
  return called;
}

void OnnxWriter::output(const std::string& name, const std::string& from,
                        const std::vector<std::int64_t>& sizes) {
  bool made = false;
  for (Node& node : nodes_) made = made || std::count(node.outputs.begin(), node.outputs.end(), from) > 0;
  const std::string called = fresh(name);
  if (!made) {
    node("", "Identity", {from});
    nodes_.back().outputs = {called};
  } else {
    for (Node& node : nodes_) {
      std::replace(node.inputs.begin(), node.inputs.end(), from, called);
      std::replace(node.outputs.begin(), node.outputs.end(), from, called);
    }
  }
  outputs_.push_back(value_message(called, Element::float32, sizes));
}

ProtoWriter OnnxWriter::message_of(const Node& node) {
  ProtoWriter message;
  for (const std::string& input : node.inputs) message.text(1, input);
  for (const std::string& output : node.outputs) message.text(2, output);
  message.text(3, node.name).text(4, node.operation);
  for (const OnnxAttribute& attribute : node.attributes) message.message(5, attribute_message(attribute));
  return message;
}

std::vector<std::byte> OnnxWriter::file(const std::string& name,
                                        std::map<std::string, std::string> metadata) const {
  ProtoWriter graph, opset, model;
  Sha256 seal;
  for (const Node& node : nodes_) {
    const ProtoWriter message = message_of(node);
    seal.update(message.written());
    graph.message(1, message);
  }
  graph.text(2, name);
  for (const ProtoWriter& one : initializers_) graph.message(5, one);
  for (const ProtoWriter& one : inputs_) graph.message(11, one);
  for (const ProtoWriter& one : outputs_) graph.message(12, one);
  opset.text(1, "").whole(2, opset_);
  model.whole(1, opset_ < 18 ? kIrOfOpset17 : kIrOfOpset20).text(2, "firn");
  model.message(7, graph).message(8, opset);
  metadata[kOnnxGraphSeal] = seal.hex();
  for (const auto& [key, value] : metadata) model.message(14, entry_message(key, value));
  return {model.written().begin(), model.written().end()};
}

}  // namespace firn
