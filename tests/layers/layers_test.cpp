// What the single layers build.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "layers/activation.h"
#include "layers/branch.h"
#include "layers/conv2d.h"
#include "layers/dense.h"
#include "layers/dropout.h"
#include "layers/embedding.h"
#include "layers/network/network.h"
#include "layers/norm.h"
#include "layers/pool.h"
#include "layers/prelu.h"
#include "layers/recurrent.h"
#include "layers/residual.h"
#include "layers/sequential.h"
#include "layers/shaping.h"
#include "layers/text_convolution.h"
#include "layers/upsample.h"
#include "tests/errors.h"
#include "tests/layers/support.h"

using namespace firn;
using namespace firn::test;

namespace {

Tensor run(const Layer& layer, const Tensor& x, const Tensor& lengths = {}) {
  auto graph = std::make_unique<Graph>(Graph::Options{.mode = Mode::infer});
  Flow flow{graph->feed("x", x.shape(), x.type())};
  if (lengths.defined()) flow.lengths = graph->feed("lengths", lengths.shape(), DType::int32);
  graph->output("y", layer.build(*graph, flow).x);
  const auto program = Program::inference(std::move(graph));
  program->feed("x", x);
  if (lengths.defined()) program->feed("lengths", lengths);
  program->run();
  return program->output("y");
}

bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.raw(), b.raw(), static_cast<std::size_t>(a.bytes())) == 0;
}

/// A small network with two batch norms, as a model of three blocks.
ModelPtr normed() {
  auto model = std::make_shared<Model>("normed", InputSpec{Shape{4, 4, 2}}, 3);
  model->add_block("one", {{"conv1", make<Conv2d>({.in = 2, .out = 4, .pad = 1, .bias = false})},
                           {"bn1", make<BatchNorm>({.channels = 4})},
                           {"relu1", std::make_shared<Activate>(Activation::relu)}});
  model->add_block("two", {{"conv2", make<Conv2d>({.in = 4, .out = 4, .pad = 1, .bias = false})},
                           {"bn2", make<BatchNorm>({.channels = 4})},
                           {"relu2", std::make_shared<Activate>(Activation::relu)}});
  model->add_block(
      "head", {{"pool", std::make_shared<GlobalAveragePool>()}, {"fc", make<Dense>({.in = 4, .out = 3})}});
  model->initialise(1);
  return model;
}

const Tensor& named(const Layer& layer, const std::string& name) {
  for (const NamedParameter& p : layer.parameters()) {
    if (p.name == name) return p.parameter->value();
  }
  FAIL("no parameter " << name);
  return layer.parameters()[0].parameter->value();
}

void train(const Model& model, Graph::Options options = {}) {
  const auto program = training(model, 8, options);
  const Feeds feeds = make_feeds(model, 8);
  feed_all(*program, feeds);
  for (std::uint64_t step = 0; step < 5; ++step) descend(*program, real(0.1), step);
}

}  // namespace

TEST_CASE("the statistics of a batch norm move while they train, and only then") {
  for (const bool batch_statistics : {false, true}) {
    CAPTURE(batch_statistics);
    const ModelPtr model = normed();
    model->set_freeze("1");
    const Tensor mean1 = named(*model, "bn1.running_mean").clone();
    const Tensor var1 = named(*model, "bn1.running_var").clone();
    const Tensor mean2 = named(*model, "bn2.running_mean").clone();
    const Tensor var2 = named(*model, "bn2.running_var").clone();
    train(*model, {.batch_statistics = batch_statistics});
    CHECK(same(mean1, named(*model, "bn1.running_mean")));
    CHECK(same(var1, named(*model, "bn1.running_var")));
    CHECK_FALSE(same(mean2, named(*model, "bn2.running_mean")));
    CHECK_FALSE(same(var2, named(*model, "bn2.running_var")));
  }
}

TEST_CASE("frozen bytes stay, whatever is frozen") {
  for (const std::string spec :
       {"role:norm", "role:weight", "bn1.weight", "conv1", "0,1", "bn2", "fc.bias"}) {
    CAPTURE(spec);
    const ModelPtr model = normed();
    model->set_freeze(spec);
    std::vector<Tensor> before;
    for (const NamedParameter& p : model->parameters()) before.push_back(p.parameter->value().clone());
    train(*model);
    std::size_t i = 0;
    for (const NamedParameter& p : model->parameters()) {
      CAPTURE(p.name);
      CHECK(same(before[i++], p.parameter->value()) == !p.parameter->trainable());
    }
  }
}

TEST_CASE("batch_statistics changes what a frozen batch norm computes, not what it holds") {
  const ModelPtr model = normed();
  model->set_freeze("2");
  const Feeds feeds = make_feeds(*model, 8);
  const auto loss = [&](bool batch_statistics) {
    const auto program = training(*model, 8, {.batch_statistics = batch_statistics});
    feed_all(*program, feeds);
    program->run();
    return *program->output_data("loss");
  };
  CHECK(loss(true) != loss(false));
}

TEST_CASE("mean and variance are frozen together") {
  const ModelPtr model = normed();
  model->freeze("bn1.running_mean");
  CHECK(fails_with(Fault::usage, "of bn1.running_mean and bn1.running_var one is frozen",
                   [&] { training(*model, 2); }));
}

TEST_CASE("a bidirectional layer is two layers, one reversed, under PyTorch's names") {
  const auto both = make<Lstm>({.in = 3, .hidden = 5, .bidirectional = true});
  const Branch pair(
      {make<Lstm>({.in = 3, .hidden = 5}), make<Lstm>({.in = 3, .hidden = 5, .reverse = true})});
  REQUIRE(both->parameters().size() == 8);
  for (std::size_t i = 0; i < 8; ++i) CHECK(both->parameters()[i].name == pair.parameters()[i].name);
  CHECK(both->parameters()[5].name == "weight_hh_l0_reverse");
  both->initialise(1);
  const_cast<Branch&>(pair).initialise(1);
  const Tensor x = normal(Shape{2, 6, 3}, 1);
  const Tensor lengths = Tensor::of_indices(Shape{2}, std::vector<std::int32_t>{6, 4});
  const Tensor y = run(*both, x, lengths);
  CHECK(y.shape() == Shape{2, 6, 10});
  CHECK(same(y, run(pair, x, lengths)));
  for (Index i = 0; i < 2 * 10; ++i) CHECK(y.data()[(1 * 6 + 4) * 10 + i] == 0);
}

TEST_CASE("several recurrent layers are one after the other") {
  const auto deep = make<Gru>({.in = 3, .hidden = 4, .layers = 2});
  Sequential chain;
  chain.add("", make<Gru>({.in = 3, .hidden = 4}))
      .add("", make<Gru>({.in = 4, .hidden = 4, .first_layer = 1}));
  deep->initialise(2);
  chain.initialise(2);
  const Tensor x = normal(Shape{2, 5, 3}, 1);
  CHECK(same(run(*deep, x), run(chain, x)));
  CHECK(deep->text() == "gru 4 layers 2");
  CHECK(fails_with(Fault::usage, "one direction",
                   [] { make<Gru>({.in = 1, .hidden = 1, .bidirectional = true, .reverse = true}); }));
}

TEST_CASE("dropout acts above what trains, in training, between recurrent layers too") {
  const auto dropouts = [](bool frozen, Mode mode, bool in_frozen) {
    const auto lstm = make<Lstm>({.in = 3, .hidden = 4, .layers = 2, .dropout = real(0.5)});
    if (frozen) lstm->freeze("*");
    Graph graph({.mode = mode, .dropout_in_frozen = in_frozen});
    Dropout(real(0.3)).build(graph, lstm->build(graph, {graph.feed("x", Shape{2, 5, 3})}));
    int count = 0;
    for (const auto& node : graph.nodes()) count += node->kind() == "dropout";
    return count;
  };
  CHECK(dropouts(false, Mode::train, false) == 2);
  CHECK(dropouts(false, Mode::infer, false) == 0);
  CHECK(dropouts(true, Mode::train, false) == 0);
  CHECK(dropouts(true, Mode::train, true) == 2);
  CHECK(fails_with(Fault::usage, "not in [0, 1)", [] { Dropout bad(1); }));
  CHECK(fails_with(Fault::usage, "not in [0, 1)", [] { Dropout bad(real(NAN)); }));
}

TEST_CASE("option A shortcuts: every second place, zero channels on both sides") {
  const auto pad = make<StridedPad>({.stride = 2, .before = 1, .behind = 2});
  const Tensor x = normal(Shape{2, 5, 4, 3}, 1);
  const Tensor y = run(*pad, x);
  REQUIRE(y.shape() == Shape{2, 3, 2, 6});
  for (Index n = 0; n < 2; ++n) {
    for (Index h = 0; h < 3; ++h) {
      for (Index w = 0; w < 2; ++w) {
        const real* to = y.data() + ((n * 3 + h) * 2 + w) * 6;
        const real* from = x.data() + ((n * 5 + 2 * h) * 4 + 2 * w) * 3;
        CHECK(to[0] == 0);
        for (Index c = 0; c < 3; ++c) CHECK(to[1 + c] == from[c]);
        CHECK(to[4] == 0);
        CHECK(to[5] == 0);
      }
    }
  }
}

TEST_CASE("a residual layer adds what goes round it") {
  const auto conv = make<Conv2d>({.in = 2, .out = 2, .pad = 1});
  const auto body = std::make_shared<Sequential>();
  body->add("conv", conv);
  const auto residual = make<Residual>({.body = body, .activation = Activation::none});
  residual->initialise(1);
  CHECK(residual->parameters()[0].name == "conv.weight");
  const Tensor x = normal(Shape{1, 3, 3, 2}, 2);
  const Tensor y = run(*residual, x);
  const Tensor z = run(*conv, x);
  for (Index i = 0; i < x.count(); ++i) CHECK(y.data()[i] == doctest::Approx(x.data()[i] + z.data()[i]));
  const Tensor positive = run(*make<Residual>({.body = body}), x);
  for (Index i = 0; i < x.count(); ++i)
    CHECK(positive.data()[i] == doctest::Approx(std::max(real(0), y.data()[i])));
}

TEST_CASE("pools, activations and shapes") {
  const Tensor x = normal(Shape{2, 5, 6, 3}, 1);
  CHECK(run(*make<MaxPool2d>({}), x).shape() == Shape{2, 2, 3, 3});
  CHECK(run(*make<MaxPool2d>({.kernel = 3, .stride = 2, .ceil = true}), x).shape() == Shape{2, 2, 3, 3});
  CHECK(run(*make<AveragePool2d>({.kernel = {5, 6}}), x).shape() == Shape{2, 1, 1, 3});
  const Tensor mean = run(GlobalAveragePool(), x);
  REQUIRE(mean.shape() == Shape{2, 3});
  const Tensor window = run(*make<AveragePool2d>({.kernel = {5, 6}}), x);
  for (Index i = 0; i < 6; ++i) CHECK(mean.data()[i] == doctest::Approx(window.data()[i]));
  CHECK(run(Flatten(), x).shape() == Shape{2, 90});
  CHECK(run(Reshape(Shape{3, 30}), x).shape() == Shape{2, 3, 30});
  CHECK(run(RowsToSequence(), x).shape() == Shape{2, 5, 18});
  CHECK(fails_with(Fault::usage, "must be (N,H,W,C)", [&] {
    run(RowsToSequence(), normal(Shape{2, 3}, 1));
  }));

  const Tensor soft = run(Softmax(), x);
  CHECK(soft.data()[0] + soft.data()[1] + soft.data()[2] == doctest::Approx(1));
  const Tensor leaky = run(Activate(Activation::leaky_relu, real(0.2)), x);
  for (Index i = 0; i < x.count(); ++i)
    CHECK(leaky.data()[i] == doctest::Approx(x.data()[i] > 0 ? x.data()[i] : real(0.2) * x.data()[i]));
  CHECK(same(run(Activate(Activation::none), x), x));

  const auto norm = make<LayerNorm>({.features = 3});
  norm->initialise(1);
  const Tensor normed = run(*norm, x);
  CHECK(std::abs(normed.data()[0] + normed.data()[1] + normed.data()[2]) <= real(1e-5));
  CHECK(run(*make<Conv2d>({.in = 3, .out = 4, .kernel = {1, 5}, .stride = {2, 1}}), x).shape() ==
        Shape{2, 3, 2, 4});
}

TEST_CASE("a text convolution counts the windows that lie within the text") {
  const auto layer = make<TextConvolution>({.features = 2, .channels = 3, .widths = {2, 3}});
  layer->initialise(1);
  const Tensor x = normal(Shape{1, 6, 2}, 1);
  const Tensor whole = run(*layer, x, Tensor::of_indices(Shape{1}, std::vector<std::int32_t>{4}));
  const Tensor cut(Shape{1, 4, 2}, x.values().first(8));
  CHECK(whole.shape() == Shape{1, 6});
  const Tensor alone = run(*layer, cut);
  for (Index i = 0; i < 6; ++i) CHECK(whole.data()[i] == doctest::Approx(alone.data()[i]));

  // A text of one step is read with zeros behind it, padded by its batch or not.
  const Tensor one = Tensor::of_indices(Shape{1}, std::vector<std::int32_t>{1});
  const Tensor padded = run(*layer, x, one);
  const Tensor bare = run(*layer, Tensor(Shape{1, 1, 2}, x.values().first(2)), one);
  REQUIRE(bare.shape() == Shape{1, 6});
  for (Index i = 0; i < 6; ++i) CHECK(padded.data()[i] == doctest::Approx(bare.data()[i]));
}

TEST_CASE("a simple recurrent layer by hand, backwards too, and nothing beyond a sequence's end") {
  const auto rnn = std::make_shared<Rnn>(Recurrent::Options{.in = 1, .hidden = 1}, true);
  for (const NamedParameter& p : rnn->parameters())
    p.parameter->mutable_value().fill(p.name == "weight_ih_l0"   ? real(2)
                                      : p.name == "weight_hh_l0" ? real(3)
                                                                 : real(0.5));
  const std::vector<real> x{1, -4, 2, 1, 1, 1};
  Tensor lengths(Shape{2}, DType::int32);
  lengths.indices()[0] = 3;
  lengths.indices()[1] = 2;
  // h = max(2 x + 3 h + 1, 0)
  const Tensor y = run(*rnn, Tensor(Shape{2, 3, 1}, x), lengths);
  const std::vector<real> wanted{3, 2, 11, 3, 12, 0};
  for (Index i = 0; i < y.count(); ++i) CHECK(y.data()[i] == wanted[static_cast<std::size_t>(i)]);
  const auto back = std::make_shared<Rnn>(Recurrent::Options{.in = 1, .hidden = 1, .reverse = true}, false);
  for (const NamedParameter& p : back->parameters()) p.parameter->mutable_value().fill(real(0.5));
  const Tensor z = run(*back, Tensor(Shape{1, 2, 1}, std::vector<real>{1, -1}));
  const double last = std::tanh(0.5), first = std::tanh(0.5 + 0.5 + 0.5 * last + 0.5);
  CHECK(z.data()[1] == doctest::Approx(last));
  CHECK(z.data()[0] == doctest::Approx(first));
  CHECK(error_of([&] { run(*back, Tensor(Shape{1, 2, 1}, std::vector<real>{1, -1}), lengths); }));
}

TEST_CASE("slopes that are learned, for each channel or one; places that are repeated") {
  const auto slopes = make<PRelu>({.channels = 2});
  real* weight = slopes->parameters()[0].parameter->mutable_value().data();
  weight[0] = real(0.5);
  weight[1] = -2;
  const std::vector<real> x{-4, -4, 3, 3};
  const Tensor y = run(*slopes, Tensor(Shape{2, 2}, x));
  const std::vector<real> wanted{-2, 8, 3, 3};
  for (Index i = 0; i < 4; ++i) CHECK(y.data()[i] == wanted[static_cast<std::size_t>(i)]);
  const auto one = make<PRelu>({.channels = 2, .shared = true});
  one->parameters()[0].parameter->mutable_value().fill(real(0.5));
  CHECK(run(*one, Tensor(Shape{2, 2}, x)).data()[1] == -2);

  const std::vector<real> image{1, 2, 3, 4};  // 2x1, two channels
  const Tensor large = run(Upsample({2, 3}), Tensor(Shape{1, 2, 1, 2}, image));
  CHECK(large.shape() == Shape{1, 4, 3, 2});
  for (Index h = 0; h < 4; ++h) {
    for (Index w = 0; w < 3; ++w) {
      CHECK(large.data()[(h * 3 + w) * 2] == (h < 2 ? 1 : 3));
      CHECK(large.data()[(h * 3 + w) * 2 + 1] == (h < 2 ? 2 : 4));
    }
  }
  CHECK(error_of([] { Upsample({0, 1}); }));
}

TEST_CASE("layers that are put together of operations have the gradients of what they give") {
  for (const auto& [text, sample] :
       {std::pair{"rnn 3 bidirectional, rnn_relu 2 layers 2, prelu, last, dense", Shape{4, 2}},
        std::pair{"gru_reset_first 2 bidirectional, gru_reset_first 3, last, dense", Shape{4, 2}},
        std::pair{"conv 3 3x3, prelu, upsample 2x3, zero_pad axis 1 before 1, conv 2 3x3, prelu shared, "
                  "local_response_norm 3 alpha 0.5, dense 4, log_softmax, dense",
                  Shape{3, 2, 2}}}) {
    const std::string network = text;  // a lambda cannot capture what a binding names
    CAPTURE(network);
    const ModelPtr model = make_builtin("net", text, {sample}, 2);
    model->initialise(2);
    const Feeds feeds = make_feeds(*model, 3);
    const auto program = training(*model, 3);
    feed_all(*program, feeds);
    program->run(0);
    std::vector<std::vector<real>> gradients;
    for (const GradientView& g : program->gradients()) gradients.emplace_back(g.data, g.data + g.count);
    std::size_t at = 0;
    double squares = 0;
    for (const GradientView& g : program->gradients()) {
      const std::vector<real>& gradient = gradients[at++];
      for (Index i = 0; i < g.count; ++i) {
        constexpr real kStep = real(1e-2);
        real& number = g.parameter->mutable_value().data()[i];
        const real before = number;
        const auto loss = [&](real value) {
          number = value;
          g.parameter->touch();
          program->run(0);
          return static_cast<double>(*program->output_data("loss"));
        };
        const double slope = (loss(before + kStep) - loss(before - kStep)) / (2 * static_cast<double>(kStep));
        number = before;
        g.parameter->touch();
        CAPTURE(g.parameter->name());
        const double got = static_cast<double>(gradient[static_cast<std::size_t>(i)]);
        CHECK(std::abs(slope - got) <= 3e-3 + 0.02 * std::abs(slope));
        squares += got * got;
      }
    }
    CHECK(squares > 1e-3);
  }
}

TEST_CASE("sizes that make no layer are refused") {
  CHECK(fails_with(Fault::usage, "[dense] 0 inputs", [] { make<Dense>({.in = 0, .out = 2}); }));
  CHECK(fails_with(Fault::usage, "no image", [] { make<Dense>({.in = 9, .out = 2, .image = {2, 2, 2}}); }));
  CHECK(fails_with(Fault::usage, "3 groups", [] { make<Conv2d>({.in = 4, .out = 6, .groups = 3}); }));
  CHECK(fails_with(Fault::usage, "0 hidden", [] { make<Lstm>({.in = 4}); }));
}
