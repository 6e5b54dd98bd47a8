#include "tools/app/run/data.h"

#include <fmt/core.h>

#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "data/files.h"
#include "engine/base/error.h"
#include "engine/base/json_read.h"
#include "tools/app/run/reading.h"

namespace firn::cli {

namespace {

constexpr Index kMostLabels = Index{1} << 40;

/// The config.json of a run, read.
class RunConfig {
 public:
  explicit RunConfig(const std::string& folder)
      : path_(join(folder, "config.json")),
        json_(read_json_file(path_, {.operation = "run"})),
        fields_(json_, path_, {.operation = "run"}) {}
  RunConfig(const RunConfig&) = delete;
  RunConfig& operator=(const RunConfig&) = delete;
  const JsonFields& fields() const { return fields_; }

 private:
  std::string path_;
  nlohmann::json json_;
  JsonFields fields_;
};

/// A seed is any number of 64 bits; JSON has it as a signed one.
std::uint64_t seed_in(const JsonFields& config, const char* key, std::uint64_t otherwise) {
  return static_cast<std::uint64_t>(config.whole(key, std::numeric_limits<Index>::min(),
                                                 std::numeric_limits<Index>::max(),
                                                 static_cast<Index>(otherwise)));
}

/// Whether two specs name one set.
bool same_set(const std::string& a, const std::string& b) {
  const auto path = [](const std::string& spec) {
    return exists(spec) || spec.find(':') == std::string::npos ? spec : spec.substr(spec.find(':') + 1);
  };
  std::error_code none;
  return a == b || std::filesystem::equivalent(path(a), path(b), none);
}

/// How the set of a run is read and divided.
void take_all(const JsonFields& config, SessionChoice& session) {
  DataChoice& data = session.data;
  data.usual = reading_of(config);
  if (data.validation.empty()) data.validation = config.text("validation");
  if (data.group.empty()) data.group = config.text("group");
  if (data.split_seed == 0) data.split_seed = seed_in(config, "split_seed", 0);
  session.labels = config.whole("labels", 0, kMostLabels);
  session.seed = seed_in(config, "seed", session.seed);
}

}  // namespace

std::string run_of(const std::string& weights) {
  std::string folder = is_folder(weights) ? weights : std::filesystem::path(weights).parent_path().string();
  if (folder.empty()) folder = ".";
  return is_file(join(folder, "config.json")) ? folder : "";
}

bool take_run_data(const std::string& weights, SessionChoice& session) {
  const std::string folder = run_of(weights);
  if (folder.empty()) return false;
  const RunConfig file(folder);
  take_all(file.fields(), session);
  session.data.spec = file.fields().text("data");
  return !session.data.spec.empty();
}

void take_run_reading(const std::string& weights, SessionChoice& session) {
  const std::string folder = run_of(weights);
  if (folder.empty()) return;
  const RunConfig file(folder);
  const JsonFields& config = file.fields();
  if (same_set(config.text("data"), session.data.spec)) return take_all(config, session);
  const DataOptions own = reading_of(config);
  DataOptions& usual = session.data.usual;
  usual.header = own.header;
  usual.text_column = own.text_column;
  if (!config.text("tokens").empty()) usual.label = own.label;
}

void take_run_word(const std::string& word, ModelChoice& model, const std::string& verb) {
  if (word.empty()) return;
  if (!model.weights.empty())
    throw Error(Fault::usage, verb, fmt::format("'{}' was not expected beside --weights", word));
  model.weights = word;
}

}  // namespace firn::cli
