// What freezing promises of a program: nothing of it for what is frozen, and the same bits for the rest.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/base/parallel.h"
#include "engine/ops/dense.h"
#include "engine/program/cost.h"
#include "engine/program/listing.h"
#include "optim/optimizer.h"
#include "tests/counting.h"
#include "tests/engine/small_nets.h"
#include "tests/errors.h"

using namespace firn;
using namespace firn::test;

namespace {

/// Steps of a plan whose layer begins with `label` and whose operation is named `kind`; empty: any.
int count_steps(const Program& program, const std::string& label, const std::string& kind = "") {
  int count = 0;
  for (const Step& step : program.plan().steps) {
    count += step.node->label().starts_with(label) && (kind.empty() || step.node->kind() == kind) ? 1 : 0;
  }
  return count;
}

int count_pass(const Program& program, const std::string& label, Pass pass) {
  int count = 0;
  for (const Step& step : program.plan().steps) {
    count += step.node->label().starts_with(label) && step.node->pass() == pass ? 1 : 0;
  }
  return count;
}

std::map<std::string, std::vector<real>> gradients_of(Program& program) {
  std::map<std::string, std::vector<real>> result;
  for (const GradientView& view : program.gradients()) {
    result[view.parameter->name()] = {view.data, view.data + view.count};
  }
  return result;
}

bool keeps(const ProgramCost& cost, const std::string& label) {
  return std::any_of(cost.kept.begin(), cost.kept.end(), [&](const Kept& k) { return k.label == label; });
}

}  // namespace

TEST_CASE("a program holds what it is fed") {
  const auto all = [](Shape shape, real number) {
    Tensor tensor(shape);
    tensor.fill(number);
    return tensor;
  };
  auto graph = std::make_unique<Graph>();
  const Value x = graph->feed("x", Shape{2, 3});
  graph->output("y", dense(*graph, x, graph->constant("ones", all(Shape{3, 1}, 1))));
  const auto program = Program::inference(std::move(graph));
  for (const real number : {real(2), real(3)}) {
    program->feed("x", all(Shape{2, 3}, number));
    const Tensor other = all(Shape{2, 3}, 7);  // where freed memory would be taken again
    program->run();
    CHECK(program->output("y").values()[0] == 3 * number);
  }
}

TEST_CASE("a frozen weight has no gradient kernel, and the layers below none at all") {
  const auto net = make_conv_net();
  const auto full = net->training();
  CHECK(count_steps(*full, "conv1", "conv2d_dw") == 1);
  CHECK(count_steps(*full, "conv2", "conv2d_dw") == 1);
  CHECK(count_steps(*full, "conv2", "conv2d_dx") == 1);
  CHECK(count_steps(*full, "conv1", "conv2d_dx") == 0);  // nothing lies below it
  CHECK(count_steps(*full, "norm1", "running_update") == 2);
  CHECK(keeps(cost_of(*full), "conv1"));

  SUBCASE("the lowest layers") {
    net->freeze("conv1");
    net->freeze("norm1");
    const auto program = net->training();
    CHECK(count_steps(*program, "conv1", "conv2d_dw") == 0);
    CHECK(count_steps(*program, "conv2", "conv2d_dw") == 1);
    CHECK(count_steps(*program, "conv2", "conv2d_dx") == 0);
    for (const Pass pass : {Pass::input_gradient, Pass::weight_gradient}) {
      CHECK(count_pass(*program, "conv1", pass) == 0);
      CHECK(count_pass(*program, "norm1", pass) == 0);
    }
    CHECK(count_steps(*program, "norm1", "running_update") == 0);
    CHECK(count_steps(*program, "norm2", "running_update") == 2);
    // One of the two is kept in both: norm1's output, or conv1's, from which norm1's is computed again.
    CHECK(cost_of(*program).kept_bytes == cost_of(*full).kept_bytes);
    CHECK(!program->left_out().empty());
  }
  SUBCASE("the middle") {
    net->freeze("conv2");
    const auto program = net->training();
    CHECK(count_steps(*program, "conv2", "conv2d_dw") == 0);
    CHECK(count_steps(*program, "conv2", "column_sum") == 0);
    CHECK(count_steps(*program, "conv2", "conv2d_dx") == 1);
    CHECK(count_steps(*program, "conv1", "conv2d_dw") == 1);
  }
  SUBCASE("a bias without its weight") {
    net->freeze("");
    net->parameter("conv2.bias").set_trainable(true);
    const auto program = net->training();
    CHECK(count_steps(*program, "conv2", "conv2d_dw") == 0);
    CHECK(count_steps(*program, "conv2", "column_sum") == 1);
    CHECK(count_pass(*program, "conv1", Pass::input_gradient) == 0);
    CHECK(program->gradients().size() == 1);
    CHECK(!keeps(cost_of(*program), "conv1"));
  }
  SUBCASE("the head alone") {
    net->freeze("");
    net->freeze("head", false);
    const auto program = net->training();
    for (const Step& step : program->plan().steps) {
      const bool head = step.node->label() == "head" || step.node->label() == "loss";
      CHECK_MESSAGE((head || step.node->pass() == Pass::forward), step.node->label()
                                                                      << " " << step.node->kind());
    }
    CHECK(count_pass(*program, "head", Pass::input_gradient) == 0);
    CHECK(program->gradients().size() == 2);
    const std::string text = listing(*program);
    CHECK(text.find("conv2d_dw") == std::string::npos);
    CHECK(text.find("gradient of conv1.weight") != std::string::npos);
    CHECK(text.find("nothing below it trains") != std::string::npos);
  }
}

TEST_CASE("a recurrent layer's matrices freeze one by one") {
  const auto net = make_sequence_net();
  const auto full = net->training();
  CHECK(count_steps(*full, "lstm", "recurrent_dw") == 1);
  CHECK(count_steps(*full, "lstm", "dense_dw") == 1);
  CHECK(count_steps(*full, "embed", "embedding_dw") == 1);

  net->parameter("lstm.weight_hh").set_trainable(false);
  net->freeze("embed");
  auto program = net->training();
  CHECK(count_steps(*program, "lstm", "recurrent_dw") == 0);
  CHECK(count_steps(*program, "lstm", "dense_dw") == 1);
  CHECK(count_steps(*program, "lstm", "dense_dx") == 0);
  CHECK(count_steps(*program, "embed", "embedding_dw") == 0);

  net->freeze("lstm");
  net->freeze("norm");
  net->freeze("gru.weight");
  program = net->training();
  CHECK(count_steps(*program, "lstm", "lstm_backward") == 0);
  CHECK(count_steps(*program, "gru", "recurrent_dw") == 0);
  CHECK(count_steps(*program, "gru", "gru_backward") == 1);  // for its biases
  CHECK(!keeps(cost_of(*program), "lstm"));
}

TEST_CASE("beta trains without anything being kept for gamma") {
  const auto net = make_conv_net();
  net->freeze("");
  net->parameter("norm2.bias").set_trainable(true);
  const auto program = net->training();
  CHECK(count_steps(*program, "norm2", "affine_dscale") == 0);
  CHECK(!keeps(cost_of(*program), "conv2"));
  net->parameter("norm2.weight").set_trainable(true);
  CHECK(count_steps(*net->training(), "norm2", "affine_dscale") == 1);
}

TEST_CASE("the trainable gradients are the same bits whatever else is frozen") {
  int compared = 0;
  for (const auto& named : small_nets()) {
    const std::string& name = named.first;
    const auto& net = named.second;
    for (const bool fuse : {false, true}) {
      net->freeze("", false);
      const auto full = net->training({.fuse = fuse}, true);
      // Statistics stand still, so that the batch norms see the same numbers each time.
      full->run(1);
      const auto want = gradients_of(*full);
      for (const ParameterPtr& parameter : net->parameters()) {
        if (parameter->role() == Role::statistic) continue;
        for (const bool prefix : {false, true}) {
          bool seen = false;
          for (const ParameterPtr& p : net->parameters()) {
            seen = seen || p == parameter;
            const bool head = p->name().starts_with("head");
            p->set_trainable(prefix ? head || (seen && p != parameter) : p != parameter);
          }
          const auto program = net->training({.fuse = fuse}, true);
          program->run(1);
          for (const auto& gradient : gradients_of(*program)) {
            ++compared;
            CHECK_MESSAGE(gradient.second == want.at(gradient.first),
                          name << ": " << gradient.first << " with " << parameter->name()
                               << (prefix ? " and below" : "") << " frozen");
          }
        }
      }
    }
  }
  CHECK(compared > 500);
}

TEST_CASE("fused or not, the gradients agree") {
  for (const auto& named : small_nets()) {
    const std::string& name = named.first;
    const auto& net = named.second;
    const auto fused = net->training({}, true);
    const auto plain = net->training({.fuse = false}, true);
    fused->run();
    plain->run();
    CHECK(fused->plan().steps.size() <= plain->plan().steps.size());
    const auto want = gradients_of(*plain);
    for (const auto& got : gradients_of(*fused)) {
      for (std::size_t i = 0; i < got.second.size(); ++i) {
        CHECK_MESSAGE(std::abs(got.second[i] - want.at(got.first)[i]) <= real(2e-5),
                      name << " " << got.first);
      }
    }
  }
}

TEST_CASE("200 steps leave every frozen byte as it was, with a late freeze and a thaw between") {
  for (const auto& named : small_nets()) {
    const std::string& name = named.first;
    const auto& net = named.second;
    CAPTURE(name);
    const std::string early = name == "conv" ? "norm1" : name == "mlp" ? "fc1" : "lstm";
    const std::string late = name == "conv" ? "norm2" : name == "mlp" ? "fc2" : "gru";
    const auto optimizer = make_sgd({.rate = 0.05, .momentum = 0.9, .decay = 1e-2});
    net->freeze(early);
    std::unique_ptr<Program> program = net->training();
    std::string frozen = hash_of_frozen(net->parameters());
    const std::string start = hash_of(net->parameters());
    const real first_loss = (program->run(0), *program->output_data("loss"));
    for (int step = 0; step < 200; ++step) {
      if (step == 60 || step == 140) {
        CHECK(hash_of_frozen(net->parameters()) == frozen);
        net->freeze(late, step == 60);
        frozen = hash_of_frozen(net->parameters());
        program = net->training();
      }
      program->run(static_cast<std::uint64_t>(step));
      const std::string before = step == 100 ? hash_of(net->parameters()) : "";
      optimizer->step(program->gradients(), {.clip_norm = 0.5});
      CHECK(hash_of(net->parameters()) != before);
      std::size_t trainable = 0;
      for (const ParameterPtr& p : net->parameters()) {
        if (p->role() == Role::statistic) continue;
        CHECK((optimizer->state(*p) != nullptr) == p->trainable());
        trainable += p->trainable() ? 1 : 0;
      }
      CHECK(optimizer->parameters_with_state() == trainable);
    }
    CHECK(hash_of_frozen(net->parameters()) == frozen);
    CHECK(hash_of(net->parameters()) != start);
    program->run(0);
    CHECK(*program->output_data("loss") < first_loss);
  }
}

TEST_CASE("training the head alone is training it on stored features, bit for bit") {
  for (const auto& named : small_nets()) {
    const std::string& name = named.first;
    const auto& net = named.second;
    CAPTURE(name);
    net->freeze("");
    net->freeze("head", false);
    const Tensor weight = net->parameter("head.weight").value().clone();
    const Tensor bias = net->parameter("head.bias").value().clone();

    auto graph = std::make_unique<Graph>(Graph::Options{.mode = Mode::infer});
    graph->output("features", net->features(*graph));
    const auto below = Program::inference(std::move(graph));
    net->feed(*below);
    below->run();
    const Tensor features = below->output("features");

    const auto train = [&](Program& program) {
      const auto optimizer = make_sgd({.rate = 0.1, .momentum = 0.9, .decay = 1e-3});
      for (std::uint64_t step = 0; step < 20; ++step) {
        program.run(step);
        optimizer->step(program.gradients());
      }
      return hash_of(net->parameters());
    };
    const auto through = net->training();
    const std::string whole = train(*through);

    std::copy_n(weight.data(), weight.count(), net->parameter("head.weight").mutable_value().data());
    std::copy_n(bias.data(), bias.count(), net->parameter("head.bias").mutable_value().data());
    graph = std::make_unique<Graph>();
    const Value x = graph->feed("features", features.shape());
    std::vector<Value> head;
    for (const ParameterPtr& p : net->parameters()) {
      if (p->trainable()) head.push_back(graph->parameter(p));
    }
    const Value loss = net->loss(*graph, dense(*graph, x, head[0], head[1]));
    // The order of sums is that of the slices: what a recurrent layer likes, a head alone would not choose.
    const auto cached = Program::training(std::move(graph), loss, {.slice_rows = through->plan().slice_rows});
    cached->feed("features", features);
    cached->feed("labels", net->feeds().at("labels"));
    CHECK(train(*cached) == whole);
  }
}

TEST_CASE("what depends on frozen parameters alone is computed once, and again when they change") {
  const auto net = make_conv_net();
  net->freeze("conv");
  net->freeze("norm1");
  const auto program = net->training();
  REQUIRE(!program->plan().once.empty());
  const auto kernels = program->plan().once.size();
  for (int i = 0; i < 3; ++i) program->run();
  CHECK(program->counters().once == kernels);
  CHECK(program->counters().kernels == program->plan().steps.size());
  const real before = *program->output_data("loss");

  for (real& x : net->parameter("conv1.weight").mutable_value().values()) x *= real(1.5);
  program->run();
  CHECK(program->counters().once == kernels);  // nobody said so
  net->parameter("conv1.weight").touch();
  program->run();
  CHECK(program->counters().once == 2 * kernels);
  CHECK(*program->output_data("loss") != before);
  CHECK(*program->output_data("loss") == *(net->training()->run(), program->output_data("loss")));
}

TEST_CASE("an inference program sees new weights after touch") {
  const auto net = make_mlp_net();
  const auto program = net->inference();
  program->run();
  const Tensor before = program->output("logits");
  net->parameter("fc1.weight").mutable_value().data()[0] += 1;
  net->parameter("fc1.weight").touch();
  program->run();
  const Tensor after = program->output("logits");
  const auto fresh = net->inference();
  fresh->run();
  CHECK(!std::equal(before.data(), before.data() + before.count(), after.data()));
  CHECK(std::equal(after.data(), after.data() + after.count(), fresh->output("logits").data()));
}

TEST_CASE("inference leaves all bytes as they were, training moves the running statistics") {
  const auto net = make_conv_net();
  const std::string before = hash_of(net->parameters());
  net->inference()->run();
  CHECK(hash_of(net->parameters()) == before);
  const std::uint64_t version = net->parameter("norm1.running_mean").version();
  net->training()->run();
  CHECK(hash_of(net->parameters()) != before);
  CHECK(net->parameter("norm1.running_mean").version() > version);
}

TEST_CASE("wrong use is an error in words") {
  const auto net = make_mlp_net();
  SUBCASE("everything frozen") {
    net->freeze("");
    CHECK(fails_with(Fault::usage, "every parameter is frozen", [&] { net->training(); }));
  }
  SUBCASE("the loss is no scalar") {
    auto graph = std::make_unique<Graph>();
    const Value y = net->logits(*graph);
    CHECK(fails_with(Fault::usage, "(16,3)", [&] { Program::training(std::move(graph), y); }));
  }
  SUBCASE("a missing feed") {
    auto graph = std::make_unique<Graph>();
    graph->output("y", net->logits(*graph));
    const auto program = Program::inference(std::move(graph));
    CHECK(fails_with(Fault::usage, "feed x (16,6) is missing", [&] { program->run(); }));
  }
  SUBCASE("a feed of another shape, type or name") {
    const auto program = net->training();
    CHECK(fails_with(Fault::usage, "x is (16,7) here, the program wants (16,6)", [&] {
      program->feed("x", Tensor(Shape{16, 7}));
    }));
    CHECK(fails_with(Fault::usage, "another element type",
                     [&] { program->feed("labels", Tensor(Shape{16})); }));
    CHECK(fails_with(Fault::usage, "no feed y", [&] { program->feed("y", Tensor(Shape{16})); }));
    CHECK(fails_with(Fault::usage, "no output z", [&] { program->output("z"); }));
  }
  SUBCASE("feeds of different batches") {
    auto graph = std::make_unique<Graph>();
    graph->output("y", net->logits(*graph));
    graph->feed("more", {8, 2});
    CHECK(fails_with(Fault::usage, "different batches", [&] { Program::inference(std::move(graph)); }));
  }
}

TEST_CASE("a step allocates nothing") {
  for (const auto& named : small_nets()) {
    const std::string& name = named.first;
    const auto& net = named.second;
    for (const int threads : {1, 2}) {
      set_thread_count(threads);
      const auto workspace = std::make_shared<Workspace>();
      const auto program = net->training({.every_thread = true, .workspace = workspace});
      const auto optimizer = make_adam({});
      const auto step = [&](std::uint64_t number) {
        program->run(number);
        optimizer->step(program->gradients());
      };
      step(0);
      step(1);
      const long before = allocations();
      for (std::uint64_t i = 2; i < 12; ++i) step(i);
      CHECK_MESSAGE(allocations() == before, name << " on " << threads << " threads");
      CHECK(workspace->growths() == 1);
    }
  }
  set_thread_count(1);
  const long before = allocations();
  CHECK(std::make_unique<int>(1) != nullptr);
  CHECK((allocations() > before) == counts_new);  // the counter counts
}

TEST_CASE("the same bits on 1, 2, 3 and 7 threads over ten steps") {
  std::map<std::string, std::set<std::string>> hashes;
  for (const int threads : {1, 2, 3, 7}) {
    set_thread_count(threads);
    for (const auto& named : small_nets()) {
      const std::string& name = named.first;
      const auto& net = named.second;
      const auto program = net->training({.slice_rows = 3, .every_thread = true});
      const auto optimizer = make_sgd({.rate = 0.1, .momentum = 0.9});
      for (std::uint64_t step = 0; step < 10; ++step) {
        program->run(step);
        optimizer->step(program->gradients());
      }
      hashes[name].insert(hash_of(net->parameters()));
    }
  }
  set_thread_count(1);
  for (const auto& found : hashes) CHECK_MESSAGE(found.second.size() == 1, found.first);
}

TEST_CASE("the arena of inference is smaller than that of training, a frozen prefix between") {
  for (const auto& named : small_nets()) {
    const std::string& name = named.first;
    const auto& net = named.second;
    const Index full = net->training()->arena_bytes(1);
    const Index forward = net->inference()->arena_bytes(1);
    net->freeze("");
    net->freeze("head", false);
    const Index head = net->training()->arena_bytes(1);
    CHECK_MESSAGE(forward < full, name);
    CHECK_MESSAGE(head < full, name);
  }
}
