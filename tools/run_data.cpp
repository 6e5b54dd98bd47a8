#include "tools/run_data.h"

#include <fmt/core.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "data/files.h"
#include "engine/base/error.h"
#include "tools/json_read.h"

namespace firn::cli {

std::string run_of(const std::string& weights) {
  std::string folder = is_folder(weights) ? weights : std::filesystem::path(weights).parent_path().string();
  if (folder.empty()) folder = ".";
  return is_file(join(folder, "config.json")) ? folder : "";
}

bool take_run_data(const std::string& weights, DataChoice& data) {
  constexpr Index kMost = Index{1} << 40;
  const std::string folder = run_of(weights);
  if (folder.empty()) return false;
  const std::string path = join(folder, "config.json");
  const nlohmann::json file = read_json_file(path, {.operation = "run"});
  const JsonFields config(file, path, {.operation = "run"});
  const DataOptions fresh;
  DataOptions& options = data.options;
  data.spec = config.text("data");
  const auto take = [&](Index& value, Index usual, const char* key, Index least) {
    if (value == usual) value = config.whole(key, least, kMost, usual);
  };
  take(data.options.size, fresh.size, "size", 0);
  take(data.options.window, fresh.window, "window", 1);
  take(data.options.limit, fresh.limit, "limit", 0);
  if (options.label.empty()) options.label = config.text("label");
  if (options.drop.empty()) options.drop = config.texts("drop");
  if (options.layout.empty()) options.layout = config.text("layout");
  if (options.labels_file.empty()) options.labels_file = config.text("labels_file");
  return !data.spec.empty();
}

void take_run_word(const std::string& word, ModelChoice& model, const std::string& verb) {
  if (word.empty()) return;
  if (!model.weights.empty())
    throw Error(Fault::usage, verb, fmt::format("'{}' was not expected beside --weights", word));
  model.weights = word;
}

}  // namespace firn::cli
