// Recurrent layers of other programs' networks: what readers make of small files.
#include <doctest/doctest.h>

#include "engine/base/bytes.h"
#include "layers/foreign/import.h"
#include "layers/network/network.h"
#include "layers/weights.h"
#include "tests/layers/foreign_write.h"
#include "tests/layers/support.h"

using namespace firn;
using namespace firn::test;

namespace {

/// nn.LSTM(1, 2, proj_size=1, batch_first=True), its last output, nn.Linear(1, 2), as PyTorch 2.15 writes
/// them; the projection does not train.
Pt2Parts projected_lstm() {
  Pt2Parts parts;
  std::string list, inputs;
  const auto weight = [&](const std::string& name, const std::vector<int>& sizes, bool trains,
                          const std::vector<float>& numbers) {
    const std::string file = "weight_" + std::to_string(parts.numbers.size());
    if (!list.empty()) list += ",";
    list += pt2_weight(name, file, sizes, trains);
    inputs += R"({"parameter":{"arg":{"name":"p_)" + name + R"("},"parameter_name":")" + name + R"("}},)";
    parts.numbers.emplace_back(file, floats(numbers));
  };
  weight("rnn.weight_ih_l0", {8, 1}, true, {-1.25, 0.5, -0.5, 1.25, 0.25, -0.75, 1, 0});
  weight("rnn.weight_hh_l0", {8, 1}, true, {1.25, 0.25, -0.75, 1, 0, -1, 0.75, -0.25});
  weight("rnn.bias_ih_l0", {8}, true, {1, 0, -1, 0.75, -0.25, -1.25, 0.5, -0.5});
  weight("rnn.bias_hh_l0", {8}, true, {0.75, -0.25, -1.25, 0.5, -0.5, 1.25, 0.25, -0.75});
  weight("rnn.weight_hr_l0", {1, 2}, false, {0.5, -0.5});
  weight("fc.weight", {2, 1}, true, {0.25, -0.75});
  weight("fc.bias", {2}, true, {0, -1});
  parts.weights = "{\"config\":{" + list + "}}";
  parts.graph = R"({"graph_module":{"graph":{"inputs":[],"outputs":[],"nodes":[
{"target":"torch.ops.aten.sym_size.int","inputs":[{"name":"self","arg":{"as_tensor":{"name":"x"}}},{"name":"dim","arg":{"as_int":0}}],"outputs":[{"as_sym_int":{"as_name":"n"}}],"metadata":{}},
{"target":"torch.ops.aten.zeros.default","inputs":[{"name":"size","arg":{"as_sym_ints":[{"as_int":1},{"as_name":"n"},{"as_int":1}]}}],"outputs":[{"as_tensor":{"name":"h"}}],"metadata":{}},
{"target":"torch.ops.aten.zeros.default","inputs":[{"name":"size","arg":{"as_sym_ints":[{"as_int":1},{"as_name":"n"},{"as_int":2}]}}],"outputs":[{"as_tensor":{"name":"c"}}],"metadata":{}},
{"target":"torch.ops.aten.lstm.input","inputs":[{"name":"input","arg":{"as_tensor":{"name":"x"}}},{"name":"hx","arg":{"as_tensors":[{"name":"h"},{"name":"c"}]}},{"name":"params","arg":{"as_tensors":[{"name":"p_rnn.weight_ih_l0"},{"name":"p_rnn.weight_hh_l0"},{"name":"p_rnn.bias_ih_l0"},{"name":"p_rnn.bias_hh_l0"},{"name":"p_rnn.weight_hr_l0"}]}},{"name":"has_biases","arg":{"as_bool":true}},{"name":"num_layers","arg":{"as_int":1}},{"name":"dropout","arg":{"as_float":0.0}},{"name":"train","arg":{"as_bool":false}},{"name":"bidirectional","arg":{"as_bool":false}},{"name":"batch_first","arg":{"as_bool":true}}],"outputs":[{"as_tensor":{"name":"y"}},{"as_tensor":{"name":"hn"}},{"as_tensor":{"name":"cn"}}],"metadata":{"nn_module_stack":"L__self__,,Net;L__self__rnn,rnn,LSTM"}},
{"target":"torch.ops.aten.slice.Tensor","inputs":[{"name":"self","arg":{"as_tensor":{"name":"y"}}},{"name":"dim","arg":{"as_int":0}},{"name":"start","arg":{"as_int":0}},{"name":"end","arg":{"as_int":9223372036854775807}}],"outputs":[{"as_tensor":{"name":"all"}}],"metadata":{}},
{"target":"torch.ops.aten.select.int","inputs":[{"name":"self","arg":{"as_tensor":{"name":"all"}}},{"name":"dim","arg":{"as_int":1}},{"name":"index","arg":{"as_int":-1}}],"outputs":[{"as_tensor":{"name":"last"}}],"metadata":{}},
{"target":"torch.ops.aten.linear.default","inputs":[{"name":"input","arg":{"as_tensor":{"name":"last"}}},{"name":"weight","arg":{"as_tensor":{"name":"p_fc.weight"}}},{"name":"bias","arg":{"as_tensor":{"name":"p_fc.bias"}}}],"outputs":[{"as_tensor":{"name":"logits"}}],"metadata":{"nn_module_stack":"L__self__,,Net;L__self__fc,fc,Linear"}}],
"tensor_values":{"x":{"dtype":7,"sizes":[{"as_expr":{"expr_str":"n","hint":{"as_int":2}}},{"as_int":3},{"as_int":1}]}}},
"signature":{"input_specs":[)" +
                inputs +
                R"({"user_input":{"arg":{"as_tensor":{"name":"x"}}}}],
"output_specs":[{"user_output":{"arg":{"as_tensor":{"name":"logits"}}}}]}},"schema_version":{"major":8,"minor":20}})";
  return parts;
}

}  // namespace

TEST_CASE("an LSTM with a projection from .pt2: PyTorch's answers, and what does not train") {
  const std::string file = pt2(projected_lstm());
  const ImportedNetwork network = import_network(as_bytes(file), "file");
  CHECK(network.text == "[rnn] rnn: lstm 2 projection 1\n[fc] last, fc: dense classes\n");
  CHECK(network.frozen == std::vector<std::string>{"rnn.weight_hr_l0"});
  const ModelPtr model =
      make_network("net", parse_network(network.text, "net"), "net", network.input, network.classes);
  load_weights(*model, network.file, "file");
  const auto program = Program::inference(model->inference_graph(2, Shape{3, 1}));
  const std::vector<real> x{0.5, -1, 2, 1, 0.25, -0.5};
  program->feed("x", Tensor(Shape{2, 3, 1}, x));
  program->run();
  const Tensor y = program->output("logits");
  const std::vector<double> pytorch{0.00031527132, -1.00094581, -0.03951051, -0.88146847};
  for (std::size_t i = 0; i < pytorch.size(); ++i)
    CHECK(y.values()[i] == doctest::Approx(pytorch[i]).epsilon(1e-6));
}
