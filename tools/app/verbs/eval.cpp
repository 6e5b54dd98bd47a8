#include "tools/app/verbs/eval.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>
#include <optional>
#include <vector>

#include "layers/tasks/registry.h"
#include "optim/trainer/evaluate.h"
#include "tools/app/cli/table.h"
#include "tools/app/run/data.h"
#include "tools/app/run/logits.h"
#include "tools/app/run/memory_limit.h"
#include "tools/app/run/scores.h"
#include "tools/app/run/session.h"
#include "tools/app/run/weights_path.h"

namespace firn::cli {

namespace {

/// Samples of a class, and how many of them were answered rightly.
struct ClassScore {
  Index samples = 0, right = 0;
  double recall() const {
    return samples > 0 ? static_cast<double>(right) / static_cast<double>(samples) : 0;
  }
};

ClassScore score_of(const Evaluation& e, Index c) {
  ClassScore score;
  for (Index said = 0; said < e.classes; ++said) {
    score.samples += e.confusion[static_cast<std::size_t>(c * e.classes + said)];
  }
  score.right = e.confusion[static_cast<std::size_t>(c * e.classes + c)];
  return score;
}

std::string class_name(const Session& session, Index c) {
  const std::vector<std::string>& names = session.recipe.class_names;
  return names.empty() ? fmt::format("{}", c) : names[static_cast<std::size_t>(c)];
}

/// Logits of a batch.
Index logits_of(const Model& model, const Batch& batch) {
  return batch.count * model.width() * (model.each_step() ? batch.x.shape()[1] : 1);
}

std::vector<double> column_metrics(const Task& one, const Evaluation& e, Index width, Index c) {
  const Evaluation column = column_of(e, width, c);
  std::vector<Index> rows(static_cast<std::size_t>(e.samples));
  std::iota(rows.begin(), rows.end(), Index{0});
  return one.metrics_of(column, rows);
}

/// Samples that have a label.
Index with_label(const Evaluation& e, Index width, Index c) {
  const std::vector<double> truths = column_of(e, width, c).truths;
  return std::count(truths.begin(), truths.end(), 1.0);
}

std::vector<JsonObject> columns_json(const Session& session, const Evaluation& e) {
  const bool numbers = answers_with_numbers(session.task->name());
  const TaskPtr one = find_task(session.task->name(), 1);
  const std::vector<TaskMetric> metrics = one->metrics();
  std::vector<JsonObject> all;
  const Index width = session.task->width();
  for (Index c = 0; c < width; ++c) {
    JsonObject line;
    line.add("target", class_name(session, c));
    if (!numbers) line.add("samples", with_label(e, width, c));
    const std::vector<double> of = column_metrics(*one, e, width, c);
    const std::size_t count = numbers ? metrics.size() : 2;  // all labels of one are one
    for (std::size_t i = 0; i < count; ++i) line.add(i == 0 && !numbers ? "f1" : metrics[i].name, of[i]);
    all.push_back(std::move(line));
  }
  return all;
}

class Eval : public Verb {
 public:
  void declare(Arguments& arguments) override {
    arguments.example("runs/cnn-digits-1", "a run's best weights on the test part of its own data");
    arguments.example("runs/cnn-digits-1 --data csv:mine.csv", "on other data");
    arguments.example("--model resnet20 --weights resnet20_cifar10.safetensors --data cifar10:PATH --json",
                      "published weights");
    arguments.example("runs/cnn-digits-1 --frozen-precision bf16", "what 16 bits would cost");
    arguments.positional("RUN", run_word_, "a run's folder or a weights file, as --weights");
    declare_model(arguments, session_.model);
    declare_data(arguments, session_.data);
    arguments.choice("--split", split_, {"train", "validation", "test", "all"},
                     "the part of the data (test)");
    arguments.option("--logits", logits_, "FILE.npy",
                     "also write the raw logits, float32, in the order of the data (-: to stdout)");
    declare_precision(arguments, precision_);
    declare_sample(arguments, session_.input);
    declare_run(arguments, run_);
    declare_memory(arguments, memory_);
  }
  int run(Console& console) override;

 private:
  /// Another precision against the first: what it costs.
  struct Lowered {
    Evaluation evaluation;
    double difference = 0;  ///< the largest of a logit
  };
  Evaluation judge(Console& console, const Session& session, Loader& loader, DType precision,
                   const std::function<void(const Batch&, const real*)>& on_batch) const;
  Lowered judge_lowered(Console& console, const Session& session, Loader& loader,
                        const std::vector<real>& logits) const;
  void print(Console& console, const Session& session, const Evaluation& e) const;
  void print_lowered(Console& console, const std::string& headline, const Evaluation& e,
                     const Lowered& low) const;
  void print_columns(Console& console, const Session& session, const Evaluation& e) const;
  void print_json(Console& console, const Session& session, const Evaluation& e,
                  const std::optional<Lowered>& low) const;

  SessionChoice session_;
  RunChoice run_;
  std::string split_ = "test";
  std::string logits_;
  std::string precision_ = "fp32";
  std::string run_word_, memory_;
};

int Eval::run(Console& console) {
  take_run_word(run_word_, session_.model, "eval");
  if (session_.model.weights.empty())
    throw Error(Fault::usage, "eval", "a run's folder, or --weights FILE, is needed");
  console.make_way_for(logits_, {weights_file(session_.model.weights, "eval"), session_.model.base});
  use_threads(run_);
  session_.seed = run_.seed;
  if (!session_.data.spec.empty()) {
    take_run_reading(session_.model.weights, session_);
  } else {
    if (!take_run_data(session_.model.weights, session_))
      throw Error(Fault::usage, "eval",
                  fmt::format("--data is needed: {} lies in no run's folder", session_.model.weights));
    console.note(fmt::format("on the run's own data: --data {}", session_.data.spec));
  }
  session_.purpose = Purpose::judge;
  const MemoryLimit limit(memory_);
  limit.share(session_.data.options, console);
  const Session session = open_session(session_);
  console.notes(session.notes);
  if (run_.exact) console.note("in force: " + exact_text(true));
  LoaderOptions options = loader_options(session, run_.batch > 0 ? run_.batch : 64, run_.seed);
  options.shuffle = false;
  Loader loader(part_of(session.data, split_), options);
  const bool lowered = frozen_precision(precision_, run_.exact) == DType::bf16;
  if (limit.given()) {
    ProgramCache programs(*session.model, {.task = session.task, .exact = run_.exact});
    const double rows = static_cast<double>(loader.data().size()) * sizeof(real) *
                        static_cast<double>(session.model->width()) *
                        static_cast<double>(session.model->each_step() ? session.recipe.input.sample[0] : 1);
    limit.check_judging(session, programs, options.batch, (lowered || !logits_.empty()) ? rows : 0, console);
  }
  LogitsFile file(logits_, *session.model, loader.data());
  std::vector<real> kept;
  const Evaluation e =
      judge(console, session, loader, DType::number, [&](const Batch& batch, const real* values) {
        file.add(batch, values);
        if (lowered) kept.insert(kept.end(), values, values + logits_of(*session.model, batch));
      });
  file.save();
  std::optional<Lowered> low;
  if (lowered) low = judge_lowered(console, session, loader, kept);
  if (console.json()) {
    print_json(console, session, e, low);
  } else {
    print(console, session, e);
    if (low) print_lowered(console, session.task->metrics().front().text, e, *low);
  }
  return 0;
}

Evaluation Eval::judge(Console& console, const Session& session, Loader& loader, DType precision,
                       const std::function<void(const Batch&, const real*)>& on_batch) const {
  ProgramCache programs(*session.model,
                        {.task = session.task, .exact = run_.exact, .types = {.frozen = precision}});
  Progress progress(console, "evaluating", loader.batches());
  Index batches = 0;
  return evaluate(*session.model, programs, loader, [&](const Batch& batch, const real* values) {
    on_batch(batch, values);
    progress.at(++batches);
  });
}

Eval::Lowered Eval::judge_lowered(Console& console, const Session& session, Loader& loader,
                                  const std::vector<real>& logits) const {
  session.model->set_freeze("all");  // the whole model is what a frozen prefix is to others
  Lowered low;
  const real* reference = logits.data();
  low.evaluation = judge(console, session, loader, DType::bf16, [&](const Batch& batch, const real* values) {
    const Index count = logits_of(*session.model, batch);
    for (Index i = 0; i < count; ++i) {
      const double difference = std::abs(static_cast<double>(values[i]) - static_cast<double>(reference[i]));
      if (!(difference <= low.difference)) low.difference = difference;
    }
    reference += count;
  });
  return low;
}

void Eval::print_lowered(Console& console, const std::string& headline, const Evaluation& e,
                         const Lowered& low) const {
  console.out(fmt::format(
      "in bf16   {} {:.4f} ({:+.4f}), loss {:.4f} ({:+.4f}), largest difference of a logit {:.3g}", headline,
      low.evaluation.score(), low.evaluation.score() - e.score(), low.evaluation.loss,
      low.evaluation.loss - e.loss, low.difference));
  console.note("in force: " + precision_text(precision_));
}

void Eval::print(Console& console, const Session& session, const Evaluation& e) const {
  console.out(fmt::format("{} on the {} part of {}: {} {}", session.recipe.model, split_,
                          session.data.info().name, e.samples,
                          session.model->each_step() ? "characters" : "samples"));
  const std::vector<TaskMetric> metrics = session.task->metrics();
  const auto intervals = intervals_of(*session.task, e);
  std::size_t widest = 8;
  for (const TaskMetric& metric : metrics) widest = std::max(widest, metric.text.size());
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    std::string text =
        fmt::format("{:<{}}  {}", metrics[i].text, widest, metric_text(metrics[i], e.metrics[i]));
    if (intervals[i]) {
      text += fmt::format(", 95 % {} to {}", metric_text(metrics[i], intervals[i]->low),
                          metric_text(metrics[i], intervals[i]->high));
    }
    console.out(i == 0 ? Console::bold(text) : Span{text});
  }
  console.out(fmt::format("{:<{}}  {:.4f}", "loss", widest, e.loss));
  if (session.task->each_step()) {
    console.out(fmt::format("bits      {:.4f} a character, perplexity {:.4f}", e.loss / std::numbers::ln2,
                            std::exp(e.loss)));
    return;
  }
  if (e.confusion.empty()) return print_columns(console, session, e);
  console.out(fmt::format("macro F1  {:.4f}", e.macro_f1()));
  Table table({"<class", "samples", "recall"});
  for (Index c = 0; c < e.classes; ++c) {
    const ClassScore score = score_of(e, c);
    if (score.samples == 0) continue;
    table.row(
        {class_name(session, c), fmt::format("{}", score.samples), fmt::format("{:.4f}", score.recall())});
  }
  console.out(table.text());
}

/// A row for each number or label, where there are several.
void Eval::print_columns(Console& console, const Session& session, const Evaluation& e) const {
  const Index width = session.task->width();
  if (width == 1) return;
  const TaskPtr one = find_task(session.task->name(), 1);
  if (answers_with_numbers(session.task->name())) {
    std::vector<std::string> heads{"<target"};
    for (const TaskMetric& metric : one->metrics()) heads.push_back(metric.brief);
    Table table(std::move(heads));
    for (Index c = 0; c < width; ++c) {
      std::vector<std::string> row{class_name(session, c)};
      for (const double value : column_metrics(*one, e, width, c))
        row.push_back(row.size() == 1 ? fmt::format("{:.4f}", value) : fmt::format("{:.4g}", value));
      table.row(std::move(row));
    }
    return console.out(table.text());
  }
  Table table({"<label", "samples", "F1", "accuracy"});
  for (Index c = 0; c < width; ++c) {
    const std::vector<double> of = column_metrics(*one, e, width, c);
    table.row({class_name(session, c), fmt::format("{}", with_label(e, width, c)),
               fmt::format("{:.4f}", of[0]), fmt::format("{:.4f}", of[1])});
  }
  console.out(table.text());
}

void Eval::print_json(Console& console, const Session& session, const Evaluation& e,
                      const std::optional<Lowered>& low) const {
  JsonObject line;
  line.add("model", session.recipe.model)
      .add("weights", session_.model.weights)
      .add("data", session_.data.spec);
  line.add("split", split_).add("samples", e.samples);
  add_scores(line, "", *session.task, e);
  line.add("loss", e.loss);
  if (session.task->each_step()) {
    line.add("bits_per_character", e.loss / std::numbers::ln2).add("perplexity", std::exp(e.loss));
  } else if (e.confusion.empty()) {
    line.add("targets", columns_json(session, e));
  } else {
    std::vector<JsonObject> recalls;
    for (Index c = 0; c < e.classes; ++c) {
      const ClassScore score = score_of(e, c);
      if (score.samples == 0) continue;
      JsonObject one;
      one.add("class", class_name(session, c)).add("samples", score.samples).add("recall", score.recall());
      recalls.push_back(std::move(one));
    }
    line.add("macro_f1", e.macro_f1()).add("classes", recalls);
  }
  if (low) {
    line.add("bf16_" + session.task->metrics().front().name, low->evaluation.score());
    line.add("bf16_loss", low->evaluation.loss);
    line.add("bf16_largest_difference", low->difference);
  }
  console.close(line);
}

}  // namespace

VerbPtr make_eval() {
  return std::make_unique<Eval>();
}

}  // namespace firn::cli
