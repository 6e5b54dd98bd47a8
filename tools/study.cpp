#include "tools/study.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <mutex>
#include <numeric>
#include <optional>

#include "data/loader.h"
#include "data/source.h"
#include "data/subset.h"
#include "engine/base/error.h"
#include "engine/base/parallel.h"
#include "engine/program/cost.h"
#include "engine/program/listing.h"
#include "layers/model.h"
#include "optim/trainer/trainer.h"
#include "tools/bench_timing.h"
#include "tools/fit.h"

namespace firn::cli {

namespace {

/// The two halves of the classes, each with a training and a test part, and how their samples are prepared.
struct StudyData {
  DataParts source, target;
  Preprocess preprocess;
};

StudyData open_halves(const std::string& spec) {
  const DataParts parts = open_data(spec);
  const Index classes = parts.train->class_count();
  if (classes < 4) {
    throw Error(
        Fault::usage, "study",
        fmt::format("{} has {} classes, at least 4 are wanted: half of them to learn from", spec, classes));
  }
  std::vector<std::int32_t> all(static_cast<std::size_t>(classes));
  std::iota(all.begin(), all.end(), 0);
  const auto half = static_cast<std::size_t>(classes / 2);
  const std::span<const std::int32_t> first(all.data(), half);
  const std::span<const std::int32_t> second(all.data() + half, all.size() - half);
  StudyData data;
  data.source = {subset_classes(parts.train, first, true), subset_classes(parts.test, first, true)};
  data.target = {subset_classes(parts.train, second, true), subset_classes(parts.test, second, true)};
  data.preprocess = standardise(*data.source.train);
  return data;
}

std::vector<std::string> usual_models(DataKind kind) {
  switch (kind) {
    case DataKind::image:
      return {"cnn", "rowlstm"};
    case DataKind::tokens:
      return {"textlstm"};
    case DataKind::sequence:
      return {"lstm"};
    case DataKind::vector:
      return {"mlp"};
  }
  return {};
}

Loader make_loader(const DatasetPtr& data, const StudyData& study, Index batch, bool training,
                   std::uint64_t seed) {
  LoaderOptions options;
  options.batch = training ? batch : std::max<Index>(batch, 128);
  options.shuffle = training;
  options.seed = seed;
  options.background = false;  // every arm has a thread of its own already
  options.preprocess = study.preprocess;
  return Loader(data, options);
}

/// All arms that share a model and a seed: they start from the same source weights.
struct Origin {
  std::string model;
  std::uint64_t seed = 0;
  ModelPtr trained;
};

/// One training run: an origin, a number of labels and a cut.
struct Arm {
  std::size_t row, origin, seed_index;
  Index labels, cut;
};

ModelPtr make_model(const std::string& name, const Dataset& data) {
  return find_model(name).make(input_of(data.info()), data.class_count());
}

void copy_body(const Model& from, Model& to) {
  const auto last = static_cast<int>(to.blocks().size()) - 1;
  const std::vector<NamedParameter> theirs = from.parameters();
  const std::vector<NamedParameter> ours = to.parameters();
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (to.block_of(ours[i].name) == last) continue;
    std::copy_n(theirs[i].parameter->value().data(), ours[i].parameter->value().count(),
                ours[i].parameter->mutable_value().data());
    ours[i].parameter->touch();
  }
}

void train_origin(Origin& origin, const StudyData& data, const StudyOptions& options) {
  origin.trained = make_model(origin.model, *data.source.train);
  origin.trained->initialise(origin.seed);
  Loader train = make_loader(data.source.train, data, options.batch, true, origin.seed);
  Loader test = make_loader(data.source.test, data, options.batch, false, 0);
  const auto optimizer = make_adam({.rate = options.rate});
  TrainConfig config;
  config.epochs = options.source_epochs;
  config.evaluate_every = options.source_epochs;
  config.schedule = cosine_schedule();
  config.program.seed = origin.seed;
  config.program.exact = options.exact;
  Trainer(*origin.trained, *optimizer, train, test, config).run();
}

double train_arm(const Arm& arm, const Origin& origin, const StudyData& data, const StudyOptions& options) {
  const ModelPtr model = make_model(origin.model, *data.target.train);
  model->initialise(origin.seed + 1000);  // the new head; the body is copied
  copy_body(*origin.trained, *model);
  model->set_freeze(std::to_string(arm.cut));
  const DatasetPtr few =
      arm.labels > 0 ? subset_per_class(data.target.train, arm.labels, origin.seed) : data.target.train;
  Loader train = make_loader(few, data, options.batch, true, origin.seed);
  Loader test = make_loader(data.target.test, data, options.batch, false, 0);
  const auto optimizer = make_adam({.rate = options.rate});
  TrainConfig config;
  config.epochs = std::max<Index>(1, (options.steps + train.batches() - 1) / train.batches());
  config.evaluate_every = config.epochs;
  config.schedule = cosine_schedule();
  config.clip_norm = 1;
  config.program.seed = origin.seed;
  config.program.exact = options.exact;
  const History history = Trainer(*model, *optimizer, train, test, config).run();
  return history.epochs.back().test_accuracy;
}

/// The seconds of each of a program's steps: the median over many runs, so that what else the machine did
/// meanwhile does not count.
std::vector<double> usual_step_seconds(Program& program) {
  constexpr std::size_t kRuns = 61;
  std::vector<std::vector<double>> runs(program.plan().steps.size());
  for (std::size_t run = 0; run < kRuns; ++run) {
    program.set_timing(true);
    program.run();
    for (std::size_t i = 0; i < runs.size(); ++i) runs[i].push_back(program.step_times()[i]);
  }
  program.set_timing(false);
  std::vector<double> seconds;
  for (std::vector<double>& times : runs) {
    const auto middle = times.begin() + kRuns / 2;
    std::nth_element(times.begin(), middle, times.end());
    seconds.push_back(*middle);
  }
  return seconds;
}

/// Fills in the costs of each cut of one model: measured alone on one thread, and predicted from the full
/// step.
void measure_costs(const std::string& name, const StudyData& data, const StudyOptions& options,
                   std::vector<StudyRow>& rows) {
  const ModelPtr model = make_model(name, *data.target.train);
  model->initialise(options.first_seed);
  const auto blocks = static_cast<int>(model->blocks().size());
  Loader loader = make_loader(data.target.train, data, options.batch, true, 0);
  loader.start(0);
  const Batch& batch = *loader.next();

  ProgramCache programs(*model, {.exact = options.exact});
  const Program* full = nullptr;
  std::vector<double> full_seconds;
  for (int cut = 0; cut < blocks; ++cut) {
    model->set_freeze(std::to_string(cut));
    Program& program = programs.training(batch.count, batch.x.shape().tail(1));
    feed_batch(program, *model, batch);
    program.feed("labels", batch.labels);
    const double step_ms = median_ms(0.1, [&] { program.run(); });
    const std::vector<double> seconds = usual_step_seconds(program);
    if (full == nullptr) {
      full = &program;
      full_seconds = seconds;
    }
    const ByPass<double> measured = seconds_by_pass(program, seconds);
    const ByPass<double> predicted = predicted_seconds(*full, full_seconds, program);
    for (StudyRow& row : rows) {
      if (row.model != name || row.frozen_blocks != cut) continue;
      row.step_ms = step_ms;
      row.backward_ms = (measured.input_gradient + measured.weight_gradient) * 1e3;
      row.backward_predicted_ms = (predicted.input_gradient + predicted.weight_gradient) * 1e3;
      row.step_predicted_ms = predicted.forward * 1e3 + row.backward_predicted_ms;
      row.arena_bytes = program.arena_bytes(1);
      row.state_bytes = 0;
      for (const GradientView& gradient : program.gradients())
        row.state_bytes += 2 * gradient.count * Index{sizeof(real)};
    }
  }
}

/// Runs task(i) for each i on all threads; the first error, if any, is thrown behind the region.
void run_all(std::size_t count, const std::function<void(std::size_t)>& task) {
  std::exception_ptr error;
  std::mutex guard;
  parallel_for(static_cast<Index>(count), [&](Index i) {
    try {
      task(static_cast<std::size_t>(i));
    } catch (...) {
      const std::lock_guard lock(guard);
      if (!error) error = std::current_exception();
    }
  });
  if (error) std::rethrow_exception(error);
}

void summarise(StudyRow& row) {
  const auto n = static_cast<double>(row.accuracies.size());
  row.mean = std::accumulate(row.accuracies.begin(), row.accuracies.end(), 0.0) / n;
  double squares = 0;
  for (const double accuracy : row.accuracies) squares += (accuracy - row.mean) * (accuracy - row.mean);
  row.deviation = n > 1 ? std::sqrt(squares / (n - 1)) : 0;
}

std::string labels_text(Index labels) {
  return labels > 0 ? std::to_string(labels) : "all";
}

}  // namespace

std::vector<StudyRow> run_study(const StudyOptions& options,
                                const std::function<void(const StudyProgress&)>& progress) {
  const StudyData data = open_halves(options.data);
  const std::vector<std::string> models =
      options.models.empty() ? usual_models(data.target.train->info().kind) : options.models;

  std::vector<StudyRow> rows;
  std::vector<Origin> origins;
  std::vector<Arm> arms;
  for (const std::string& name : models) {
    const auto blocks = static_cast<Index>(make_model(name, *data.target.train)->blocks().size());
    const std::size_t first_origin = origins.size();
    for (Index s = 0; s < options.seeds; ++s) {
      origins.push_back({name, options.first_seed + static_cast<std::uint64_t>(s), nullptr});
    }
    for (const Index labels : options.labels) {
      for (Index cut = 0; cut < blocks; ++cut) {
        StudyRow row;
        row.model = name;
        row.labels = labels;
        row.frozen_blocks = cut;
        row.blocks = blocks;
        row.accuracies.resize(static_cast<std::size_t>(options.seeds));
        row.train_samples =
            labels > 0 ? subset_per_class(data.target.train, labels, 0)->size() : data.target.train->size();
        row.test_samples = data.target.test->size();
        for (std::size_t s = 0; s < row.accuracies.size(); ++s)
          arms.push_back({rows.size(), first_origin + s, s, labels, cut});
        rows.push_back(std::move(row));
      }
    }
  }

  const auto cells = static_cast<Index>(models.size() + origins.size() + arms.size());
  Index done = 0;
  std::mutex guard;
  const auto advance = [&](const std::string& what) {
    const std::lock_guard lock(guard);
    progress({++done, cells, what});
  };
  const int threads = thread_count();
  set_thread_count(1);
  for (const std::string& name : models) {
    measure_costs(name, data, options, rows);
    advance(fmt::format("{}: costs measured", name));
  }
  set_thread_count(threads);
  run_all(origins.size(), [&](std::size_t i) {
    train_origin(origins[i], data, options);
    advance(
        fmt::format("{}, seed {}: learned the first half of the classes", origins[i].model, origins[i].seed));
  });
  run_all(arms.size(), [&](std::size_t i) {
    const Arm& arm = arms[i];
    const double accuracy = train_arm(arm, origins[arm.origin], data, options);
    rows[arm.row].accuracies[arm.seed_index] = accuracy;
    advance(fmt::format("{}, {} labels, {} frozen, seed {}: {:.3f}", origins[arm.origin].model,
                        labels_text(arm.labels), arm.cut, origins[arm.origin].seed, accuracy));
  });
  for (StudyRow& row : rows) summarise(row);
  return rows;
}

std::string study_csv(const std::vector<StudyRow>& rows) {
  std::string out =
      "model,labels,frozen_blocks,blocks,accuracy_mean,accuracy_deviation,accuracies,step_ms,step_predicted_"
      "ms,backward_ms,"
      "backward_predicted_ms,arena_bytes,state_bytes,train_samples,test_samples\n";
  for (const StudyRow& row : rows) {
    std::string each;
    for (const double accuracy : row.accuracies)
      each += (each.empty() ? "" : " ") + fmt::format("{:.6f}", accuracy);
    out += fmt::format("{},{},{},{},{:.6f},{:.6f},{},{:.5f},{:.5f},{:.5f},{:.5f},{},{},{},{}\n", row.model,
                       labels_text(row.labels), row.frozen_blocks, row.blocks, row.mean, row.deviation, each,
                       row.step_ms, row.step_predicted_ms, row.backward_ms, row.backward_predicted_ms,
                       row.arena_bytes, row.state_bytes, row.train_samples, row.test_samples);
  }
  return out;
}

std::string study_table(const std::vector<StudyRow>& rows) {
  std::string out;
  std::string model;
  for (const StudyRow& row : rows) {
    if (row.model != model) {
      model = row.model;
      out += fmt::format("\n{}, {} blocks; {} test samples; costs of one step on one thread\n", model,
                         row.blocks, row.test_samples);
      out += fmt::format("{:>8} {:>7} {:>16} {:>22} {:>22} {:>11} {:>11}\n", "labels", "frozen", "accuracy",
                         "step ms (predicted)", "backward ms (pred.)", "memory", "optimizer");
    }
    out += fmt::format("{:>8} {:>7} {:>8.3f} ± {:.3f} {:>11.3f} {:>10} {:>11.3f} {:>10} {:>11} {:>11}\n",
                       labels_text(row.labels), row.frozen_blocks, row.mean, row.deviation, row.step_ms,
                       fmt::format("({:.3f})", row.step_predicted_ms), row.backward_ms,
                       fmt::format("({:.3f})", row.backward_predicted_ms),
                       short_bytes(static_cast<double>(row.arena_bytes)),
                       short_bytes(static_cast<double>(row.state_bytes)));
  }
  return out;
}

}  // namespace firn::cli
