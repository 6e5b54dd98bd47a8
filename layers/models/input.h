// What a model demands of its data, and what is said when the data are of another kind.
#pragma once

#include <string>

#include "layers/model.h"

namespace firn {

/// "images (28,28,1)", "tokens (19) of 55 kinds"
std::string describe(const InputSpec& input);

/// The shape (H,W,C) of images of at least `smallest` places in height and width; throws Error(usage) naming
/// the model for other data.
Shape require_image(const std::string& model, const InputSpec& input, Index smallest = 1);

/// The features of one step of a sequence (T,F) or of one row of an image (H,W,C): F, or W*C. Throws
/// likewise.
Index require_steps(const std::string& model, const InputSpec& input);

/// Throws Error(usage) unless tokens (T) are fed, or unless numbers are.
void require_tokens(const std::string& model, const InputSpec& input);
void require_numbers(const std::string& model, const InputSpec& input);

/// How many times a size can be halved, rounding down, and stay at least 1; at most `most`.
int halvings(Index size, int most);

}  // namespace firn
