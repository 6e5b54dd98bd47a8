#include "layers/network/kinds.h"

#include <fmt/core.h>

#include "engine/ops/activation.h"
#include "layers/activation.h"
#include "layers/branch.h"
#include "layers/channel_numbers.h"
#include "layers/conv2d.h"
#include "layers/dense.h"
#include "layers/dropout.h"
#include "layers/embedding.h"
#include "layers/join.h"
#include "layers/norm.h"
#include "layers/pool.h"
#include "layers/prelu.h"
#include "layers/recurrent.h"
#include "layers/residual.h"
#include "layers/shaping.h"
#include "layers/text_convolution.h"
#include "layers/upsample.h"

namespace firn {

namespace {

using Kind = LayerOption::Type;
using Bodies = std::vector<LayerPtr>;

constexpr const char* kImages = "images (H,W,C)";
constexpr const char* kSequences = "sequences (T,F)";

/// Whether what is read are sequences (T,F), which a convolution or pool goes along; else they are images.
bool goes_along_steps(const LayerArguments& a) {
  if (a.site().sample.rank() == 2) {
    a.width(2, kSequences);
    return true;
  }
  a.width(3, kImages);
  return false;
}

/// An extent of a window; along steps one number, "80", in the place of "1x80".
Extent window_extent(const LayerArguments& a, const std::string& name, bool steps, Index height) {
  const Extent e = a.extent(name);
  if (!steps) return e;
  if (e.h != e.w && e.h != height)
    a.fail(fmt::format("{} '{}': along steps one number is wanted", name, e.text()));
  return {height, e.w};
}

template <bool kTransposed>
LayerPtr make_conv(const LayerArguments& a, Bodies) {
  const bool steps = goes_along_steps(a);
  const Extent kernel = window_extent(a, "kernel", steps, 1),
               dilation = window_extent(a, "dilation", steps, 1);
  Conv2d::Options options{.in = a.width(0, kImages),
                          .out = a.count("out"),
                          .kernel = kernel,
                          .stride = window_extent(a, "stride", steps, 1),
                          .pad = a.given("pad") || kTransposed ? window_extent(a, "pad", steps, 0)
                                                               : Conv2d::same_pad(kernel, dilation),
                          .dilation = dilation,
                          .steps = steps,
                          .groups = a.count("groups"),
                          .bias = !a.flag("no_bias"),
                          .transposed = kTransposed};
  if (kTransposed) options.more = window_extent(a, "more", steps, 0);
  if (a.given("pad_end")) options.pad_end = window_extent(a, "pad_end", steps, 0);
  return make<Conv2d>(options);
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
  const bool steps = goes_along_steps(a);
  const Extent kernel = window_extent(a, "kernel", steps, 1);
  WindowOptions options{.kernel = kernel,
                        .stride = a.given("stride") ? window_extent(a, "stride", steps, 1) : kernel,
                        .pad = window_extent(a, "pad", steps, 0),
                        .steps = steps,
                        .ceil = a.flag("ceil")};
  if (a.given("pad_end")) options.pad_end = window_extent(a, "pad_end", steps, 0);
  return options;
}

LayerPtr make_average_pool(const LayerArguments& a, Bodies) {
  WindowOptions options = window_of(a);
  options.count_padding = !a.flag("without_padding");
  return make<AveragePool2d>(options);
}

Recurrent::Options recurrent_of(const LayerArguments& a) {
  return {.in = a.width(2, kSequences),
          .hidden = a.count("hidden"),
          .layers = a.count("layers"),
          .bidirectional = a.flag("bidirectional"),
          .reverse = a.flag("reverse"),
          .dropout = a.number("dropout"),
          .first_layer = a.count("first_layer"),
          .projection = a.count("projection"),
          .initial = a.flag("initial")};
}

template <class Layer>
LayerPtr make_recurrent(const LayerArguments& a, Bodies) {
  return make<Layer>(recurrent_of(a));
}

template <bool kRelu>
LayerPtr make_rnn(const LayerArguments& a, Bodies) {
  return std::make_shared<Rnn>(recurrent_of(a), kRelu);
}

LayerPtr make_embedding(const LayerArguments& a, Bodies) {
  if (a.site().vocabulary < 1) a.fail(fmt::format("reads tokens, gets numbers {}", a.site().sample.text()));
  return make<Embedding>({.vocabulary = a.site().vocabulary, .features = a.count("features")});
}

Activation activation_of(const LayerArguments& a, const std::string& name) {
  if (name == "none") return Activation::none;
  for (const Activation one :
       {Activation::relu, Activation::leaky_relu, Activation::gelu, Activation::silu, Activation::sigmoid,
        Activation::tanh, Activation::hard_swish, Activation::gelu_tanh}) {
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

LayerKind over_kind(const std::string& name, const std::string& text, OverAxes::Kind kind) {
  return {
      name,
      text,
      {{"over", Kind::counts, false, "", "axes, from 1"}},
      [kind](const LayerArguments& a, Bodies) { return std::make_shared<OverAxes>(kind, a.counts("over")); }};
}

LayerPtr make_channels(const LayerArguments& a, ChannelParameter::Kind kind) {
  return std::make_shared<ChannelParameter>(kind, a.width(0, "numbers"),
                                            a.given("as") ? a.shape("as") : Shape{});
}

LayerKind recurrent_kind(const std::string& name, const std::string& text,
                         std::function<LayerPtr(const LayerArguments&, Bodies)> made) {
  return {name,
          text,
          {{"hidden", Kind::count, true, "", "units"},
           {"layers", Kind::count, false, "1", "one over the other"},
           {"bidirectional", Kind::flag, false, "", "the features of both directions, forward first"},
           {"reverse", Kind::flag, false, "", "from the last step to the first"},
           {"dropout", Kind::number, false, "0", "between the layers"},
           {"first_layer", Kind::place, false, "0", "the number of the first layer in its parameters' names"},
           {"projection", Kind::place, false, "0", "of an lstm: numbers of its state; as hidden"},
           {"initial", Kind::flag, false, "", "learns the states before the first step"}},
          std::move(made),
          0,
          0,
          {},
          true};
}

std::vector<LayerOption> window_options() {
  return {{"kernel", Kind::extent, true, "2", "height x width of the window"},
          {"stride", Kind::extent, false, "", "as the kernel"},
          {"pad", Kind::margin, false, "0", "on both sides"},
          {"pad_end", Kind::margin, false, "", "below and to the right; as pad"},
          {"ceil", Kind::flag, false, "", "round the output's size up"}};
}

const LayerOption kEpsilon{"epsilon", Kind::number, false, "1e-05", "added to the variance"};

std::vector<LayerKind> make_kinds() {
  return {
      {"conv",
       "convolution of images, or along the steps of sequences; torch.nn.Conv2d, Conv1d",
       {{"out", Kind::count, true, "classes", "channels"},
        {"kernel", Kind::extent, true, "3", "height x width"},
        {"stride", Kind::extent, false, "1", ""},
        {"pad", Kind::margin, false, "", "on both sides; (kernel - 1) / 2, which keeps the size at stride 1"},
        {"pad_end", Kind::margin, false, "", "below and to the right; as pad"},
        {"dilation", Kind::extent, false, "1", "between neighbouring places of the kernel"},
        {"groups", Kind::count, false, "1", "'in': each channel for itself"},
        {"no_bias", Kind::flag, false, "", ""}},
       make_conv<false>,
       0,
       0,
       {},
       true},
      {"transposed_conv",
       "the other way round, to larger images or sequences; torch.nn.ConvTranspose2d, ConvTranspose1d",
       {{"out", Kind::count, true, "", "channels"},
        {"kernel", Kind::extent, true, "2", "height x width"},
        {"stride", Kind::extent, false, "1", "between the places of what is read"},
        {"pad", Kind::margin, false, "0", "left out on both sides"},
        {"pad_end", Kind::margin, false, "", "below and to the right; as pad"},
        {"more", Kind::margin, false, "0", "added below and to the right: output_padding"},
        {"dilation", Kind::extent, false, "1", "between neighbouring places of the kernel"},
        {"groups", Kind::count, false, "1", "'in': each channel for itself"},
        {"no_bias", Kind::flag, false, "", ""}},
       make_conv<true>,
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
      {"local_response_norm",
       "divided by the squares of neighbouring channels (Krizhevsky 2012)",
       {{"size", Kind::count, true, "5", "channels"},
        {"alpha", Kind::number, false, "0.0001", ""},
        {"beta", Kind::number, false, "0.75", ""},
        {"k", Kind::number, false, "1", ""}},
       [](const LayerArguments& a, Bodies) {
         return make<LocalResponse>({.size = a.count("size"),
                                     .alpha = a.number("alpha"),
                                     .beta = a.number("beta"),
                                     .k = a.number("k")});
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
      {"relu_to",
       "max(x, 0), at most MOST (ReLU6)",
       {{"most", Kind::number, true, "6", ""}},
       [](const LayerArguments& a, Bodies) {
         return std::make_shared<Activate>(Activation::relu_to, a.number("most"));
       }},
      {"hard_sigmoid",
       "slope * x + 1/2, from 0 to 1",
       {{"slope", Kind::number, false, "0.16666667", ""}},
       [](const LayerArguments& a, Bodies) {
         return std::make_shared<Activate>(Activation::hard_sigmoid,
                                           a.given("slope") ? a.number("slope") : real(1) / 6);
       }},
      activation_kind<Activation::hard_swish>("hard_swish", "x * hard_sigmoid(x)"),
      activation_kind<Activation::gelu_tanh>("gelu_tanh", "gelu by its approximation with tanh"),
      activation_kind<Activation::none>("identity", "x"),
      {"softmax", "probabilities over the last dimension", {}, make_simple<Softmax>},
      {"log_softmax", "their logarithms", {}, make_simple<LogSoftmax>},
      {"prelu",
       "x, below zero weight * x, learned for each channel",
       {{"shared", Kind::flag, false, "", "one weight for all of them"}},
       [](const LayerArguments& a, Bodies) {
         return make<PRelu>({.channels = a.width(0, "numbers"), .shared = a.flag("shared")});
       }},
      {"pool", "greatest of each window of an image or sequence", window_options(),
       [](const LayerArguments& a, Bodies) { return make<MaxPool2d>(window_of(a)); }},
      {"average_pool", "mean of each window of an image or sequence",
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
      {"adaptive_pool",
       "means of windows that share the image evenly: (H,W,C) to (size,C)",
       {{"size", Kind::extent, true, "7", "height x width"}},
       [](const LayerArguments& a, Bodies) -> LayerPtr {
         a.width(3, kImages);
         return std::make_shared<AdaptivePool>(a.extent("size"));
       }},
      over_kind("mean", "mean over axes of a sample, which go away", OverAxes::Kind::mean),
      over_kind("max", "greatest over axes of a sample, which go away", OverAxes::Kind::greatest),
      {"scale",
       "times a number for each channel, which is learned",
       {{"as", Kind::shape, false, "", "its shape in files; C"}},
       [](const LayerArguments& a, Bodies) { return make_channels(a, ChannelParameter::Kind::scale); }},
      {"shift",
       "plus a number for each channel, which is learned",
       {{"as", Kind::shape, false, "", "its shape in files; C"}},
       [](const LayerArguments& a, Bodies) { return make_channels(a, ChannelParameter::Kind::shift); }},
      {"times",
       "factor * x",
       {{"factor", Kind::number, true, "", ""}},
       [](const LayerArguments& a, Bodies) { return std::make_shared<Affine>(a.number("factor"), real(0)); }},
      {"plus",
       "x + summand",
       {{"summand", Kind::number, true, "", ""}},
       [](const LayerArguments& a, Bodies) {
         return std::make_shared<Affine>(real(1), a.number("summand"));
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
      {"permute",
       "the axes of a sample in another order: 'order 3 1 2' makes (C,H,W) of (H,W,C)",
       {{"order", Kind::counts, false, "", "axes, from 1"}},
       [](const LayerArguments& a, Bodies) { return std::make_shared<Permute>(a.counts("order")); }},
      {"slice",
       "places of an axis of a sample: begin, begin + step, ... below end",
       {{"axis", Kind::count, false, "", "from 1"},
        {"begin", Kind::place, false, "0", "from 0"},
        {"end", Kind::place, false, "", ""},
        {"step", Kind::count, false, "1", ""}},
       [](const LayerArguments& a, Bodies) {
         return make<Slice>({.axis = a.count("axis"),
                             .begin = a.count("begin"),
                             .end = a.count("end"),
                             .step = a.count("step")});
       }},
      {"zero_pad",
       "zeros before and behind the places of an axis of a sample",
       {{"axis", Kind::count, false, "", "from 1"},
        {"before", Kind::place, false, "0", ""},
        {"behind", Kind::place, false, "0", ""}},
       [](const LayerArguments& a, Bodies) {
         return make<ZeroPad>(
             {.axis = a.count("axis"), .before = a.count("before"), .behind = a.count("behind")});
       }},
      {"upsample",
       "each place of an image several times",
       {{"factor", Kind::extent, true, "2", "height x width"}},
       [](const LayerArguments& a, Bodies) -> LayerPtr {
         a.width(3, kImages);
         return std::make_shared<Upsample>(a.extent("factor"));
       }},
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
        {"before", Kind::place, false, "0", "channels"},
        {"behind", Kind::place, false, "0", "channels"}},
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
      recurrent_kind("lstm", "LSTM over a sequence; torch.nn.LSTM", make_recurrent<Lstm>),
      recurrent_kind("gru", "GRU over a sequence; torch.nn.GRU", make_recurrent<Gru>),
      recurrent_kind("gru_reset_first", "GRU whose reset gate comes before the product (Cho et al. 2014)",
                     make_recurrent<ResetFirstGru>),
      recurrent_kind("rnn", "simple recurrent layer with tanh; torch.nn.RNN", make_rnn<false>),
      recurrent_kind("rnn_relu", "the same with ReLU", make_rnn<true>),
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
      {"multiply", "in a graph: the product; of channels too", {}, make_simple<Multiply>},
      {"concat",
       "in a graph: one behind the other in the last dimension",
       {{"axis", Kind::place, false, "0", "or in this one, from 1"}},
       [](const LayerArguments& a, Bodies) { return std::make_shared<Concatenate>(a.count("axis")); }},
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
