// Checkpoints. A first even byte: the others are a file, which is refused with the one typed error or read.
// An odd one: they change the state of a small run value by value, behind the sum that would keep a fuzzer
// out; the run refuses it, or goes on from it and ends.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "data/memory.h"
#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "layers/activation.h"
#include "layers/dense.h"
#include "optim/policies/registry.h"
#include "optim/trainer/checkpoint.h"

using namespace firn;

namespace {

DatasetPtr four_samples() {
  DataInfo info;
  info.name = "fuzz";
  info.shape = Shape{3};
  info.classes = {"a", "b"};
  return make_numbers(info, {1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 1, 1}, {0, 1, 0, 1});
}

/// Small, so that many runs are tried in a second.
ModelPtr three_layers() {
  auto model = std::make_shared<Model>("fuzz", InputSpec{Shape{3}}, 2);
  for (const Index i : {0, 1, 2}) {
    const std::string name = "fc" + std::to_string(i);
    const auto dense = std::make_shared<Dense>(Dense::Options{.in = i == 0 ? 3 : 4, .out = i == 2 ? 2 : 4});
    if (i == 2) {
      model->add_block(name, {{name, dense}});
    } else {
      model->add_block(name, {{name, dense}, {"", std::make_shared<Activate>(Activation::relu)}});
    }
  }
  return model;
}

/// Three epochs of two steps, under a policy that remembers much.
struct Run {
  DatasetPtr data = four_samples();
  ModelPtr model = three_layers();
  std::unique_ptr<Optimizer> optimizer = make_sgd({.rate = 0.01, .momentum = 0.9});
  Loader train{data, {.batch = 2, .background = false}};
  Loader test{data, {.batch = 4, .shuffle = false, .background = false}};
  std::unique_ptr<Trainer> trainer;

  Run() {
    model->initialise(1);
    TrainConfig config;
    config.epochs = 3;
    config.restore_best = true;
    config.policy = parse_policy("egeria,every=1,window=1,checks=1,tolerance=1");
    trainer = std::make_unique<Trainer>(*model, *optimizer, train, test, config);
  }
};

SafeTensors valid_state() {
  Run run;
  SafeTensors state;
  TrainHooks hooks;
  hooks.after_step = [&](Index, Index, double) {
    if (run.trainer->steps() == 4) run.trainer->save(StateWriter(state));
  };
  run.trainer->run(hooks);
  return state;
}

/// Five bytes a change: which value, which place of it, and what it becomes.
SafeTensors changed(const SafeTensors& valid, const std::uint8_t* data, std::size_t size) {
  SafeTensors state = valid;
  for (; size >= 5 && !state.tensors.empty(); data += 5, size -= 5) {
    const std::size_t which = data[0] % (state.tensors.size() + state.metadata.size());
    if (which >= state.tensors.size()) {
      const auto entry = std::next(state.metadata.begin(), static_cast<long>(which - state.tensors.size()));
      entry->second = std::string(reinterpret_cast<const char*>(data) + 1, 4);
      entry->second.erase(std::min(entry->second.find('\0'), entry->second.size()));
      continue;
    }
    Tensor& tensor = state.tensors[which].tensor;
    if (data[1] == 255) {
      tensor = Tensor(Shape{data[2]}, data[3] % 2 == 0 ? DType::uint8 : DType::number);
    } else if (tensor.bytes() > 0) {
      tensor = tensor.clone();
      const auto place =
          static_cast<std::size_t>(data[1] * 256 + data[2]) % static_cast<std::size_t>(tensor.bytes());
      const auto left = static_cast<std::size_t>(tensor.bytes()) - place;
      std::memcpy(static_cast<std::uint8_t*>(tensor.raw()) + place, data + 3, std::min<std::size_t>(2, left));
    }
  }
  return state;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool one_thread = (set_thread_count(1), true);
  static const SafeTensors valid = valid_state();
  if (size < 1 || !one_thread) return 0;
  try {
    if (data[0] % 2 == 0) {
      read_checkpoint(read_safetensors({reinterpret_cast<const std::byte*>(data) + 1, size - 1}, "fuzz"),
                      "fuzz");
      return 0;
    }
    Run run;
    run.trainer->resume(StateReader(changed(valid, data + 1, size - 1), "fuzz"));
    run.trainer->run();
  } catch (const Error& error) {
    const Fault fault = error.fault();
    if (fault != Fault::model_file && fault != Fault::usage && fault != Fault::non_finite) std::abort();
  }
  return 0;
}
