// Pictures that a model is asked about: files, folders, lists.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "tools/app/run/recipe.h"

namespace firn::cli {

/// The pictures that `asked` names: files as they are, of folders all PNG and JPEG in them and in the folders
/// within, sorted. `notes` says what of a folder was passed over. Throws Error(data) for a folder without a
/// picture.
std::vector<std::string> picture_paths(const std::vector<std::string>& asked,
                                       std::vector<std::string>& notes);

struct PictureQuestions {
  DatasetPtr samples;              ///< as the weights want them; null where no picture could be read
  std::vector<std::string> names;  ///< the path of each
  std::vector<std::string> bad;    ///< what was wrong with each that was left out
};

/// Reads pictures for the weights of `recipe`. Throws Error(usage) where these want none, or none that are
/// square.
PictureQuestions picture_questions(const Recipe& recipe, std::span<const std::string> paths);

}  // namespace firn::cli
