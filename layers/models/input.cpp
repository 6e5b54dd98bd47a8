#include "layers/models/input.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/error.h"

namespace firn {

namespace {

[[noreturn]] void refuse(const std::string& model, const std::string& wants, const InputSpec& input,
                         const std::string& hint) {
  throw Error(Fault::usage, model, fmt::format("wants {}, the data are {}{}", wants, describe(input), hint));
}

std::string other_models(const InputSpec& input) {
  if (input.vocabulary > 0) return " (textlstm, textcnn and charrnn read tokens)";
  switch (input.sample.rank()) {
    case 2:
      return " (lstm, lstm2, rowlstm and mlp read sequences)";
    case 3:
      return " (cnn, vgg, lenet and others read images)";
    default:
      return " (mlp reads vectors)";
  }
}

}  // namespace

std::string describe(const InputSpec& input) {
  const std::string shape = input.sample.text();
  if (input.vocabulary > 0) return fmt::format("tokens {} of {} kinds", shape, input.vocabulary);
  switch (input.sample.rank()) {
    case 1:
      return "vectors " + shape;
    case 2:
      return "sequences " + shape;
    case 3:
      return "images " + shape;
    default:
      return "numbers " + shape;
  }
}

Shape require_image(const std::string& model, const InputSpec& input, Index smallest) {
  if (input.vocabulary > 0 || input.sample.rank() != 3) {
    refuse(model, "images (H,W,C)", input, other_models(input));
  }
  const Shape& image = input.sample;
  if (std::min(image[0], image[1]) < smallest || image[2] < 1) {
    refuse(model, fmt::format("images of at least {}x{}", smallest, smallest), input, "");
  }
  return image;
}

Index require_steps(const std::string& model, const InputSpec& input) {
  const int rank = input.sample.rank();
  if (input.vocabulary > 0 || (rank != 2 && rank != 3) || input.sample.count() < 1) {
    refuse(model, "sequences (T,F) or images (H,W,C)", input, other_models(input));
  }
  return input.sample.count_from(1);
}

void require_tokens(const std::string& model, const InputSpec& input) {
  if (input.vocabulary < 1 || input.sample.rank() != 1)
    refuse(model, "tokens (T)", input, other_models(input));
}

void require_numbers(const std::string& model, const InputSpec& input) {
  if (input.vocabulary > 0 || input.sample.count() < 1) refuse(model, "numbers", input, other_models(input));
}

int halvings(Index size, int most) {
  int count = 0;
  for (; count < most && size >= 2; size /= 2) ++count;
  return count;
}

}  // namespace firn
