// Networks in words: read, made, written, read again.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "layers/model.h"
#include "layers/network/kinds.h"
#include "layers/network/network.h"
#include "layers/tasks/usual.h"
#include "layers/training_graph.h"
#include "tests/errors.h"
#include "tests/layers/support.h"

using namespace firn;
using namespace firn::test;

namespace {

const InputSpec kGrey{Shape{28, 28, 1}};
const InputSpec kSequence{Shape{12, 5}};
const InputSpec kText{Shape{12}, 30, true};

ModelPtr network(const std::string& text, const InputSpec& input = kGrey, Index classes = 10) {
  return make_network("test", parse_network(text, "line"), "line", input, classes);
}

std::string names(const Model& model) {
  std::string all;
  for (const NamedParameter& p : model.parameters()) all += p.name + p.parameter->shape().text() + " ";
  return all;
}

std::string blocks(const Model& model) {
  std::string all;
  for (const Model::Block& block : model.blocks())
    all += block.name + ":" + std::to_string(block.last_child - block.first_child) + " ";
  return all;
}

/// Written and read again it is the same network, also for its numbers.
void check_round_trip(Model& model) {
  const std::string text = network_text(model.spec());
  CAPTURE(text);
  const ModelPtr again =
      make_network(model.name(), parse_network(text, "text"), "text", model.input(), model.width());
  CHECK(names(*again) == names(model));
  CHECK(blocks(*again) == blocks(model));
  CHECK(again->each_step() == model.each_step());
  CHECK(network_text(again->spec()) == text);
  model.initialise(3);
  again->initialise(3);
  const auto a = model.parameters(), b = again->parameters();
  for (std::size_t i = 0; i < a.size(); ++i)
    CHECK(std::ranges::equal(a[i].parameter->value().values(), b[i].parameter->value().values()));
  const auto nodes = [](const Model& m) {
    std::string list;
    const auto graph = training_graph(m, *usual_task(m), 4, m.input().sample, {}).graph;
    for (const auto& node : graph->nodes()) list += node->kind() + node->outputs()[0].shape.text() + "\n";
    return list;
  };
  CHECK(nodes(model) == nodes(*again));
}

/// "usage: message" of a network that cannot be.
std::string failure(const std::string& text, const InputSpec& input = kGrey, Index classes = 10) {
  const auto error = error_of([&] { network(text, input, classes); });
  REQUIRE_MESSAGE(error, text);
  CHECK(error->fault() == Fault::usage);
  return error->what();
}

}  // namespace

TEST_CASE("a line fills in the sizes from the data") {
  const ModelPtr model =
      network("conv 32 3x3, relu, pool 2, conv 64 3x3, relu, pool 2, dense 128, relu, dense");
  CHECK(blocks(*model) == "conv1:3 conv2:3 dense1:3 dense2:1 ");
  CHECK(names(*model) ==
        "conv1.weight(3,3,1,32) conv1.bias(32) conv2.weight(3,3,32,64) conv2.bias(64) "
        "dense1.weight(3136,128) dense1.bias(128) dense2.weight(128,10) dense2.bias(10) ");
  check_round_trip(*model);
  const ModelPtr colour = network("conv 4 5 stride 2 pad 0, global_pool, dense", {Shape{9, 9, 3}}, 2);
  CHECK(names(*colour) == "conv1.weight(5,5,3,4) conv1.bias(4) dense1.weight(4,2) dense1.bias(2) ");
  CHECK(blocks(*colour) == "conv1:1 dense1:2 ");
  check_round_trip(*colour);
}

TEST_CASE("blocks, names, comments and lines") {
  const ModelPtr model = network(
      "# a network\n[stem]\n  first: conv 8 3x3 no_bias\n  norm momentum 0.2\n  leaky_relu 0.2 # slope\n\n"
      "[head] average_pool 2 stride 1, out: dense classes");
  CHECK(blocks(*model) == "stem:3 head:3 ");
  CHECK(names(*model) ==
        "first.weight(3,3,1,8) norm1.weight(8) norm1.bias(8) norm1.running_mean(8) norm1.running_var(8) "
        "out.weight(5832,10) out.bias(10) ");
  check_round_trip(*model);
}

TEST_CASE("residuals, branches, groups and graphs") {
  const ModelPtr model = network(
      "conv 8 3x3, relu\n"
      "residual { conv 8 3x3 no_bias, norm, relu, conv 8 3x3 no_bias, norm }\n"
      "down: residual { conv 12 3x3 stride 2, norm } shortcut { conv 12 1x1 stride 2 } activation gelu\n"
      "fire: group { conv 4 1x1, relu, branch { conv 8 1x1 } { conv 8 3x3, relu } }\n"
      "graph { a: conv 6 1x1, b: conv 6 3x3 from in, c: add from a b, concat from c in a }\n"
      "global_pool, dense");
  CHECK(blocks(*model) == "conv1:2 residual1:1 down:1 fire:1 graph1:1 dense1:2 ");
  CHECK(model->block_parameters(4)[0].name == "a.weight");
  CHECK(model->parameters().back().parameter->name() == "dense1.bias");
  CHECK(model->parameters()[model->parameters().size() - 2].parameter->shape() == Shape{6 + 16 + 6, 10});
  check_round_trip(*model);
}

TEST_CASE("sequences and texts") {
  const ModelPtr rows = network("rows, gru 16 bidirectional layers 2 dropout 0.1, dense");
  CHECK(blocks(*rows) == "gru1:2 dense1:2 ");
  check_round_trip(*rows);
  const ModelPtr sequence = network("lstm 16, lstm 8 reverse, layer_norm, dense", kSequence, 3);
  check_round_trip(*sequence);
  const ModelPtr text = network("embedding 8, text_conv 6 widths 2 3, dropout, dense", kText, 4);
  CHECK(names(*text).find("text_conv1.conv2.weight(1,2,8,6)") != std::string::npos);
  check_round_trip(*text);
  const ModelPtr next =
      network("embedding 8, lstm 16, dense", {.sample = Shape{12}, .vocabulary = 30, .each_step = true}, 30);
  CHECK(next->each_step());
  check_round_trip(*next);
  const ModelPtr as_many = network("embedding 8, lstm 16, last, dense", {Shape{12}, 30}, 30);
  CHECK(!as_many->each_step());
  check_round_trip(*as_many);
}

TEST_CASE("every built-in model is written and read back") {
  for (const ModelEntry& entry : model_registry()) {
    CAPTURE(entry.name);
    check_round_trip(*entry.make(entry.default_input, entry.usual_classes));
    if (entry.make_plain) check_round_trip(*entry.make_plain(entry.default_input, entry.usual_classes));
  }
}

TEST_CASE("every kind of layer stands in one of these networks, and its options come back") {
  const struct {
    const char* text;
    InputSpec input;
  } cases[] = {
      {"conv 4 3x5 stride 2x1 pad 1x0 groups 1 no_bias, gelu, pool 3x2 stride 1 pad 1x0 ceil, silu, "
       "average_pool 2 without_padding, sigmoid, norm epsilon 0.001, tanh, layer_norm epsilon 0.01, "
       "identity, "
       "strided_pad 2 before 1 behind 2, softmax, flatten, dropout 0.25, dense 12 no_bias, reshape 2x2x3, "
       "conv in 1x1 groups in, flatten, dense",
       kGrey},
      {"rows, gru 4 first_layer 1, last, dense", kGrey},
  };
  for (const auto& c : cases) check_round_trip(*network(c.text, c.input));
  std::set<std::string> names;
  for (const LayerKind& kind : layer_kinds()) {
    CHECK_MESSAGE(names.insert(kind.name).second, kind.name);
    CHECK_MESSAGE(!kind.text.empty(), kind.name);
  }
}

TEST_CASE("what cannot be says where and what is wanted") {
  CHECK(failure("cnov 8, dense") ==
        "[network] line, line 1, column 1: no layer is called cnov (did you mean conv?)");
  CHECK(failure("conv 8 3x3\nconv 8 strde 2\ndense") ==
        "[network] line, line 2, column 8: conv has no option strde (did you mean stride?)");
  CHECK(failure("conv 8, dense 12") ==
        "[network] line, line 1, column 9: dense: the network gives (12) for a sample, wanted are the 10 "
        "classes: end it with 'dense'");
  CHECK(failure("conv 8 3x, dense").find("kernel '3x' is no size such as 3 or 3x5") != std::string::npos);
  CHECK(failure("conv 0, dense").find("conv: ") != std::string::npos);
  CHECK(failure("conv -1, dense").find("out '-1' is no whole number") != std::string::npos);
  // What begins at one: sizes of layers, windows and strides; what is a share; what is added to a variance.
  for (const char* text :
       {"conv 0, dense", "conv 8 0x0, dense", "conv 8 stride 0, dense", "conv 8 dilation 0, dense",
        "conv 8 groups 0, dense", "dense 0", "pool 0, dense", "pool 2 stride 0, dense",
        "average_pool 2 stride 0x1, dense", "adaptive_pool 0, dense", "upsample 0, dense",
        "strided_pad 0, dense", "local_response_norm 0, dense", "rows, lstm 0, last, dense",
        "rows, gru 4 layers 0, last, dense", "slice axis 0 end 1, dense",
        "slice axis 1 end 8 step 0, dense"}) {
    CHECK_MESSAGE(failure(text).find("' is no ") != std::string::npos, failure(text));
    CHECK_MESSAGE(failure(text).find("from 1") != std::string::npos, failure(text));
  }
  CHECK(failure("norm epsilon -1, dense").find("epsilon -1, wanted is one from 0") != std::string::npos);
  CHECK(failure("layer_norm epsilon -1, dense").find("epsilon -1, wanted is one from 0") !=
        std::string::npos);
  CHECK(failure("norm momentum 2, dense").find("momentum 2, wanted is a share from 0 to 1") !=
        std::string::npos);
  CHECK(failure("conv 8 same, dense").find("what a conv does where no pad is said") != std::string::npos);
  CHECK(failure("conv 8 xyzzy, dense").find("it has from, tied, stride, pad") != std::string::npos);
  CHECK(failure("branch { conv 8 } { conv 8 stride 2 }, dense").find("differ in more than axis 3") !=
        std::string::npos);
  CHECK(failure("conv 8 3x3 3, dense").find("conv has no option 3") != std::string::npos);
  CHECK(failure("dense 5, conv 8, dense").find("conv: reads images (H,W,C), gets (5)") != std::string::npos);
  CHECK(failure("lstm 5, dense").find("reads sequences (T,F), gets (28,28,1)") != std::string::npos);
  CHECK(failure("lstm 5, dense", kText, 3).find("an embedding comes first") != std::string::npos);
  CHECK(failure("embedding 5, dense").find("reads tokens, gets numbers (28,28,1)") != std::string::npos);
  CHECK(failure("dense, softmax").find("the loss applies softmax itself") != std::string::npos);
  CHECK(failure("pool 40, dense").find("pool: ") != std::string::npos);
  CHECK(failure("residual { conv 8 }, dense").find("residual: ") != std::string::npos);
  CHECK(failure("residual { conv 8, dense").find("the brace is never closed") != std::string::npos);
  CHECK(failure("residual { }, dense").find("the braces hold no layer") != std::string::npos);
  CHECK(failure("residual, dense").find("residual wants 1 to 2 { layers }, not 0") != std::string::npos);
  CHECK(failure("relu { conv 8 }, dense").find("relu takes no { layers }") != std::string::npos);
  CHECK(failure("graph { a: conv 8, add from a c }, dense").find("no layer before it is called c") !=
        std::string::npos);
  CHECK(failure("graph { a: conv 8, add from a in }, dense").find("add: ") != std::string::npos);
  CHECK(failure("conv 8 from in, dense").find("for layers of a graph") != std::string::npos);
  CHECK(failure("a: dense 4, a: dense").find("two parameters are called a.weight") != std::string::npos);
  CHECK(failure("conv 8 groups 3, dense").find("groups") != std::string::npos);
  CHECK(failure("dropout 1.5, dense").find("p = 1.5 is not in [0, 1)") != std::string::npos);
  CHECK(failure("conv 8 stride 2 stride 1, dense").find("stride is given twice") != std::string::npos);
  CHECK(failure("").find("holds no layer") != std::string::npos);
  CHECK(failure("[a] [b] dense").find("block [a] holds no layer") != std::string::npos);
  CHECK(failure("relu [b] dense").find("the layers before the first [block] are in none") !=
        std::string::npos);
  CHECK(failure("dense 4; dense").find("line 1, column 8: ';' is part of no network") != std::string::npos);
  CHECK(failure("conv 1073741824 1073741824x3, dense").find("[") == 0);
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "group { ";
  CHECK(failure(deep).find("more than 32 braces") != std::string::npos);
}
