#include "tools/app/study/cell_file.h"

#include <fmt/core.h>

#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>

#include "engine/base/error.h"
#include "engine/base/json_read.h"
#include "tools/app/cli/json.h"

namespace firn::cli {

namespace {

constexpr double kMostReal = std::numeric_limits<double>::max();
constexpr Index kMostIndex = Index{1} << 53;
constexpr std::size_t kMostFile = std::size_t{256} << 20;

JsonRule record_rule() {
  return {.operation = "study", .bytes = kMostFile, .depth = 4, .values = std::size_t{1} << 24};
}

std::string hex_of(std::span<const std::uint8_t> bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) (text += kDigits[byte >> 4]) += kDigits[byte & 15];
  return text;
}

std::vector<std::uint8_t> bytes_of(const std::string& hex, const std::string& path) {
  const auto digit = [&](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    throw Error(Fault::data, "study", fmt::format("{}: '{}' is no digit of bytes", path, c));
  };
  if (hex.size() % 2 != 0) throw Error(Fault::data, "study", path + ": half a byte");
  std::vector<std::uint8_t> bytes(hex.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(digit(hex[2 * i]) * 16 + digit(hex[2 * i + 1]));
  return bytes;
}

JsonObject mistake_json(const Mistake& m) {
  return JsonObject()
      .add("sample", m.sample)
      .add("truth", m.truth)
      .add("predicted", m.predicted)
      .add("confidence", m.confidence)
      .add("height", m.height)
      .add("width", m.width)
      .add("channels", m.channels)
      .add("pixels", hex_of(m.pixels))
      .add("text", m.text);
}

Mistake mistake_of(const JsonFields& m, const std::string& path) {
  return {.sample = m.whole("sample", 0, kMostIndex),
          .truth = m.whole("truth", 0, kMostIndex),
          .predicted = m.whole("predicted", 0, kMostIndex),
          .confidence = m.number("confidence", 0, 1),
          .height = m.whole("height", 0, kMostIndex),
          .width = m.whole("width", 0, kMostIndex),
          .channels = m.whole("channels", 0, kMostIndex),
          .pixels = bytes_of(m.text("pixels"), path),
          .text = m.text("text")};
}

JsonObject items_json(const ItemAnswers& items) {
  return JsonObject()
      .add("kind", items.kind)
      .add("count", items.scores.size())
      .add("scores", hex_of(packed_scores(items)))
      .add("answers", hex_of(items.answers));
}

ItemAnswers items_of(const JsonFields& items, const std::string& path) {
  ItemAnswers answers;
  answers.kind = items.text("kind");
  answers.scores = unpacked_scores(answers.kind, items.whole("count", 0, kMostIndex),
                                   bytes_of(items.text("scores"), path), path);
  answers.answers = bytes_of(items.text("answers"), path);
  return answers;
}

JsonObject begin_record(const char* kind, const std::string& key, const MadeBy& by) {
  return json_line(kind).add("key", key).add("commit", by.commit).add("isa", by.isa);
}

MadeBy check_record(const JsonFields& fields, const char* kind, const std::string& key,
                    const std::string& path) {
  if (fields.whole("schema", 0, kMostIndex) != kJsonSchema || fields.text("kind") != kind ||
      fields.text("key") != key)
    throw Error(Fault::data, "study", fmt::format("{}: not the file of {} {}", path, kind, key));
  return {fields.text("commit"), fields.text("isa")};
}

}  // namespace

std::string cell_json(const std::string& key, const MadeBy& by, const CellResult& r) {
  JsonObject object = begin_record("cell", key, by);
  object.add("accuracy", r.accuracy).add("macro_f1", r.macro_f1).add("ece", r.ece).add("loss", r.loss);
  if (r.validation_accuracy) object.add("validation_accuracy", *r.validation_accuracy);
  object.add("validation_samples", r.validation_samples)
      .add("train_loss", r.train_loss)
      .add("rate", r.rate)
      .add("steps", r.steps)
      .add("train_samples", r.train_samples)
      .add("test_samples", r.test_samples)
      .add("trained_share", r.trained_share)
      .add("macs_forward", r.macs_forward)
      .add("macs_input", r.macs_input)
      .add("macs_weight", r.macs_weight)
      .add("bytes_predicted", r.bytes_predicted)
      .add("bytes_measured", r.bytes_measured)
      .add("state_bytes", r.state_bytes)
      .add("seconds", r.seconds)
      .add("predicted_seconds", r.predicted_seconds)
      .add("tuning_macs", r.tuning_macs)
      .add("tuning_seconds", r.tuning_seconds)
      .add("classes", r.classes);
  std::vector<JsonObject> tried, curve, mistakes;
  for (const TriedRate& t : r.tried)
    tried.push_back(JsonObject().add("rate", t.rate).add("loss", t.loss).add("accuracy", t.accuracy));
  for (const CurvePoint& p : r.curve)
    curve.push_back(JsonObject().add("step", p.step).add("loss", p.loss).add("accuracy", p.accuracy));
  for (const Mistake& m : r.mistakes) mistakes.push_back(mistake_json(m));
  object.add("tried", tried).add("curve", curve);
  object.add("confusion", std::vector<std::int64_t>(r.confusion.begin(), r.confusion.end()));
  object.add("mistakes", mistakes);
  if (!r.items.kind.empty()) object.add("items", items_json(r.items));
  return object.text() + "\n";
}

CellRecord read_cell(const std::string& path, const std::string& key) {
  const nlohmann::json json = read_json_file(path, record_rule());
  const JsonFields f(json, path, record_rule());
  CellRecord record{check_record(f, "cell", key, path), {}};
  CellResult& r = record.result;
  const auto number = [&](const char* name) { return f.number(name, -kMostReal, kMostReal); };
  const auto whole = [&](const char* name) { return f.whole(name, 0, kMostIndex); };
  r.accuracy = number("accuracy");
  r.macro_f1 = number("macro_f1");
  r.ece = number("ece");
  r.loss = number("loss");
  if (f.has("validation_accuracy")) r.validation_accuracy = number("validation_accuracy");
  r.validation_samples = whole("validation_samples");
  r.train_loss = number("train_loss");
  r.rate = number("rate");
  r.steps = whole("steps");
  r.train_samples = whole("train_samples");
  r.test_samples = whole("test_samples");
  r.trained_share = number("trained_share");
  r.macs_forward = number("macs_forward");
  r.macs_input = number("macs_input");
  r.macs_weight = number("macs_weight");
  r.bytes_predicted = whole("bytes_predicted");
  r.bytes_measured = whole("bytes_measured");
  r.state_bytes = whole("state_bytes");
  r.seconds = number("seconds");
  r.predicted_seconds = number("predicted_seconds");
  r.tuning_macs = number("tuning_macs");
  r.tuning_seconds = number("tuning_seconds");
  r.classes = whole("classes");
  for (const JsonFields& t : f.objects("tried"))
    r.tried.push_back({t.number("rate", 0, kMostReal), t.number("loss", -kMostReal, kMostReal),
                       t.number("accuracy", -kMostReal, kMostReal)});
  for (const JsonFields& p : f.objects("curve"))
    r.curve.push_back({p.whole("step", 0, kMostIndex), p.number("loss", -kMostReal, kMostReal),
                       p.number("accuracy", -kMostReal, kMostReal)});
  r.confusion = f.wholes("confusion", 0, kMostIndex);
  if (!r.confusion.empty() && static_cast<Index>(r.confusion.size()) != r.classes * r.classes)
    throw Error(Fault::data, "study",
                fmt::format("{}: a table of {} answers for {} classes", path, r.confusion.size(), r.classes));
  for (const JsonFields& m : f.objects("mistakes")) r.mistakes.push_back(mistake_of(m, path));
  if (f.has("items")) r.items = items_of(f.object("items"), path);
  return record;
}

std::string origin_json(const std::string& key, const MadeBy& by, const OriginResult& r) {
  return begin_record("source", key, by)
             .add("accuracy", r.accuracy)
             .add("loss", r.loss)
             .add("seconds", r.seconds)
             .add("file", r.file)
             .text() +
         "\n";
}

OriginRecord read_origin(const std::string& path, const std::string& key) {
  const nlohmann::json json = read_json_file(path, record_rule());
  const JsonFields f(json, path, record_rule());
  OriginRecord record{check_record(f, "source", key, path), {}};
  record.result = {.accuracy = f.number("accuracy", -kMostReal, kMostReal),
                   .loss = f.number("loss", -kMostReal, kMostReal),
                   .seconds = f.number("seconds", 0, kMostReal),
                   .file = f.text("file")};
  return record;
}

}  // namespace firn::cli
