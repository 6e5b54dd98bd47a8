#include "tools/app/api/predictor.h"

#include <fmt/core.h>

#include "data/memory.h"
#include "engine/base/error.h"
#include "optim/trainer/evaluate.h"
#include "tools/app/run/picture_questions.h"
#include "tools/app/run/session.h"
#include "tools/app/run/text_questions.h"

namespace firn {

struct Predictor::Parts {
  cli::Session session;
  std::vector<std::string> names;
  mutable ProgramCache programs;

  explicit Parts(cli::Session opened)
      : session(std::move(opened)),
        names(session.recipe.class_names),
        programs(*session.model, {.task = session.task}) {
    for (Index i = static_cast<Index>(names.size()); i < session.model->width(); ++i)
      names.push_back(std::to_string(i));
  }

  /// The last row of the output for each sample.
  Tensor outputs(const DatasetPtr& samples) const {
    LoaderOptions options = cli::loader_options(session, 64, 0);
    options.shuffle = false;
    Loader loader(samples, options);
    const Index width = session.model->width();
    Tensor rows(Shape{samples->size(), width});
    real* to = rows.data();
    answer_all(*session.model, programs, loader, [&](const Batch& batch, const real* values) {
      const Index steps = session.model->each_step() ? batch.x.shape()[1] : 1;
      for (Index i = 0; i < batch.count; ++i, to += width)
        std::copy_n(values + (i * steps + steps - 1) * width, width, to);
    });
    return rows;
  }

  std::vector<NamedAnswer> answers(const DatasetPtr& sample, Index most) const {
    const Tensor row = outputs(sample);
    std::vector<NamedAnswer> named;
    for (const auto& answer : session.task->predict(row.data(), most))
      named.push_back({names[static_cast<std::size_t>(answer.place)], answer.value, answer.chosen});
    return named;
  }

  DatasetPtr dataset(std::span<const float> numbers) const {
    const Shape& sample = session.recipe.input.sample;
    const auto count = static_cast<Index>(numbers.size());
    if (session.recipe.input.vocabulary > 0)
      throw Error(Fault::usage, "predict", session.recipe.model + " reads text, not numbers");
    if (count == 0 || count % sample.count() != 0) {
      throw Error(
          Fault::usage, "predict",
          fmt::format("{} numbers are no samples {} of {}", count, sample.text(), session.recipe.model));
    }
    DataInfo info;
    info.name = "numbers";
    info.kind = session.recipe.images ? DataKind::image
                : sample.rank() == 2  ? DataKind::sequence
                                      : DataKind::vector;
    info.shape = sample;
    info.classes = {"?"};
    return make_numbers(info, {numbers.begin(), numbers.end()},
                        std::vector<std::int32_t>(static_cast<std::size_t>(count / sample.count())));
  }
};

Predictor::Predictor(const std::string& path) {
  cli::SessionChoice choice;
  choice.purpose = cli::Purpose::predict;
  choice.model.weights = path;
  parts_ = std::make_unique<Parts>(cli::open_session(choice));
}

Predictor::~Predictor() = default;
Predictor::Predictor(Predictor&&) noexcept = default;
Predictor& Predictor::operator=(Predictor&&) noexcept = default;

const std::vector<std::string>& Predictor::names() const {
  return parts_->names;
}

const Model& Predictor::model() const {
  return *parts_->session.model;
}

std::vector<NamedAnswer> Predictor::picture(const std::string& path, Index most) const {
  const cli::PictureQuestions asked = cli::picture_questions(parts_->session.recipe, {&path, 1});
  if (!asked.samples) throw Error(Fault::data, "predict", asked.bad.front());
  return parts_->answers(asked.samples, most);
}

std::vector<NamedAnswer> Predictor::text(const std::string& text, Index most) const {
  return parts_->answers(cli::text_questions(parts_->session.recipe, {text}).samples, most);
}

std::vector<NamedAnswer> Predictor::numbers(std::span<const float> sample, Index most) const {
  const DatasetPtr data = parts_->dataset(sample);
  if (data->size() != 1)
    throw Error(Fault::usage, "predict", fmt::format("{} samples, one is wanted", data->size()));
  return parts_->answers(data, most);
}

Tensor Predictor::outputs(std::span<const float> samples) const {
  return parts_->outputs(parts_->dataset(samples));
}

}  // namespace firn
