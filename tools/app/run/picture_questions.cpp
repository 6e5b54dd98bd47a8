#include "tools/app/run/picture_questions.h"

#include <fmt/core.h>

#include "data/files.h"
#include "data/memory.h"
#include "data/picture_files.h"
#include "engine/base/error.h"
#include "tools/app/run/adapt.h"

namespace firn::cli {

std::vector<std::string> picture_paths(const std::vector<std::string>& asked,
                                       std::vector<std::string>& notes) {
  std::vector<std::string> paths;
  for (const std::string& path : asked) {
    if (!is_folder(path)) {
      paths.push_back(path);
      continue;
    }
    const PictureFiles found = find_pictures(path, true);
    const std::string foreign = foreign_text(found.foreign);
    if (found.paths.empty()) {
      throw Error(Fault::data, "predict",
                  fmt::format("{} holds no PNG or JPEG{}", path, foreign.empty() ? "" : " but " + foreign));
    }
    if (!foreign.empty())
      notes.push_back(fmt::format("{}: left out {}, neither PNG nor JPEG: convert them", path, foreign));
    if (found.others > 0)
      notes.push_back(fmt::format("{}: {} files are neither PNG nor JPEG", path, found.others));
    if (!found.system.empty())
      notes.push_back(fmt::format("{}: passed over {} and the like", path, found.system.front()));
    paths.insert(paths.end(), found.paths.begin(), found.paths.end());
  }
  return paths;
}

PictureQuestions picture_questions(const Recipe& recipe, std::span<const std::string> paths) {
  const Shape& sample = recipe.input.sample;
  if (!recipe.images) throw Error(Fault::usage, "predict", recipe.model + " was not trained on pictures");
  if (sample[0] != sample[1]) {
    throw Error(Fault::usage, "predict",
                fmt::format("the model wants {}, pictures are cut square", sample.text()));
  }
  Pictures pictures = read_pictures(paths, sample[0], recipe.shorter);
  PictureQuestions questions;
  questions.bad = std::move(pictures.bad);
  for (const std::size_t i : pictures.good) questions.names.push_back(paths[i]);
  if (questions.names.empty()) return questions;
  DataInfo info;
  info.name = "pictures";
  info.kind = DataKind::image;
  info.shape = Shape({sample[0], sample[1], 3});
  info.classes = {"?"};
  const std::vector<std::int32_t> labels(questions.names.size());
  questions.samples = with_channels(make_byte_images(info, std::move(pictures.pixels), labels), sample[2]);
  return questions;
}

}  // namespace firn::cli
