// Small files as PyTorch and ONNX's exporters write them.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace firn::test {

/// `bytes` bytes of a number, the lowest first.
inline std::string little(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += i < 8 ? static_cast<char>(value >> (8 * i) & 0xff) : '\0';
  return text;
}

inline std::string floats(const std::vector<float>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)};
}

/// A zip archive of stored members.
inline std::string stored_zip(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string bytes, list;
  for (const auto& [name, body] : members) {
    const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(body.data()), body.size());
    const std::string common = little(0, 2) + little(0, 4) + little(crc, 4) + little(body.size(), 4) +
                               little(body.size(), 4) + little(name.size(), 2);
    list += little(0x02014b50, 4) + little(20, 2) + little(20, 2) + little(0, 2) + common + little(0, 12) +
            little(bytes.size(), 4) + name;
    bytes += little(0x04034b50, 4) + little(20, 2) + little(0, 2) + common + little(0, 2) + name + body;
  }
  const std::size_t at = bytes.size();
  return bytes + list + little(0x06054b50, 4) + little(0, 4) + little(members.size(), 2) +
         little(members.size(), 2) + little(list.size(), 4) + little(at, 4) + little(0, 2);
}

/// What a .pt2 holds besides its graph; each may be replaced in a test.
struct Pt2Parts {
  std::string graph;    ///< models/model.json
  std::string weights;  ///< model_weights_config.json
  std::string format = "pt2", version = "0", order = "little";
  std::vector<std::pair<std::string, std::string>> numbers;  ///< weight_0, ...
};

inline std::string pt2(const Pt2Parts& parts) {
  std::vector<std::pair<std::string, std::string>> members;
  for (const auto& [name, body] : parts.numbers) members.emplace_back("m/data/weights/" + name, body);
  if (!parts.weights.empty()) members.emplace_back("m/data/weights/model_weights_config.json", parts.weights);
  members.emplace_back("m/models/model.json", parts.graph);
  members.emplace_back("m/archive_format", parts.format);
  members.emplace_back("m/archive_version", parts.version);
  members.emplace_back("m/byteorder", parts.order);
  return stored_zip(members);
}

/// A parameter in the list of weights, rows of `sizes` in order: "name":{...}.
inline std::string pt2_weight(const std::string& name, const std::string& file, const std::vector<int>& sizes,
                              bool trains) {
  std::string lengths, strides;
  int stride = 1;
  for (std::size_t i = sizes.size(); i-- > 0; stride *= sizes[i]) {
    const std::string comma = i + 1 < sizes.size() ? "," : "";
    lengths = "{\"as_int\":" + std::to_string(sizes[i]) + "}" + comma + lengths;
    strides = "{\"as_int\":" + std::to_string(stride) + "}" + comma + strides;
  }
  return "\"" + name + "\":{\"path_name\":\"" + file +
         "\",\"is_param\":true,\"use_pickle\":false,\"tensor_meta\":{\"dtype\":7,\"sizes\":[" + lengths +
         "],\"strides\":[" + strides +
         "],\"storage_offset\":{\"as_int\":0},\"layout\":7,\"requires_grad\":" + (trains ? "true" : "false") +
         "}}";
}

/// A convolution 1 to 2 channels of 1x1, ReLU, a mean over the image: weights 1 and -1, biases 0 and 3,
/// frozen but for the bias.
inline Pt2Parts small_pt2() {
  Pt2Parts parts;
  parts.weights = "{\"config\":{" + pt2_weight("net.conv.weight", "weight_0", {2, 1, 1, 1}, false) + "," +
                  pt2_weight("net.conv.bias", "weight_1", {2}, true) + "}}";
  parts.numbers = {{"weight_0", floats({1, -1})}, {"weight_1", floats({0, 3})}};
  parts.graph = R"({"graph_module":{"graph":{"inputs":[],"outputs":[],"nodes":[
{"target":"torch.ops.aten.conv2d.default","inputs":[{"name":"input","arg":{"as_tensor":{"name":"x"}}},{"name":"weight","arg":{"as_tensor":{"name":"p_w"}}},{"name":"bias","arg":{"as_tensor":{"name":"p_b"}}}],"outputs":[{"as_tensor":{"name":"conv2d"}}],"metadata":{"nn_module_stack":"L__self__,,Net;L__self__net_conv,net.conv,Conv2d"}},
{"target":"torch.ops.aten.relu_.default","inputs":[{"name":"self","arg":{"as_tensor":{"name":"conv2d"}}}],"outputs":[{"as_tensor":{"name":"relu"}}],"metadata":{}},
{"target":"torch.ops.aten.mean.dim","inputs":[{"name":"self","arg":{"as_tensor":{"name":"relu"}}},{"name":"dim","arg":{"as_ints":[2,3]}}],"outputs":[{"as_tensor":{"name":"mean"}}],"metadata":{}}],
"tensor_values":{"x":{"dtype":7,"sizes":[{"as_int":2},{"as_int":1},{"as_int":2},{"as_int":2}]}}},
"signature":{"input_specs":[{"parameter":{"arg":{"name":"p_w"},"parameter_name":"net.conv.weight"}},{"parameter":{"arg":{"name":"p_b"},"parameter_name":"net.conv.bias"}},{"user_input":{"arg":{"as_tensor":{"name":"x"}}}}],
"output_specs":[{"user_output":{"arg":{"as_tensor":{"name":"mean"}}}}]}},"schema_version":{"major":8,"minor":20}})";
  return parts;
}

/// Fields of protobuf messages.
inline std::string varint(std::uint64_t value) {
  std::string text;
  for (; value >= 128; value >>= 7) text += static_cast<char>((value & 127) | 128);
  return text + static_cast<char>(value);
}
inline std::string whole(int field, std::uint64_t value) {
  return varint(static_cast<std::uint64_t>(field) << 3) + varint(value);
}
inline std::string counted(int field, std::string_view bytes) {
  return varint((static_cast<std::uint64_t>(field) << 3) | 2) + varint(bytes.size()) + std::string(bytes);
}

inline std::string onnx_tensor(const std::string& name, const std::vector<std::uint64_t>& sizes,
                               const std::string& data) {
  std::string tensor;
  for (const std::uint64_t size : sizes) tensor += whole(1, size);
  return tensor + data + counted(8, name);
}

inline std::string onnx_node(const std::string& kind, const std::vector<std::string>& inputs,
                             const std::string& output, const std::string& attributes = "",
                             const std::string& name = "") {
  std::string node;
  for (const std::string& input : inputs) node += counted(1, input);
  return node + counted(2, output) + counted(3, name) + counted(4, kind) + attributes;
}

inline std::string onnx_whole_attribute(const std::string& name, std::uint64_t value) {
  return counted(5, counted(1, name) + whole(3, value) + whole(20, 2));
}

inline std::string onnx_value(const std::string& name, const std::vector<std::uint64_t>& sizes) {
  std::string shape;
  for (const std::uint64_t size : sizes) shape += counted(1, size > 0 ? whole(1, size) : counted(2, "open"));
  return counted(1, name) + counted(2, counted(1, whole(1, 1) + counted(2, shape)));
}

inline std::string onnx(const std::string& graph, std::uint64_t ir = 8, std::uint64_t opset = 17) {
  return whole(1, ir) + counted(2, "test") + counted(7, graph) + counted(8, counted(1, "") + whole(2, opset));
}

/// x (N,3) times (3,2), plus a row, as MatMul and Add; weights 1..6.
inline std::string small_onnx_graph(const std::string& weight_data) {
  return counted(1, onnx_node("MatMul", {"x", "w"}, "p", "", "/head/MatMul")) +
         counted(1, onnx_node("Add", {"b", "p"}, "y", "", "/head/Add")) +
         counted(5, onnx_tensor("w", {3, 2}, weight_data)) +
         counted(5, onnx_tensor("b", {2}, whole(2, 1) + counted(9, floats({10, 20})))) +
         counted(11, onnx_value("x", {0, 3})) + counted(11, onnx_value("w", {3, 2})) +
         counted(12, onnx_value("y", {0, 2}));
}

}  // namespace firn::test
