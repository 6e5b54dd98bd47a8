// Whole training steps of the reference models, frozen and not.
#include <benchmark/benchmark.h>

#include <string>

#include "engine/base/rng.h"
#include "layers/model.h"
#include "optim/optimizer.h"
#include "optim/trainer/program_cache.h"

namespace {

using namespace firn;

void step(benchmark::State& state, const ModelEntry& entry, const std::string& freeze) {
  const ModelPtr model = entry.make(entry.default_input, entry.usual_classes);
  model->initialise(0);
  model->set_freeze(freeze);
  const Index batch = entry.usual_batch;
  std::vector<Index> sizes{batch};
  for (const Index size : entry.default_input.sample.sizes()) sizes.push_back(size);
  Tensor x{Shape(std::span<const Index>(sizes))};
  Tensor labels(Shape{batch}, DType::int32);
  Random random(1, "step");
  for (real& value : x.values()) value = static_cast<real>(random.normal());
  for (Index i = 0; i < batch; ++i) labels.indices()[i] = static_cast<std::int32_t>(i % entry.usual_classes);

  ProgramCache programs(*model, {});
  const bool training = freeze != "all";
  Program& program = training ? programs.training(batch, entry.default_input.sample)
                              : programs.inference(batch, entry.default_input.sample);
  program.feed("x", x);
  if (training) program.feed("targets", labels);
  const auto optimizer = make_sgd({.rate = 0.01, .momentum = 0.9});
  for (auto _ : state) {
    program.run();
    if (training) optimizer->step(program.gradients());
  }
}

}  // namespace

int main(int argc, char** argv) {
  for (const char* name : {"mlp", "cnn", "vgg", "resnet20", "lstm", "lstm2"}) {
    const ModelEntry& entry = find_model(name);
    for (const char* freeze : {"none", "half", "head", "all"}) {
      benchmark::RegisterBenchmark((std::string("step/") + name + "/" + freeze).c_str(),
                                   [&entry, freeze](benchmark::State& s) { step(s, entry, freeze); })
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
