#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "layers/model.h"

namespace firn {

/// One place of an answer: a class or label and its probability, or a number of a regression.
struct NamedAnswer {
  std::string name;
  double value = 0;
  bool chosen = false;  ///< whether it is part of what is predicted
};

/// A trained model with all that it takes to answer: how samples are prepared and what the answers mean are
/// in the weights file. One thread may ask at a time.
class Predictor {
 public:
  /// `path`: a weights file that firn wrote, or a run's folder. Throws what reading it throws.
  explicit Predictor(const std::string& path);
  ~Predictor();
  Predictor(Predictor&&) noexcept;
  Predictor& operator=(Predictor&&) noexcept;

  /// The classes, labels or targets, in the order of the model's output; numbers where the file names none.
  const std::vector<std::string>& names() const;
  const Model& model() const;

  /// What the model says of a PNG or JPEG, the likeliest first, at most `most`. Throws Error(usage) for a
  /// model that reads no pictures, Error(data) for a file that is none.
  std::vector<NamedAnswer> picture(const std::string& path, Index most = 3) const;
  /// Of a text, in UTF-8. Throws Error(usage) for a model that reads none, Error(data) for one without a
  /// token.
  std::vector<NamedAnswer> text(const std::string& text, Index most = 3) const;
  /// Of one sample's numbers, as many as `model().input().sample` has, unprepared, as the data had them.
  std::vector<NamedAnswer> numbers(std::span<const float> sample, Index most = 3) const;
  /// The rows of the model's output (N, width) for N such samples.
  Tensor outputs(std::span<const float> samples) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace firn
