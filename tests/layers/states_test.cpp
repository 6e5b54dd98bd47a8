// States of recurrent layers: given, learned, and carried from one piece of a sequence to the next.
#include "layers/carried_states.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "layers/network/network.h"
#include "tests/errors.h"
#include "tests/layers/support.h"

using namespace firn;
using namespace firn::test;

namespace {

constexpr Index kSamples = 3, kSteps = 8, kFeatures = 5;

std::unique_ptr<Program> program_of(const Model& model, Index samples, Index steps, bool initial, bool last) {
  return Program::inference(model.inference_graph(samples, Shape{steps, kFeatures},
                                                  {.initial_states = initial, .last_states = last}));
}

/// The steps [first, last) of x.
Tensor steps_of(const Tensor& x, Index first, Index last) {
  const Shape shape = x.shape();
  Tensor part(Shape{shape[0], last - first, shape[2]});
  for (Index n = 0; n < shape[0]; ++n) {
    std::copy_n(x.data() + (n * shape[1] + first) * shape[2], part.shape().count_from(1),
                part.data() + n * part.shape().count_from(1));
  }
  return part;
}

double apart(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double most = 0;
  for (Index i = 0; i < a.count(); ++i)
    most = std::max(most, std::abs(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i])));
  return most;
}

}  // namespace

TEST_CASE("a sequence in two pieces gives what it gives as a whole, where the states are carried") {
  const InputSpec input{Shape{kSteps, kFeatures}};
  const Tensor x = normal(Shape{kSamples, kSteps, kFeatures}, 5);
  for (const char* text : {"lstm 6 layers 2, last, dense", "gru 4, gru 3, last, dense",
                           "rnn 4, rnn_relu 3, last, dense", "lstm 6 projection 3 layers 2, last, dense",
                           "gru_reset_first 4, last, dense", "lstm 6 initial, last, dense"}) {
    CAPTURE(text);
    const ModelPtr model = make_network(text, input, 3);
    model->initialise(7);
    for (const NamedParameter& p : model->parameters()) {
      if (p.name.find("0_l") == std::string::npos) continue;
      p.parameter->mutable_value().fill(real(0.3));  // what has been learned
      p.parameter->touch();
    }
    const auto whole = program_of(*model, kSamples, kSteps, false, true);
    whole->feed("x", x);
    whole->run();
    const Tensor wanted = whole->output("logits");
    CarriedStates of_whole(*model, kSamples);
    of_whole.take(*whole, 0, kSamples);

    CarriedStates carried(*model, kSamples);
    const auto first = program_of(*model, kSamples, 5, false, true);
    const Tensor beginning = steps_of(x, 0, 5), end = steps_of(x, 5, kSteps);
    first->feed("x", beginning);
    first->run();
    carried.take(*first, 0, kSamples);
    CarriedStates behind(*model, kSamples);
    behind.begin_with({carried.tensors(), {}}, "states");
    const auto second = program_of(*model, kSamples, kSteps - 5, true, true);
    second->feed("x", end);
    behind.feed(*second, 0, kSamples);
    second->run();
    behind.take(*second, 0, kSamples);
    CHECK(apart(second->output("logits"), wanted) < 2e-6);
    const std::vector<NamedTensor> got = behind.tensors(), want = of_whole.tensors();
    REQUIRE(got.size() == want.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      CHECK(got[i].name == want[i].name);
      CHECK(apart(got[i].tensor, want[i].tensor) < 2e-6);
    }
    // Not carried, it is another answer.
    CarriedStates anew(*model, kSamples);
    anew.feed(*second, 0, kSamples);
    second->run();
    CHECK(apart(second->output("logits"), wanted) > 1e-4);
  }
}

TEST_CASE("states that are fed and zero, or learned, are those that a layer begins with by itself") {
  const InputSpec input{Shape{kSteps, kFeatures}};
  const Tensor x = normal(Shape{kSamples, kSteps, kFeatures}, 6);
  for (const char* text : {"lstm 6 bidirectional, last, dense", "gru 5 initial reverse, last, dense"}) {
    CAPTURE(text);
    const ModelPtr model = make_network(text, input, 3);
    model->initialise(8);
    for (const NamedParameter& p : model->parameters()) {
      if (p.name.find("0_l") == std::string::npos) continue;
      p.parameter->mutable_value().fill(real(-0.7));
      p.parameter->touch();
    }
    const auto alone = program_of(*model, kSamples, kSteps, false, false);
    const auto fed = program_of(*model, kSamples, kSteps, true, false);
    CarriedStates states(*model, kSamples);
    states.feed(*fed, 0, kSamples);
    alone->feed("x", x);
    fed->feed("x", x);
    alone->run();
    fed->run();
    CHECK(apart(alone->output("logits"), fed->output("logits")) < 2e-6);
  }
}

TEST_CASE("states in files are those of PyTorch: names and shapes, or a sentence") {
  const ModelPtr model = make_network("lstm 6 layers 2 bidirectional, lstm 4 projection 2, last, dense",
                                      InputSpec{Shape{kSteps, kFeatures}}, 3);
  CarriedStates states(*model, kSamples);
  const std::vector<NamedTensor> all = states.tensors();
  REQUIRE(all.size() == 4);
  CHECK(all[0].name == "lstm1.h");
  CHECK(all[0].tensor.shape() == Shape{4, kSamples, 6});
  CHECK(all[1].name == "lstm1.c");
  CHECK(all[2].name == "lstm2.h");
  CHECK(all[2].tensor.shape() == Shape{1, kSamples, 2});
  CHECK(all[3].tensor.shape() == Shape{1, kSamples, 4});
  const auto refused = [&](const char* name, Shape shape, const char* part) {
    return fails_with(Fault::model_file, part, [&] {
      states.begin_with({{{name, Tensor(shape)}}, {}}, "given");
    });
  };
  CHECK(refused("lstm1.g", Shape{4, kSamples, 6},
                "no state is called lstm1.g, the network has lstm1.h, lstm1.c"));
  CHECK(refused("lstm1.h", Shape{4, 2, 6}, "lstm1.h is (4,2,6), wanted is (4,3,6)"));
  CHECK(fails_with(Fault::usage, "no recurrent layer",
                   [] { CarriedStates(*make_network("dense", InputSpec{Shape{4}}, 2), 1); }));
  // In training there are none.
  Graph graph({.mode = Mode::train, .last_states = true});
  CHECK(fails_with(Fault::usage, "in training", [&] {
    model->build(graph, {graph.feed("x", Shape{kSamples, kSteps, kFeatures})});
  }));
}
