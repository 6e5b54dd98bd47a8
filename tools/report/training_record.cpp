#include "tools/report/training_record.h"

#include <fmt/core.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/split.h"

namespace firn::cli::report {

namespace {

using nlohmann::json;

std::string text_of_file(const std::string& path) {
  const auto bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

json parse(const std::string& text, const std::string& where) {
  json object = json::parse(text, nullptr, false);
  if (!object.is_object()) throw Error(Fault::data, "report", where + ": no JSON object");
  return object;
}

/// A field of a kind, or what stands for it where it is missing or of another kind.
double number(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}
Index whole(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<Index>() : 0;
}
std::string text(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}
template <class T>
std::vector<T> list(const json& object, const char* key) {
  std::vector<T> out;
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) return out;
  for (const json& one : *found) {
    if constexpr (std::is_same_v<T, std::string>) {
      if (one.is_string()) out.push_back(one.get<T>());
    } else if constexpr (std::is_same_v<T, double>) {
      if (one.is_number()) out.push_back(one.get<T>());
    } else {
      if (one.is_number_integer()) out.push_back(one.get<T>());
    }
  }
  return out;
}

void flatten(const json& value, const std::string& name,
             std::vector<std::pair<std::string, std::string>>& out) {
  if (!value.is_object()) {
    out.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
    return;
  }
  for (const auto& [key, inner] : value.items()) {
    if (key == "schema" || key == "kind" || key == "blocks" || key == "command") continue;
    flatten(inner, name.empty() ? key : name + "." + key, out);
  }
}

void read_line(const json& line, TrainingRecord& run) {
  const std::string kind = text(line, "kind");
  if (kind == "epoch") {
    TrainingRecord::Epoch e;
    e.epoch = whole(line, "epoch");
    e.loss = number(line, "loss");
    const bool old = line.contains("test_accuracy");
    run.chose_on_test = run.chose_on_test || old;
    run.validated = run.validated || old || line.contains("validation_accuracy");
    e.validation_loss = number(line, old ? "test_loss" : "validation_loss");
    e.validation_accuracy = number(line, old ? "test_accuracy" : "validation_accuracy");
    e.rate = number(line, "rate");
    e.gradient_norm = number(line, "gradient_norm");
    e.seconds = number(line, "seconds");
    e.eval_seconds = number(line, "eval_seconds");
    e.trained_share = number(line, "trained_share");
    e.steps = whole(line, "steps");
    run.epochs.push_back(e);
  } else if (kind == "result") {
    run.result.weights = text(line, "weights");
    run.result.epoch = whole(line, "best_epoch");
    run.result.samples = whole(line, "test_samples");
    run.result.test_accuracy = number(line, "test_accuracy");
    run.result.test_loss = number(line, "test_loss");
    run.result.validation_samples = whole(line, "validation_samples");
    const std::vector<double> interval = list<double>(line, "test_interval");
    if (interval.size() == 2) {
      run.result.low = interval[0];
      run.result.high = interval[1];
    }
  } else if (kind == "freeze_change") {
    const bool frozen = line.value("frozen", json()).is_boolean() && line["frozen"].get<bool>();
    run.changes.push_back({whole(line, "step"), whole(line, "epoch"), text(line, "name"), frozen});
  } else if (kind == "audit") {
    for (const std::string& sentence : list<std::string>(line, "sentences")) run.audit.push_back(sentence);
  }
}

}  // namespace

const TrainingRecord::Epoch* TrainingRecord::best() const {
  const Epoch* found = nullptr;
  for (const Epoch& e : epochs) {
    if (found == nullptr || e.validation_accuracy >= found->validation_accuracy) found = &e;
  }
  return found;
}

bool is_training_run(const std::string& folder) {
  std::error_code code;
  return std::filesystem::is_regular_file(folder + "/metrics.jsonl", code);
}

TrainingRecord read_training(const std::string& folder) {
  TrainingRecord run;
  run.path = folder;
  const json config = parse(text_of_file(folder + "/config.json"), folder + "/config.json");
  const json environment = parse(text_of_file(folder + "/env.json"), folder + "/env.json");
  run.model = text(config, "model");
  run.data = text(config, "data");
  run.command = text(config, "command");
  flatten(config, "", run.config);
  flatten(environment, "", run.environment);
  if (const auto freezing = config.find("freezing"); freezing != config.end() && freezing->is_object()) {
    for (const json& block : freezing->value("blocks", json::array())) {
      if (!block.is_object()) continue;
      run.blocks.push_back(
          {text(block, "name"), whole(block, "parameters"), whole(block, "train"), text(block, "frozen")});
    }
  }
  const std::string confusion = folder + "/confusion.json";
  std::error_code code;
  if (std::filesystem::exists(confusion, code)) {
    const json counts = parse(text_of_file(confusion), confusion);
    run.confusion = list<Index>(counts, "counts");
    run.classes = list<std::string>(counts, "classes");
    if (run.confusion.size() != run.classes.size() * run.classes.size()) run.confusion.clear();
  }
  const std::string metrics = folder + "/metrics.jsonl";
  int number = 0;
  for (const std::string& line : split(text_of_file(metrics), '\n')) {
    ++number;
    if (!line.empty()) read_line(parse(line, fmt::format("{}, line {}", metrics, number)), run);
  }
  return run;
}

}  // namespace firn::cli::report
