#include "tools/app/verbs/predict.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iostream>
#include <numeric>
#include <optional>

#include "data/files.h"
#include "data/picture_files.h"
#include "data/picture_kind.h"
#include "data/source.h"
#include "data/targets.h"
#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/base/printable.h"
#include "layers/foreign/import.h"
#include "optim/trainer/evaluate.h"
#include "tools/app/run/adapt.h"
#include "tools/app/run/data.h"
#include "tools/app/run/logits.h"
#include "tools/app/run/memory_limit.h"
#include "tools/app/run/picture_questions.h"
#include "tools/app/run/session.h"
#include "tools/app/run/text_questions.h"
#include "tools/app/run/weights_path.h"

namespace firn::cli {

namespace {

bool is_picture(const std::string& path) {
  if (!is_file(path)) return false;
  std::string beginning(kKindBytes, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
  return file_kind(as_bytes(beginning)).picture != PictureKind::none;
}

/// Whether a file's name says that it is data of one sample a row.
bool is_table(const std::string& path) {
  const std::string name = lower_case(without_gz(path));
  constexpr std::string_view kEndings[] = {".csv", ".npy", ".npz", ".ts", ".tsv"};
  return is_file(path) && std::any_of(std::begin(kEndings), std::end(kEndings),
                                      [&](std::string_view ending) { return name.ends_with(ending); });
}

/// The lines that are not empty.
std::vector<std::string> lines_of(std::istream& in) {
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}
std::vector<std::string> lines_of(const std::string& path) {
  if (is_folder(path)) throw Error(Fault::usage, "predict", path + " is a folder: want files of texts");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(Fault::data, "predict", path + " cannot be read");
  return lines_of(file);
}
std::vector<std::string> lines_of_input() {
  return lines_of(std::cin);
}

/// What is to be answered: samples as the model takes them, what each is called, its true class where known.
struct Questions {
  DatasetPtr samples;
  std::vector<std::string> names;  ///< empty: by number
  DatasetPtr labelled;             ///< null: no true classes
};

/// What a place of an answer is called in JSON.
const char* place_name(const Task& task) {
  switch (target_kind_of(task.name())) {
    case TargetKind::numbers:
      return "target";
    case TargetKind::labels:
      return "label";
    case TargetKind::classes:
      break;
  }
  return "class";
}

/// The true class, the labels that a sample has, or its numbers; none where nothing is known.
std::vector<std::string> truth_of(const Session& session, const Questions& questions, Index sample) {
  if (!questions.labelled || session.task->each_step()) return {};
  const Dataset& data = *questions.labelled;
  const std::vector<std::string>& names = data.info().classes;
  if (data.info().targets == TargetKind::classes)
    return {names[static_cast<std::size_t>(data.label(sample))]};
  std::vector<double> row(names.size());
  data.fill_targets(sample, row);
  std::vector<std::string> truth;
  for (std::size_t c = 0; c < row.size(); ++c) {
    if (data.info().targets == TargetKind::numbers) truth.push_back(fmt::format("{:.6g}", row[c]));
    if (data.info().targets == TargetKind::labels && row[c] != 0) truth.push_back(names[c]);
  }
  return truth;
}

void add_truth(JsonObject& line, const Session& session, const Questions& questions, Index sample,
               const std::vector<std::string>& truth) {
  const TargetKind kind = target_kind_of(session.task->name());
  if (kind == TargetKind::labels) {
    line.add("labels", truth);
  } else if (kind == TargetKind::numbers) {
    std::vector<double> row(questions.labelled->info().classes.size());
    questions.labelled->fill_targets(sample, row);
    line.add("truths", row);
  } else {
    line.add("label", truth.front());
  }
}

class Predict : public Verb {
 public:
  void declare(Arguments& arguments) override;
  int run(Console& console) override;

 private:
  void take_words();
  bool carries_states() const { return !states_.empty() || !last_states_.empty(); }
  std::vector<std::string> asked_pictures(Console& console) const;
  void add_asked_texts();
  void answer(Console& console, const Session& session, const MemoryLimit& limit);
  void answer_pictures(Console& console, const Session& session);
  LoaderOptions options(const Session& session) const;
  void print(Console& console, const Session& session, const Questions& questions, Index sample,
             const real* logits) const;

  SessionChoice session_;
  RunChoice run_;
  std::string split_, precision_ = "fp32";
  std::string logits_, states_, last_states_;
  Index top_ = 3;
  std::vector<std::string> images_, texts_;
  std::string memory_;
  std::string run_word_;  ///< the run; with --weights the first of what is asked
  std::vector<std::string> asked_;
  DType precision_in_force_ = DType::number;
};

void Predict::declare(Arguments& arguments) {
  arguments.example("runs/cnn-photos-1 photo.jpg more/", "a picture, and all that lie in a folder");
  arguments.example("runs/cnn-digits-1 --data digits --top 3", "every test sample");
  arguments.example("--model squeezenet --weights squeezenet.safetensors dog.jpg", "published weights");
  arguments.example("runs/textlstm-names-1 --text Satoshi", "a word; a file or - is read line by line");
  arguments.positional("RUN", run_word_, "a run's folder or a weights file, unless --weights is given");
  arguments.positional("WHAT", asked_,
                       "PNG and JPEG pictures, folders of them, files of texts, one a line; a .csv, .npy or "
                       ".tsv file; -: paths or texts from standard input, one a line");
  declare_model(arguments, session_.model);
  declare_data(arguments, session_.data);
  arguments.choice(
      "--split", split_, {"train", "validation", "test", "all"},
      "the part of the data (test; all for networks of other programs, which have learned none of it)");
  arguments.group("What is asked and answered");
  arguments.list("--image", images_, "FILE...", "PNG or JPEG pictures, as WHAT");
  arguments.list("--text", texts_, "TEXT...", "texts, instead of data");
  arguments.option("--top", top_, "K", at_least(1), "classes or labels a sample (3)");
  arguments.option("--logits", logits_, "FILE.npy",
                   "also write the raw logits, float32, in the order of the data (-: to stdout)");
  arguments.option(
      "--states", states_, "FILE.safetensors",
      "what recurrent layers begin with: LAYER.h and of an LSTM LAYER.c, (layers and directions, "
      "samples, numbers), as PyTorch has them (zero, or what they have learned)");
  arguments.option("--last-states", last_states_, "FILE.safetensors",
                   "also write what they end with, in the form of --states");
  declare_sample(arguments, session_.input);
  declare_run(arguments, run_);
  declare_memory(arguments, memory_);
  declare_precision(arguments, precision_);
}

void Predict::take_words() {
  if (!session_.model.weights.empty()) {
    if (!run_word_.empty()) asked_.insert(asked_.begin(), run_word_);
  } else if (is_picture(run_word_)) {
    throw Error(Fault::usage, "predict",
                fmt::format("{} is a picture: the run, or --weights FILE, comes first", run_word_));
  } else {
    session_.model.weights = run_word_;
  }
  if (session_.model.weights.empty())
    throw Error(Fault::usage, "predict", "a run's folder, or --weights FILE, is needed");
  // A folder of pictures without labels is no set of data, but what is asked.
  const std::string& spec = session_.data.spec;
  const std::string folder = spec.starts_with("folder:") ? spec.substr(spec.find(':') + 1) : spec;
  if (is_folder(folder) && holds_picture(folder, false)) {
    asked_.push_back(folder);
    session_.data.spec.clear();
  }
  // Tables and arrays are data of which every sample is asked about.
  if (asked_.size() == 1 && session_.data.spec.empty() && is_table(asked_.front())) {
    session_.data.spec = asked_.front();
    split_ = "all";
    asked_.clear();
  }
  const int kinds =
      (session_.data.spec.empty() ? 0 : 1) + (images_.empty() ? 0 : 1) + (texts_.empty() ? 0 : 1);
  if (kinds > 1 || (kinds == 1 && !session_.data.spec.empty() && !asked_.empty()) ||
      (kinds == 0 && asked_.empty())) {
    throw Error(Fault::usage, "predict",
                "want pictures or files of texts to answer for, or one of --data, --image and --text");
  }
  session_.model.weights = weights_file(session_.model.weights, "predict");
  for (const std::vector<std::string>* paths : {&asked_, &images_}) {
    for (const std::string& path : *paths) {
      if (path != "-" && !exists(path)) {
        const std::string set = path.substr(0, path.find(':'));
        const auto sources = data_sources();
        const bool named =
            std::any_of(sources.begin(), sources.end(), [&](const auto& s) { return s.name == set; });
        throw Error(Fault::data, "predict",
                    named ? fmt::format("{} is a set of data: --data {}", path, path)
                          : fmt::format("{}: no such file or folder{}", path, did_you_mean_path(path)));
      }
    }
  }
}

std::vector<std::string> Predict::asked_pictures(Console& console) const {
  std::vector<std::string> asked = images_;
  for (const std::string& path : asked_) {
    if (path == "-") {
      const std::vector<std::string> lines = lines_of_input();
      asked.insert(asked.end(), lines.begin(), lines.end());
    } else {
      asked.push_back(path);
    }
  }
  std::vector<std::string> notes;
  std::vector<std::string> paths = picture_paths(asked, notes);
  console.notes(notes);
  if (paths.empty()) throw Error(Fault::data, "predict", "no picture is named on standard input");
  return paths;
}

void Predict::add_asked_texts() {
  for (const std::string& path : asked_) {
    const std::vector<std::string> lines = path == "-" ? lines_of_input() : lines_of(path);
    texts_.insert(texts_.end(), lines.begin(), lines.end());
  }
  if (texts_.empty()) throw Error(Fault::data, "predict", "no line of text to answer for");
}

void Predict::print(Console& console, const Session& session, const Questions& questions, Index sample,
                    const real* logits) const {
  const std::vector<std::string>& names = session.recipe.class_names;
  const auto name_of = [&](Index c) {
    return names.empty() ? fmt::format("{}", c) : names[static_cast<std::size_t>(c)];
  };
  const std::vector<Predicted> answers = session.task->predict(logits, top_);
  const TargetKind kind = target_kind_of(session.task->name());
  const bool ranked = kind != TargetKind::numbers;
  const std::vector<std::string> truth = truth_of(session, questions, sample);
  if (console.json()) {
    JsonObject line = json_line("prediction");
    line.add("index", sample);
    if (!questions.names.empty()) line.add("sample", questions.names[static_cast<std::size_t>(sample)]);
    std::vector<JsonObject> places;
    for (const Predicted& answer : answers) {
      JsonObject one;
      one.add(place_name(*session.task), name_of(answer.place)).add("index", answer.place);
      one.add(session.task->answer_name(), answer.value);
      if (kind == TargetKind::labels) one.add("predicted", answer.chosen);
      places.push_back(std::move(one));
    }
    line.add(ranked ? "top" : "values", places);
    if (questions.labelled && !session.task->each_step()) add_truth(line, session, questions, sample, truth);
    console.out(line);
    return;
  }
  std::string line = questions.names.empty() ? fmt::format("{:>6}", sample)
                                             : questions.names[static_cast<std::size_t>(sample)];
  std::vector<std::string> said;
  for (const Predicted& answer : answers) {
    const std::string value =
        ranked ? fmt::format("{:.3f}", answer.value) : fmt::format("{:.6g}", answer.value);
    const bool marked = kind == TargetKind::labels && answer.chosen;
    line += fmt::format("  {}{} {}", marked ? "+" : "", name_of(answer.place), value);
    if (answer.chosen) said.push_back(name_of(answer.place));
  }
  if (!questions.labelled || session.task->each_step()) return console.out(printable(line));
  const std::string known = fmt::format("{}", fmt::join(truth, " "));
  if (!ranked) return console.out(printable(line) + "  | " + known);
  std::sort(said.begin(), said.end());
  std::vector<std::string> sorted = truth;
  std::sort(sorted.begin(), sorted.end());
  console.out({Span{printable(line) + "  | "}, said == sorted ? Console::good(known) : Console::bad(known)});
}

LoaderOptions Predict::options(const Session& session) const {
  LoaderOptions options = loader_options(session, run_.batch > 0 ? run_.batch : 64, run_.seed);
  options.shuffle = false;
  return options;
}

void Predict::answer_pictures(Console& console, const Session& session) {
  const std::vector<std::string> paths = asked_pictures(console);
  ProgramCache programs(
      *session.model, {.task = session.task, .exact = run_.exact, .types = {.frozen = precision_in_force_}});
  LogitsFile logits(logits_, *session.model, static_cast<Index>(paths.size()));
  // Everything is answered before anything is printed or written; pictures are read some at a time.
  constexpr std::size_t kTogether = 2048;
  Questions questions;
  std::vector<real> answers;
  std::vector<std::string> bad;
  Progress progress(console, "predicting", static_cast<Index>(paths.size()));
  for (std::size_t first = 0; first < paths.size(); first += kTogether) {
    const auto some = std::span(paths).subspan(first, std::min(kTogether, paths.size() - first));
    PictureQuestions pictures = picture_questions(session.recipe, some);
    bad.insert(bad.end(), pictures.bad.begin(), pictures.bad.end());
    if (pictures.samples && (bad.empty() || session_.data.options.skip_bad)) {
      questions.names.insert(questions.names.end(), pictures.names.begin(), pictures.names.end());
      Loader loader(pictures.samples, options(session));
      answer_all(*session.model, programs, loader, [&](const Batch& batch, const real* values) {
        logits.add(batch, values);
        answers.insert(answers.end(), values, values + batch.count * session.model->width());
      });
    }
    progress.at(static_cast<Index>(first + some.size()));
  }
  if (!bad.empty()) {
    const std::string what = bad_text(bad, paths.size());
    if (!session_.data.options.skip_bad)
      throw Error(Fault::data, "predict", what + " (--skip-bad answers for the others)");
    if (questions.names.empty()) throw Error(Fault::data, "predict", what);
    console.note(what);
    for (const std::string& one : bad) {
      console.detail(one);
      if (console.json()) console.out(json_line("left_out").add("reason", one));
    }
  }
  logits.save();
  for (std::size_t i = 0; i < questions.names.size(); ++i) {
    print(console, session, questions, static_cast<Index>(i),
          answers.data() + static_cast<Index>(i) * session.model->width());
  }
  console.close(JsonObject().add("samples", questions.names.size()).add("left_out", bad.size()));
}

void Predict::answer(Console& console, const Session& session, const MemoryLimit& limit) {
  Questions questions;
  if (session_.data.spec.empty()) {
    add_asked_texts();
    TextQuestions asked = text_questions(session.recipe, texts_);
    if (!asked.note.empty()) console.note(asked.note);
    questions = {std::move(asked.samples), texts_, {}};
  } else {
    questions = {part_of(session.data, split_), {}, part_of(session.labelled, split_)};
    if (!questions.labelled->info().labelled) questions.labelled = nullptr;
  }
  Loader loader(questions.samples, options(session));
  ProgramCache programs(*session.model, {.task = session.task,
                                         .exact = run_.exact,
                                         .types = {.frozen = precision_in_force_},
                                         .initial_states = !states_.empty(),
                                         .last_states = !last_states_.empty()});
  std::optional<CarriedStates> states;
  if (carries_states()) states.emplace(*session.model, questions.samples->size());
  if (!states_.empty()) states->begin_with(load_safetensors(states_), states_);

  const Index classes = session.model->width();
  const Index samples = questions.samples->size();
  const Index steps = session.model->each_step() ? questions.samples->info().shape[0] : 1;
  const double kept = static_cast<double>(samples * classes) * sizeof(real);
  limit.check_judging(session, programs, options(session).batch,
                      logits_.empty() ? kept : kept * static_cast<double>(steps + 1), console);
  LogitsFile logits(logits_, *session.model, *questions.samples);
  // Everything is answered before anything is printed or written.
  std::vector<real> last(static_cast<std::size_t>(samples * classes));
  Progress progress(console, "predicting", samples);
  Index done = 0;
  const auto keep = [&](const Batch& batch, const real* values) {
    const Index row = steps * classes;
    logits.add(batch, values);
    for (Index i = 0; i < batch.count; ++i) {
      std::copy_n(values + i * row + (steps - 1) * classes, classes, last.begin() + (done + i) * classes);
    }
    done += batch.count;
    progress.at(done);
  };
  answer_all(*session.model, programs, loader, keep, nullptr, {}, nullptr, states ? &*states : nullptr);
  logits.save();
  if (!last_states_.empty()) save_safetensors(last_states_, states->tensors());
  for (Index i = 0; i < samples; ++i) print(console, session, questions, i, last.data() + i * classes);
  console.close(JsonObject().add("samples", samples));
}

int Predict::run(Console& console) {
  take_words();
  if (top_ < 1) throw Error(Fault::usage, "predict", fmt::format("the top {} classes", top_));
  console.make_way_for(logits_, {session_.model.weights, session_.model.base});
  console.make_way_for(last_states_, {session_.model.weights, session_.model.base});
  use_threads(run_);
  session_.purpose = Purpose::predict;
  if (split_.empty()) split_ = is_foreign_network(session_.model.weights) ? "all" : "test";
  session_.seed = run_.seed;
  if (!session_.data.spec.empty()) take_run_reading(session_.model.weights, session_);
  const MemoryLimit limit(memory_);
  limit.share(session_.data.options, console);
  precision_in_force_ = frozen_precision(precision_, run_.exact);
  SessionChoice opened = session_;
  if (opened.data.spec.empty() && texts_.empty()) opened.data.options.skip_bad = false;  // of what is asked
  const Session session = open_session(opened);
  // The whole model is what a frozen prefix is to others.
  if (precision_in_force_ == DType::bf16) session.model->set_freeze("all");
  console.notes(session.notes);
  if (run_.exact) console.note("in force: " + exact_text(true));
  if (precision_in_force_ == DType::bf16) console.note("in force: " + precision_text(precision_));
  const bool pictures = !images_.empty() || (session.recipe.images && texts_.empty());
  if (session_.data.spec.empty() && pictures) {
    if (carries_states())
      throw Error(Fault::usage, "predict",
                  "--states and --last-states go with data and texts, not with pictures");
    answer_pictures(console, session);
  } else {
    answer(console, session, limit);
  }
  return 0;
}

}  // namespace

VerbPtr make_predict() {
  return std::make_unique<Predict>();
}

}  // namespace firn::cli
