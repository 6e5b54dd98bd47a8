// A training loop of one's own, with gradients and activations in hand.
#include <firn/firn.h>
#include <cstdio>

int main() {
  using namespace firn;
  constexpr Index kBatch = 64;
  const DataParts digits = open_data("digits");
  const InputSpec input{.sample = digits.info().shape};
  const ModelPtr model = find_model("cnn").make(input, 10);
  model->initialise(1);
  model->set_freeze("half");

  auto graph = std::make_unique<Graph>();
  const Value logits = model->add_to(*graph, kBatch, input.sample, true).out;
  const Value loss = softmax_cross_entropy(*graph, logits, graph->feed("labels", {kBatch}, DType::int32));
  graph->output("loss", loss);
  const auto step = Program::training(std::move(graph), loss);

  Loader loader(digits.train, {.batch = kBatch, .keep_last = false, .seed = 1});
  const auto optimizer = make_sgd({.rate = 0.05, .momentum = 0.9});
  std::uint64_t steps = 0;
  for (std::uint64_t epoch = 1; epoch <= 5; ++epoch) {
    loader.start(epoch);
    while (const Batch* batch = loader.next()) {
      step->feed("x", batch->x);
      step->feed("labels", batch->targets);
      step->run(steps++);
      optimizer->step(step->gradients());
    }
    std::printf("epoch %d: loss %.3f\n", static_cast<int>(epoch), step->output("loss").data()[0]);
  }
  for (const auto& g : step->gradients()) std::printf("%s: %td\n", g.parameter->name().c_str(), g.count);
  return step->output(Model::block_output(0)).shape()[0] == kBatch ? 0 : 1;
}
