#include "layers/network/kinds.h"

#include <fmt/core.h>

#include "engine/ops/activation.h"
#include "layers/activation.h"
#include "layers/branch.h"
#include "layers/conv2d.h"
#include "layers/dense.h"
#include "layers/dropout.h"
#include "layers/embedding.h"
#include "layers/join.h"
#include "layers/norm.h"
#include "layers/pool.h"
#include "layers/recurrent.h"
#include "layers/residual.h"
#include "layers/shaping.h"
#include "layers/text_convolution.h"

namespace firn {

namespace {

using Kind = LayerOption::Type;
using Bodies = std::vector<LayerPtr>;

constexpr const char* kImages = "images (H,W,C)";
constexpr const char* kSequences = "sequences (T,F)";

LayerPtr make_conv(const LayerArguments& a, Bodies) {
  const Extent kernel = a.extent("kernel");
  const Extent same{(kernel.h - 1) / 2, (kernel.w - 1) / 2};
  return make<Conv2d>({.in = a.width(3, kImages),
                       .out = a.count("out"),
                       .kernel = kernel,
                       .stride = a.extent("stride"),
                       .pad = a.given("pad") ? a.extent("pad") : same,
                       .groups = a.count("groups"),
                       .bias = !a.flag("no_bias")});
}

LayerPtr make_dense(const LayerArguments& a, Bodies) {
  if (a.site().sample.rank() > 2)
    a.fail(fmt::format("reads numbers in a row, gets {}: flatten comes first", a.site().sample.text()));
  return make<Dense>({.in = a.width(0, "numbers"),
                      .out = a.count("out"),
                      .bias = !a.flag("no_bias"),
                      .image = a.site().image});
}

WindowOptions window_of(const LayerArguments& a) {
  a.width(3, kImages);
  const Extent kernel = a.extent("kernel");
  return {.kernel = kernel,
          .stride = a.given("stride") ? a.extent("stride") : kernel,
          .pad = a.extent("pad"),
          .ceil = a.flag("ceil")};
}

LayerPtr make_average_pool(const LayerArguments& a, Bodies) {
  WindowOptions options = window_of(a);
  options.count_padding = !a.flag("without_padding");
  return make<AveragePool2d>(options);
}

template <class Layer>
LayerPtr make_recurrent(const LayerArguments& a, Bodies) {
  return make<Layer>({.in = a.width(2, kSequences),
                      .hidden = a.count("hidden"),
                      .layers = a.count("layers"),
                      .bidirectional = a.flag("bidirectional"),
                      .reverse = a.flag("reverse"),
                      .dropout = a.number("dropout"),
                      .first_layer = a.count("first_layer")});
}

LayerPtr make_embedding(const LayerArguments& a, Bodies) {
  if (a.site().vocabulary < 1) a.fail(fmt::format("reads tokens, gets numbers {}", a.site().sample.text()));
  return make<Embedding>({.vocabulary = a.site().vocabulary, .features = a.count("features")});
}

Activation activation_of(const LayerArguments& a, const std::string& name) {
  if (name == "none") return Activation::none;
  for (const Activation one : {Activation::relu, Activation::leaky_relu, Activation::gelu, Activation::silu,
                               Activation::sigmoid, Activation::tanh}) {
    if (activation_name(one) == name) return one;
  }
  a.fail(fmt::format("no activation is called {}", name));
}

LayerPtr make_residual(const LayerArguments& a, Bodies bodies) {
  return make<Residual>({.body = bodies[0],
                         .shortcut = bodies.size() > 1 ? bodies[1] : nullptr,
                         .activation = activation_of(a, a.word("activation"))});
}

template <Activation kWhich>
LayerKind activation_kind(const std::string& name, const std::string& text) {
  return {name, text, {}, [](const LayerArguments&, Bodies) { return std::make_shared<Activate>(kWhich); }};
}

template <class Layer>
LayerPtr make_simple(const LayerArguments&, Bodies) {
  return std::make_shared<Layer>();
}

std::vector<LayerOption> recurrent_options() {
  return {{"hidden", Kind::count, true, "", "units"},
          {"layers", Kind::count, false, "1", "one over the other"},
          {"bidirectional", Kind::flag, false, "", "the features of both directions, forward first"},
          {"reverse", Kind::flag, false, "", "from the last step to the first"},
          {"dropout", Kind::number, false, "0", "between the layers"},
          {"first_layer", Kind::count, false, "0", "the number of the first layer in its parameters' names"}};
}

std::vector<LayerOption> window_options() {
  return {{"kernel", Kind::extent, true, "2", "height x width of the window"},
          {"stride", Kind::extent, false, "", "as the kernel"},
          {"pad", Kind::extent, false, "0", "on both sides"},
          {"ceil", Kind::flag, false, "", "round the output's size up"}};
}

const LayerOption kEpsilon{"epsilon", Kind::number, false, "1e-05", "added to the variance"};

std::vector<LayerKind> make_kinds() {
  return {
      {"conv",
       "convolution of images; torch.nn.Conv2d",
       {{"out", Kind::count, true, "classes", "channels"},
        {"kernel", Kind::extent, true, "3", "height x width"},
        {"stride", Kind::extent, false, "1", ""},
        {"pad", Kind::extent, false, "", "on both sides; (kernel - 1) / 2, which keeps the size at stride 1"},
        {"groups", Kind::count, false, "1", "'in': each channel for itself"},
        {"no_bias", Kind::flag, false, "", ""}},
       make_conv,
       0,
       0,
       {},
       true},
      {"dense",
       "each output from all inputs; an image is flattened; torch.nn.Linear",
       {{"out", Kind::count, true, "classes", "outputs"}, {"no_bias", Kind::flag, false, "", ""}},
       make_dense,
       0,
       0,
       {},
       true},
      {"norm",
       "batch norm over the channels or features",
       {kEpsilon, {"momentum", Kind::number, false, "0.1", "share of a batch in the running statistics"}},
       [](const LayerArguments& a, Bodies) {
         return make<BatchNorm>({.channels = a.width(0, "numbers"),
                                 .epsilon = a.number("epsilon"),
                                 .momentum = a.number("momentum")});
       }},
      {"layer_norm",
       "layer norm over the channels or features",
       {kEpsilon},
       [](const LayerArguments& a, Bodies) {
         return make<LayerNorm>({.features = a.width(0, "numbers"), .epsilon = a.number("epsilon")});
       }},
      activation_kind<Activation::relu>("relu", "max(x, 0)"),
      {"leaky_relu",
       "x, below zero slope * x",
       {{"slope", Kind::number, true, "0.01", ""}},
       [](const LayerArguments& a, Bodies) {
         return std::make_shared<Activate>(Activation::leaky_relu, a.number("slope"));
       }},
      activation_kind<Activation::gelu>("gelu", "x * Phi(x)"),
      activation_kind<Activation::silu>("silu", "x * sigmoid(x)"),
      activation_kind<Activation::sigmoid>("sigmoid", "1 / (1 + exp(-x))"),
      activation_kind<Activation::tanh>("tanh", "tanh(x)"),
      activation_kind<Activation::none>("identity", "x"),
      {"softmax", "probabilities over the last dimension", {}, make_simple<Softmax>},
      {"pool", "greatest of each window of an image", window_options(),
       [](const LayerArguments& a, Bodies) { return make<MaxPool2d>(window_of(a)); }},
      {"average_pool", "mean of each window of an image",
       [] {
         auto options = window_options();
         options.push_back({"without_padding", Kind::flag, false, "", "the padding does not count"});
         return options;
       }(),
       make_average_pool},
      {"global_pool",
       "mean over the image: (H,W,C) to (C)",
       {},
       [](const LayerArguments& a, Bodies) -> LayerPtr {
         a.width(3, kImages);
         return std::make_shared<GlobalAveragePool>();
       }},
      {"dropout",
       "inverted dropout, in training alone",
       {{"p", Kind::number, true, "0.5", "share that is left out"}},
       [](const LayerArguments& a, Bodies) { return std::make_shared<Dropout>(a.number("p")); }},
      {"flatten", "all numbers of a sample in a row", {}, make_simple<Flatten>},
      {"reshape",
       "the same numbers under another shape",
       {{"sample", Kind::shape, true, "", "of a sample"}},
       [](const LayerArguments& a, Bodies) { return std::make_shared<Reshape>(a.shape("sample")); }},
      {"rows",
       "an image as a sequence of its rows: (H,W,C) to (H,W*C)",
       {},
       [](const LayerArguments& a, Bodies) -> LayerPtr {
         a.width(3, kImages);
         return std::make_shared<RowsToSequence>();
       }},
      {"strided_pad",
       "each stride-th place, zero channels before and behind (He 2015, option A)",
       {{"stride", Kind::count, true, "1", ""},
        {"before", Kind::count, false, "0", "channels"},
        {"behind", Kind::count, false, "0", "channels"}},
       [](const LayerArguments& a, Bodies) -> LayerPtr {
         a.width(3, kImages);
         return make<StridedPad>(
             {.stride = a.count("stride"), .before = a.count("before"), .behind = a.count("behind")});
       }},
      {"embedding",
       "a row of features for each token",
       {{"features", Kind::count, true, "", ""}},
       make_embedding,
       0,
       0,
       {},
       true},
      {"lstm",
       "LSTM over a sequence; torch.nn.LSTM",
       recurrent_options(),
       make_recurrent<Lstm>,
       0,
       0,
       {},
       true},
      {"gru", "GRU over a sequence; torch.nn.GRU", recurrent_options(), make_recurrent<Gru>, 0, 0, {}, true},
      {"last",
       "the last step of a sequence: (T,F) to (F)",
       {},
       [](const LayerArguments& a, Bodies) -> LayerPtr {
         a.width(2, kSequences);
         return std::make_shared<LastStep>();
       }},
      {"text_conv",
       "convolutions over time with ReLU, the greatest of each (Kim 2014)",
       {{"channels", Kind::count, true, "", "of each width"},
        {"widths", Kind::counts, false, "3 4 5", "steps that a convolution sees"}},
       [](const LayerArguments& a, Bodies) {
         return make<TextConvolution>({.features = a.width(2, kSequences),
                                       .channels = a.count("channels"),
                                       .widths = a.counts("widths")});
       },
       0,
       0,
       {},
       true},
      {"residual",
       "activation(body(x) + shortcut(x)) (He 2015)",
       {{"activation", Kind::word, false, "relu", "or none, gelu, ..."}},
       make_residual,
       1,
       2,
       {"shortcut"},
       true},
      {"branch",
       "the results of several { layers }, one behind the other in the last dimension",
       {},
       [](const LayerArguments&, Bodies bodies) { return std::make_shared<Branch>(bodies); },
       1,
       16,
       {},
       true},
      {"group",
       "layers one after the other",
       {},
       [](const LayerArguments&, Bodies bodies) { return bodies[0]; },
       1,
       1,
       {},
       true},
      // Its layers are put together by their names, where the network is built.
      {"graph", "any layers, each says what it reads: 'from a b'", {}, nullptr, 1, 1, {}, true},
      {"add", "in a graph: the sum of what it reads", {}, make_simple<Add>},
      {"multiply", "in a graph: the product", {}, make_simple<Multiply>},
      {"concat", "in a graph: one behind the other in the last dimension", {}, make_simple<Concatenate>},
  };
}

}  // namespace

const std::vector<LayerKind>& layer_kinds() {
  static const std::vector<LayerKind> kinds = make_kinds();
  return kinds;
}

const LayerKind* find_layer_kind(const std::string& name) {
  for (const LayerKind& kind : layer_kinds()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

}  // namespace firn
