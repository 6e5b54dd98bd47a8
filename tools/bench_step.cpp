#include "tools/bench_step.h"

#include <algorithm>
#include <chrono>

#include "engine/base/parallel.h"
#include "engine/base/rng.h"
#include "layers/model.h"
#include "optim/optimizer.h"
#include "optim/trainer/program_cache.h"
#include "optim/trainer/trainer.h"

namespace firn::cli {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

Shape batched(Index batch, const Shape& sample) {
  std::vector<Index> sizes{batch};
  sizes.insert(sizes.end(), sample.sizes().begin(), sample.sizes().end());
  return Shape(std::span<const Index>(sizes));
}

/// Standard normal numbers, or tokens and lengths of full sequences.
struct Feeds {
  Tensor x, lengths, labels;
};

Feeds random_feeds(const InputSpec& input, Index batch, Index classes, bool language_model) {
  Feeds feeds;
  Random random(0, "bench step");
  const Shape shape = batched(batch, input.sample);
  feeds.x = Tensor(shape, input.vocabulary > 0 ? Type::index : Type::number);
  for (Index i = 0; i < shape.count(); ++i) {
    if (input.vocabulary > 0) {
      feeds.x.indices()[i] =
          static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(input.vocabulary)));
    } else {
      feeds.x.data()[i] = static_cast<real>(random.normal());
    }
  }
  feeds.lengths = Tensor(Shape{batch}, Type::index);
  for (Index i = 0; i < batch; ++i) feeds.lengths.indices()[i] = static_cast<std::int32_t>(input.sample[0]);
  feeds.labels = Tensor(language_model ? shape : Shape{batch}, Type::index);
  for (Index i = 0; i < feeds.labels.count(); ++i) {
    feeds.labels.indices()[i] = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(classes)));
  }
  return feeds;
}

void feed(Program& program, const Model& model, const Feeds& feeds, bool labels) {
  program.feed("x", feeds.x);
  if (model.input().lengths) program.feed("lengths", feeds.lengths);
  if (labels) program.feed("labels", feeds.labels);
}

}  // namespace

double median_ms(double seconds, const std::function<void()>& call, Index* runs) {
  call();
  call();
  std::vector<double> times;
  const auto begin = Clock::now();
  while (times.size() < 5 || seconds_since(begin) < seconds) {
    const auto start = Clock::now();
    call();
    times.push_back(seconds_since(start) * 1e3);
  }
  if (runs != nullptr) *runs = static_cast<Index>(times.size());
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

void bench_step(const StepBenchmark& benchmark, const std::function<void(const StepRow&)>& on_row) {
  for (const std::string& name : benchmark.models) find_model(name);
  if (benchmark.threads > 0) set_thread_count(benchmark.threads);
  for (const std::string& name : benchmark.models) {
    const ModelEntry& entry = find_model(name);
    const Index batch = benchmark.batch > 0 ? benchmark.batch : entry.usual_batch;
    for (const std::string& freeze : benchmark.freezes) {
      const ModelPtr model = entry.make(entry.usual_input, entry.usual_classes);
      model->initialise(0);
      model->set_freeze(freeze == "0" ? "none" : freeze);
      const Feeds feeds = random_feeds(model->input(), batch, model->classes(), model->language_model());
      ProgramCache programs(*model, {.exact = benchmark.exact});
      Program& forward = programs.inference(batch, model->input().sample);
      feed(forward, *model, feeds, false);

      StepRow row{.model = name, .freeze = freeze, .batch = batch, .threads = thread_count()};
      if (freeze == "all") {
        row.step_ms = median_ms(
            benchmark.seconds, [&] { forward.run(); }, &row.runs);
        row.arena_bytes = forward.arena_bytes(row.threads);
        row.kernels = static_cast<Index>(forward.plan().steps.size());
      } else {
        Program& step = programs.training(batch, model->input().sample);
        feed(step, *model, feeds, true);
        const auto optimizer = make_sgd({.rate = 0.01, .momentum = 0.9});
        std::uint64_t number = 0;
        row.step_ms = median_ms(
            benchmark.seconds,
            [&] {
              step.run(number++);
              optimizer->step(step.gradients());
            },
            &row.runs);
        row.arena_bytes = step.arena_bytes(row.threads);
        row.kernels = static_cast<Index>(step.plan().steps.size());
      }
      row.forward_ms = median_ms(benchmark.seconds / 2, [&] { forward.run(); });
      row.rss_mb = peak_rss_mb();
      on_row(row);
    }
  }
}

}  // namespace firn::cli
