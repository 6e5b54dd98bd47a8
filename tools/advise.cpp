#include "tools/advise.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <map>
#include <numeric>

#include "data/subset.h"
#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/base/rng.h"
#include "optim/trainer/evaluate.h"
#include "tools/step_forecast.h"

namespace firn::cli {

namespace {

using Clock = std::chrono::steady_clock;

constexpr Index kHeldOut = 500, kProbeRows = 512;  // samples
constexpr Index kFewestSteps = 20, kMostSteps = 300;
constexpr Index kSeeds = 2;
constexpr Index kGradientBatches = 5;
constexpr double kShare = 1.0 / 3;  // of the time asked for that probes may take

/// Means over places or steps of each block's output for the samples of a loader, at most `rows` of them.
class BlockFeatures {
 public:
  explicit BlockFeatures(const Model& model, const ProgramSettings& settings)
      : model_(model), settings_(settings) {}

  std::vector<FeatureTable> of(Loader& loader, Index rows, const std::function<bool()>& late) {
    std::vector<FeatureTable> tables(model_.blocks().size());
    loader.start(0);
    for (const Batch* batch = loader.next(); batch != nullptr && tables[0].rows < rows && !late();
         batch = loader.next()) {
      Program& program = program_for(*batch);
      feed_batch(program, model_, *batch);
      program.run();
      for (std::size_t block = 0; block < tables.size(); ++block) add(tables[block], program, block, *batch);
    }
    return tables;
  }

 private:
  Program& program_for(const Batch& batch) {
    const Shape sample = batch.x.shape().tail(1);
    std::unique_ptr<Program>& program = programs_[fmt::format("{} {}", batch.count, sample.text())];
    if (!program) {
      Graph::Options options;
      options.exact = settings_.exact;
      program = Program::inference(model_.inference_graph(batch.count, sample, options, true));
    }
    return *program;
  }

  static void add(FeatureTable& table, const Program& program, std::size_t block, const Batch& batch) {
    const std::string name = Model::block_output(static_cast<int>(block));
    for (const auto& [known, value] : program.graph().outputs()) {
      if (known != name) continue;
      const Index columns = value.shape()[-1], count = value.shape().count() / batch.count;
      table.columns = columns;
      const real* y = program.output_data(name);
      for (Index i = 0; i < batch.count; ++i, y += count) {
        for (Index c = 0; c < columns; ++c) {
          double sum = 0;
          for (Index at = c; at < count; at += columns) sum += static_cast<double>(y[at]);
          table.values.push_back(
              static_cast<real>(sum * static_cast<double>(columns) / static_cast<double>(count)));
        }
        table.labels.push_back(batch.labels.indices()[i]);
      }
      table.rows += batch.count;
    }
  }

  const Model& model_;
  const ProgramSettings& settings_;
  std::map<std::string, std::unique_ptr<Program>> programs_;
};

class Adviser {
 public:
  Adviser(const Session& session, const AdviceOptions& options, Machine& machine,
          const std::function<void(const std::string&)>& note)
      : session_(session), options_(options), machine_(machine), note_(note), begin_(Clock::now()) {
    limit_ = std::min(options.probe_time, options.time * kShare);
    split();
  }

  Advice run() {
    forecast_cuts();
    machine_.save();
    probe_features();
    probe_gradients();
    try_cuts();
    advice_.probe_seconds = elapsed();
    judge();
    return std::move(advice_);
  }

 private:
  double elapsed() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }
  bool late() const { return elapsed() >= limit_; }

  /// A fifth of the training part, at most kHeldOut samples, is held out of everything.
  void split() {
    const Index n = session_.data.train->size();
    std::vector<Index> order(static_cast<std::size_t>(n));
    std::iota(order.begin(), order.end(), Index{0});
    Random random(session_.recipe.classes > 0 ? 1 : 0, "advise");
    for (std::size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
    const Index held = std::clamp<Index>(n / 5, 1, kHeldOut);
    held_ = subset(session_.data.train, {order.begin(), order.begin() + held});
    rest_ = subset(session_.data.train, {order.begin() + held, order.end()});
    advice_.held_out = held;
    const Index batches = (n + options_.batch - 1) / options_.batch;
    advice_.train_steps = options_.training.epochs * batches;
  }

  ModelPtr copy() const {
    const Model& from = *session_.model;
    const ModelPtr model =
        find_model(session_.recipe.model).make(session_.recipe.input, session_.recipe.classes);
    const auto theirs = from.parameters(), ours = model->parameters();
    for (std::size_t i = 0; i < ours.size(); ++i) {
      std::copy_n(theirs[i].parameter->value().data(), ours[i].parameter->value().count(),
                  ours[i].parameter->mutable_value().data());
      ours[i].parameter->touch();
    }
    return model;
  }

  Loader loader(const DatasetPtr& data, bool shuffle, std::uint64_t seed) const {
    LoaderOptions options = loader_options(session_, std::min(options_.batch, data->size()), seed);
    options.shuffle = shuffle;
    return Loader(data, options);
  }

  static std::string spec(Index frozen) { return frozen == 0 ? "none" : std::to_string(frozen); }

  void forecast_cuts() {
    const ModelPtr model = copy();
    const OptimizerMaker make = [&] { return make_optimizer(options_.training); };
    const Shape& sample = session_.recipe.input.sample;
    const RandomBatch batch(*model, std::min(options_.batch, session_.data.train->size()), sample);
    ProgramCache programs(*model, options_.program);
    const Index base = base_bytes(thread_count(), machine_);
    const auto blocks = static_cast<Index>(model->blocks().size());
    for (Index k = 0; k < blocks; ++k) {
      model->set_freeze(spec(k));
      Program& program = programs.training(batch.labels.shape()[0], sample);
      batch.feed(program, *model);
      const StepForecast forecast =
          forecast_step(*model, program, make, thread_count(), machine_, [&](Index left) {
            if (left % 50 == 0) note_(fmt::format("{} frozen: {} kernels to measure", k, left));
          });
      CutAdvice cut;
      cut.frozen = k;
      cut.step_seconds = forecast.seconds();
      cut.train_seconds = forecast.seconds() * static_cast<double>(advice_.train_steps);
      cut.bytes = static_cast<double>(base + forecast.bytes.all());
      advice_.cuts.push_back(cut);
    }
  }

  void probe_features() {
    if (session_.model->language_model() || late()) return;
    note_("linear probes on what each block gives");
    const ModelPtr model = copy();
    BlockFeatures features(*model, options_.program);
    Loader train = loader(rest_, true, 1), held = loader(held_, false, 0);
    const auto over = [&] { return elapsed() >= limit_ / 2; };
    const std::vector<FeatureTable> seen = features.of(train, kProbeRows, over);
    const std::vector<FeatureTable> unseen = features.of(held, kHeldOut, over);
    for (CutAdvice& cut : advice_.cuts) {
      if (cut.frozen == 0 || late()) continue;
      const auto block = static_cast<std::size_t>(cut.frozen - 1);
      if (unseen[block].rows < advice_.held_out) return;
      cut.linear = linear_probe(seen[block], unseen[block], session_.recipe.classes);
    }
  }

  void probe_gradients() {
    if (late()) return;
    note_("gradients against weights, block by block");
    const ModelPtr model = copy();
    ProgramCache programs(*model, options_.program);
    Loader train = loader(rest_, true, 2);
    train.start(0);
    std::vector<double> sums(model->blocks().size(), 0);
    Index batches = 0;
    for (const Batch* batch = train.next(); batch != nullptr && batches < kGradientBatches && !late();
         batch = train.next(), ++batches) {
      Program& program = fed(programs, *model, *batch);
      program.run(static_cast<std::uint64_t>(batches));
      for (std::size_t block = 0; block < sums.size(); ++block) {
        double gradient = 0, weight = 0;
        for (const NamedParameter& p : model->block_parameters(static_cast<int>(block))) {
          for (const GradientView& g : program.gradients()) {
            if (g.parameter != p.parameter.get()) continue;
            for (Index i = 0; i < g.count; ++i) {
              const double d = g.data[i], w = g.parameter->value().data()[i];
              gradient += d * d;
              weight += w * w;
            }
          }
        }
        if (weight > 0) sums[block] += std::sqrt(gradient / weight);
      }
    }
    for (CutAdvice& cut : advice_.cuts) {
      if (cut.frozen > 0 && batches > 0)
        cut.relative_gradient = sums[static_cast<std::size_t>(cut.frozen - 1)] / static_cast<double>(batches);
    }
  }

  static Program& fed(ProgramCache& programs, const Model& model, const Batch& batch) {
    Program& program = programs.training(batch.count, batch.x.shape().tail(1));
    feed_batch(program, model, batch);
    program.feed("labels", batch.labels);
    return program;
  }

  /// The cuts that fit, spread evenly where there are more than the time allows, each trained for as many
  /// steps.
  void try_cuts() {
    std::vector<CutAdvice*> all;
    for (CutAdvice& cut : advice_.cuts) {
      cut.fits = cut.bytes <= options_.memory && cut.train_seconds <= options_.time - limit_;
      if (cut.fits) all.push_back(&cut);
    }
    if (all.empty() || late()) return;
    // Evaluation, loading and compiling come on top of the steps.
    constexpr double kBeside = 0.6;
    const double left = kBeside * (limit_ - elapsed());
    const auto steps_for = [&](const std::vector<CutAdvice*>& cuts) {
      double step = 0;
      for (const CutAdvice* cut : cuts) step += cut->step_seconds;
      return static_cast<Index>(std::min(1e9, left / (kSeeds * step)));
    };
    std::vector<CutAdvice*> tried = all;
    while (tried.size() > 1 && steps_for(tried) < kFewestSteps) tried = every_other(tried);
    const Index most = std::min(kMostSteps, advice_.train_steps);
    const Index steps = std::clamp(steps_for(tried), std::min(kFewestSteps, most), most);
    note_(fmt::format("{} steps of {} cuts, {} seeds", steps, tried.size(), kSeeds));
    for (Index seed = 1; seed <= kSeeds; ++seed) {
      for (CutAdvice* cut : tried) {
        if (late()) return;
        try_cut(*cut, steps, static_cast<std::uint64_t>(seed));
      }
    }
  }

  static std::vector<CutAdvice*> every_other(const std::vector<CutAdvice*>& cuts) {
    std::vector<CutAdvice*> some;
    // The last one stays, the cheapest of all.
    for (std::size_t i = (cuts.size() - 1) % 2; i < cuts.size(); i += 2) some.push_back(cuts[i]);
    return some;
  }

  void try_cut(CutAdvice& cut, Index steps, std::uint64_t seed) {
    const ModelPtr model = copy();
    model->set_freeze(spec(cut.frozen));
    ProgramSettings settings = options_.program;
    settings.seed = seed;
    ProgramCache programs(*model, settings);
    const auto optimizer = make_optimizer(options_.training);
    const Schedule schedule = parse_schedule(options_.training.schedule);
    Loader train = loader(rest_, true, seed);
    Index step = 0;
    for (std::uint64_t epoch = 0; step < steps; ++epoch) {
      train.start(epoch);
      for (const Batch* batch = train.next(); batch != nullptr && step < steps;
           batch = train.next(), ++step) {
        if (late()) return;
        Program& program = fed(programs, *model, *batch);
        program.run(static_cast<std::uint64_t>(step));
        optimizer->step(program.gradients(),
                        {.rate_factor = schedule(step, steps), .clip_norm = options_.training.clip});
      }
    }
    Loader held = loader(held_, false, 0);
    cut.accuracies.push_back(evaluate(*model, programs, held).accuracy());
    cut.steps = steps;
  }

  void judge() {
    const double left = options_.time - advice_.probe_seconds;
    std::vector<CutAdvice*> tried;
    for (CutAdvice& cut : advice_.cuts) {
      cut.fits = cut.bytes <= options_.memory && cut.train_seconds <= left;
      if (cut.accuracies.empty()) continue;
      const auto n = static_cast<double>(cut.accuracies.size());
      cut.mean = std::accumulate(cut.accuracies.begin(), cut.accuracies.end(), 0.0) / n;
      double squares = 0;
      for (const double a : cut.accuracies) squares += (a - cut.mean) * (a - cut.mean);
      const double deviation = n > 1 ? std::sqrt(squares / (n - 1)) : 0;
      cut.interval = wilson_interval(cut.mean, advice_.held_out);
      cut.interval = {std::max(0.0, cut.interval.low - deviation),
                      std::min(1.0, cut.interval.high + deviation)};
      tried.push_back(&cut);
    }
    for (CutAdvice* cut : tried) {
      cut->front = std::none_of(tried.begin(), tried.end(), [&](const CutAdvice* other) {
        const bool no_worse = other->train_seconds <= cut->train_seconds && other->bytes <= cut->bytes &&
                              other->mean >= cut->mean;
        const bool better =
            other->train_seconds < cut->train_seconds || other->bytes < cut->bytes || other->mean > cut->mean;
        return no_worse && better;
      });
    }
    choose(tried);
  }

  void choose(std::vector<CutAdvice*> tried) {
    std::erase_if(tried, [](const CutAdvice* cut) { return !cut->fits; });
    const auto cheaper = [](const CutAdvice* a, const CutAdvice* b) {
      return a->train_seconds < b->train_seconds;
    };
    if (tried.empty()) {
      std::vector<CutAdvice*> fitting;
      for (CutAdvice& cut : advice_.cuts) {
        if (cut.fits) fitting.push_back(&cut);
      }
      if (fitting.empty()) {
        advice_.reason = "no cut fits: allow more time or memory, or train for fewer epochs";
        return;
      }
      advice_.chosen = (*std::min_element(fitting.begin(), fitting.end(), cheaper))->frozen;
      advice_.reason = "the cheapest that fits; the time did not allow to try any";
      return;
    }
    const CutAdvice* best = *std::max_element(
        tried.begin(), tried.end(), [](const CutAdvice* a, const CutAdvice* b) { return a->mean < b->mean; });
    const double wanted = options_.accuracy > 0 ? options_.accuracy : best->interval.low;
    std::vector<CutAdvice*> good = tried;
    std::erase_if(good, [&](const CutAdvice* cut) { return !(cut->mean >= wanted); });
    if (good.empty()) {
      advice_.chosen = best->frozen;
      advice_.reason =
          fmt::format("none has reached {:.3f} in the probe's steps; this one came nearest", wanted);
      return;
    }
    advice_.chosen = (*std::min_element(good.begin(), good.end(), cheaper))->frozen;
    advice_.reason =
        options_.accuracy > 0
            ? fmt::format("the cheapest that has reached {:.3f}", wanted)
            : fmt::format("the cheapest within the interval of the best ({} frozen)", best->frozen);
  }

  const Session& session_;
  const AdviceOptions& options_;
  Machine& machine_;
  const std::function<void(const std::string&)>& note_;
  Clock::time_point begin_;
  double limit_ = 0;  // seconds for probes
  DatasetPtr held_, rest_;
  Advice advice_;
};

}  // namespace

double parse_duration(const std::string& text, const std::string& what) {
  constexpr std::pair<const char*, double> kUnits[] = {
      {"", 1}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}};
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  for (const auto& [unit, seconds] : kUnits) {
    const bool good = error == std::errc{} && value > 0 && std::isfinite(value);
    if (good && std::string_view(end, text.data() + text.size()) == unit) return value * seconds;
  }
  throw Error(Fault::usage, what, fmt::format("'{}' is no time as in 30s, 2m or 1h", text));
}

Advice advise(const Session& session, const AdviceOptions& options, Machine& machine,
              const std::function<void(const std::string&)>& note) {
  return Adviser(session, options, machine, note).run();
}

}  // namespace firn::cli
