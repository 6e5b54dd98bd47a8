#include "tools/verb_predict.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <optional>

#include "data/image.h"
#include "data/memory.h"
#include "data/text.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "optim/trainer/evaluate.h"
#include "tools/adapt.h"
#include "tools/logits.h"
#include "tools/session.h"

namespace firn::cli {

namespace {

/// The classes with the greatest logits and their probabilities (softmax).
std::vector<std::pair<Index, double>> top_of(const real* logits, Index classes, Index count) {
  std::vector<Index> order(static_cast<std::size_t>(classes));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return logits[a] > logits[b]; });
  double total = 0;
  const real greatest = logits[order.front()];
  for (Index c = 0; c < classes; ++c) total += std::exp(static_cast<double>(logits[c] - greatest));
  std::vector<std::pair<Index, double>> top;
  for (const Index c : order) {
    if (static_cast<Index>(top.size()) == count) break;
    top.emplace_back(c, std::exp(static_cast<double>(logits[c] - greatest)) / total);
  }
  return top;
}

/// What is to be answered: samples as the model takes them, what each is called, its true class where known.
struct Questions {
  DatasetPtr samples;
  std::vector<std::string> names;  ///< empty: by number
  DatasetPtr labelled;             ///< null: no true classes
};

class Predict : public Verb {
 public:
  void declare(Arguments& arguments) override;
  int run(Console& console) override;

 private:
  Questions pictures(const Recipe& recipe) const;
  Questions texts(const Recipe& recipe, bool language_model) const;
  void print(Console& console, const Session& session, const Questions& questions, Index sample,
             const real* logits) const;

  SessionChoice session_;
  RunChoice run_;
  std::string split_ = "test", precision_ = "fp32";
  std::string logits_;
  Index top_ = 3;
  std::vector<std::string> images_, texts_;
};

void Predict::declare(Arguments& arguments) {
  arguments.example("--weights runs/cnn-digits-1/best.safetensors --data digits --top 3",
                    "every test sample");
  arguments.example("--model squeezenet --weights squeezenet.safetensors --image dog.jpg", "a picture");
  arguments.example("--weights runs/textlstm-names-1/best.safetensors --text Satoshi", "a word");
  declare_model(arguments, session_.model);
  declare_data(arguments, session_.data);
  arguments.choice("--split", split_, {"train", "test", "all"}, "the part of the data (test)");
  arguments.group("What is asked and answered");
  arguments.list("--image", images_, "FILE...", "PNG or JPEG pictures, instead of data");
  arguments.list("--text", texts_, "TEXT...", "texts, instead of data");
  arguments.option("--top", top_, "K", "classes a sample (3)");
  arguments.option("--logits", logits_, "FILE.npy",
                   "also write the raw logits, float32, in the order of the data");
  declare_run(arguments, run_);
  declare_precision(arguments, precision_);
}

Questions Predict::pictures(const Recipe& recipe) const {
  const Shape& sample = recipe.input.sample;
  if (!recipe.images) throw Error(Fault::usage, "predict", recipe.model + " was not trained on pictures");
  if (sample[0] != sample[1]) {
    throw Error(Fault::usage, "predict",
                fmt::format("the model wants {}, pictures are cut square", sample.text()));
  }
  DataInfo info;
  info.name = "pictures";
  info.kind = DataKind::image;
  info.shape = Shape({sample[0], sample[1], 3});
  info.classes = {"?"};
  std::vector<std::uint8_t> pixels;
  for (const std::string& path : images_) {
    const ByteImage image = resize_crop(decode_image(read_file(path), path), sample[0]);
    pixels.insert(pixels.end(), image.pixels.begin(), image.pixels.end());
  }
  return {with_channels(make_byte_images(info, std::move(pixels), std::vector<std::int32_t>(images_.size())),
                        sample[2]),
          images_,
          {}};
}

Questions Predict::texts(const Recipe& recipe, bool language_model) const {
  if (recipe.vocabulary.empty())
    throw Error(Fault::usage, "predict", recipe.model + " was not trained on text");
  std::map<std::string, std::int32_t> numbers;
  for (std::size_t i = 0; i < recipe.vocabulary.size(); ++i) {
    numbers.emplace(recipe.vocabulary[i], static_cast<std::int32_t>(i));
  }
  DataInfo info;
  info.name = "texts";
  info.kind = DataKind::tokens;
  info.vocabulary = recipe.vocabulary;
  info.classes = {"?"};
  std::vector<std::int32_t> tokens;
  std::vector<Index> starts = {0};
  for (const std::string& text : texts_) {
    const ByteReader reader(as_bytes(text), Fault::data, "predict", "--text");
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t begin = at;
      const std::string character = utf8(next_character(text, at, reader, 0));
      const auto found = numbers.find(character);
      if (found == numbers.end())
        reader.fail_at(begin, fmt::format("'{}' is not in the vocabulary", character));
      tokens.push_back(found->second);
    }
    if (text.empty()) reader.fail("an empty text");
    starts.push_back(static_cast<Index>(tokens.size()));
    if (language_model && starts.back() != starts[1] * static_cast<Index>(starts.size() - 1)) {
      reader.fail("texts for a language model must all be of one length");
    }
  }
  const std::vector<std::int32_t> labels(texts_.size());
  return {make_tokens(info, std::move(tokens), std::move(starts), labels), texts_, {}};
}

void Predict::print(Console& console, const Session& session, const Questions& questions, Index sample,
                    const real* logits) const {
  const std::vector<std::string>& names = session.recipe.class_names;
  const auto name_of = [&](Index c) {
    return names.empty() ? fmt::format("{}", c) : names[static_cast<std::size_t>(c)];
  };
  std::string truth;
  if (questions.labelled && !session.model->language_model()) {
    truth = questions.labelled->info().classes[static_cast<std::size_t>(questions.labelled->label(sample))];
  }
  const auto top = top_of(logits, session.model->classes(), top_);
  if (console.json()) {
    JsonObject line = json_line("prediction");
    line.add("index", sample);
    if (!questions.names.empty()) line.add("sample", questions.names[static_cast<std::size_t>(sample)]);
    std::vector<JsonObject> classes;
    for (const auto& [c, probability] : top) {
      JsonObject one;
      one.add("class", name_of(c)).add("index", c).add("probability", probability);
      classes.push_back(std::move(one));
    }
    line.add("top", classes);
    if (!truth.empty()) line.add("label", truth);
    console.out(line);
    return;
  }
  std::string line = questions.names.empty() ? fmt::format("{:>6}", sample)
                                             : questions.names[static_cast<std::size_t>(sample)];
  for (const auto& [c, probability] : top) line += fmt::format("  {} {:.3f}", name_of(c), probability);
  if (!truth.empty()) {
    line += "  | " + (truth == name_of(top.front().first) ? console.good(truth) : console.bad(truth));
  }
  console.out(line);
}

int Predict::run(Console& console) {
  require(session_.model.weights, "--weights", "predict");
  const int asked =
      (session_.data.spec.empty() ? 0 : 1) + (images_.empty() ? 0 : 1) + (texts_.empty() ? 0 : 1);
  if (asked != 1) throw Error(Fault::usage, "predict", "want one of --data, --image and --text");
  if (top_ < 1) throw Error(Fault::usage, "predict", fmt::format("the top {} classes", top_));
  use_threads(run_);
  session_.purpose = Purpose::predict;
  session_.seed = run_.seed;
  const Precision precision = frozen_precision(precision_, run_.exact);
  const Session session = open_session(session_);
  // The whole model is what a frozen prefix is to others.
  if (precision == Precision::bf16) session.model->set_freeze("all");
  console.notes(session.notes);
  if (run_.exact) console.note("in force: " + exact_text(true));
  if (precision == Precision::bf16) console.note("in force: " + precision_text(precision_));

  Questions questions;
  if (!images_.empty()) {
    questions = pictures(session.recipe);
  } else if (!texts_.empty()) {
    questions = texts(session.recipe, session.model->language_model());
  } else {
    questions = {part_of(session.data, split_), {}, part_of(session.labelled, split_)};
  }
  LoaderOptions options = loader_options(session, run_.batch > 0 ? run_.batch : 64, run_.seed);
  options.shuffle = false;
  Loader loader(questions.samples, options);
  ProgramCache programs(*session.model, {.exact = run_.exact, .frozen_precision = precision});

  const Index classes = session.model->classes();
  const Index samples = questions.samples->size();
  const Index steps = session.model->language_model() ? questions.samples->info().shape[0] : 1;
  LogitsFile logits(logits_, *session.model, *questions.samples);
  // Everything is answered before anything is printed or written.
  std::vector<real> last(static_cast<std::size_t>(samples * classes));
  Progress progress(console, "predicting", samples);
  Index done = 0;
  evaluate(*session.model, programs, loader, [&](const Batch& batch, const real* values) {
    const Index row = steps * classes;
    logits.add(batch, values);
    for (Index i = 0; i < batch.count; ++i) {
      std::copy_n(values + i * row + (steps - 1) * classes, classes, last.begin() + (done + i) * classes);
    }
    done += batch.count;
    progress.at(done);
  });
  logits.save();
  for (Index i = 0; i < samples; ++i) print(console, session, questions, i, last.data() + i * classes);
  return 0;
}

}  // namespace

VerbPtr make_predict() {
  return std::make_unique<Predict>();
}

}  // namespace firn::cli
