#include "tools/app/run/shown_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "data/tokens.h"

namespace firn::cli {

namespace {

constexpr Index kThumbnailSide = 48;    // pixels of a thumbnail
constexpr std::size_t kRowNumbers = 6;  // of a row of a table

std::string row_text(const DataInfo& info, const std::vector<real>& values) {
  std::string text;
  for (std::size_t i = 0; i < std::min(values.size(), kRowNumbers); ++i) {
    const std::string name = i < info.features.size() ? info.features[i] : fmt::format("{}", i);
    text += fmt::format("{}{} {:.4g}", i > 0 ? ", " : "", name, static_cast<double>(values[i]));
  }
  return values.size() > kRowNumbers ? text + fmt::format(", {} more", values.size() - kRowNumbers) : text;
}

std::vector<JsonObject> objects(std::vector<ShownSample> samples) {
  std::vector<JsonObject> out;
  for (ShownSample& s : samples) {
    shrink(s, kThumbnailSide);
    JsonObject object;
    object.add("sample", s.sample).add("truth", s.truth).add("predicted", s.predicted);
    object.add("confidence", s.confidence);
    if (s.pixels.empty()) {
      object.add("text", s.text);
    } else {
      object.add("height", s.height).add("width", s.width).add("channels", s.channels);
      object.add("pixels", hex_text(s.pixels));
    }
    out.push_back(std::move(object));
  }
  return out;
}

/// Samples of each class.
std::vector<std::int64_t> counts(const DatasetPtr& data) {
  if (!data || data->info().targets != TargetKind::classes || data->info().label_each_step) return {};
  std::vector<std::int64_t> out(static_cast<std::size_t>(data->class_count()));
  for (Index i = 0; i < data->size(); ++i) {
    const auto label = static_cast<std::size_t>(data->label(i));
    if (label < out.size()) ++out[label];
  }
  return out;
}

}  // namespace

std::string hex_text(const std::vector<std::uint8_t>& bytes) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : bytes) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

void show(const Dataset& data, ShownSample& shown) {
  const DataInfo& info = data.info();
  if (info.kind == DataKind::tokens) {
    std::vector<std::int32_t> tokens(static_cast<std::size_t>(data.length(shown.sample)));
    data.fill_tokens(shown.sample, tokens);
    shown.text = token_text(info, tokens);
    return;
  }
  std::vector<real> values(static_cast<std::size_t>(info.shape.count()));
  data.fill_numbers(shown.sample, values);
  if (info.kind == DataKind::vector) {
    shown.text = row_text(info, values);
  } else if (info.kind == DataKind::image && (info.shape[2] == 1 || info.shape[2] == 3)) {
    shown.height = info.shape[0];
    shown.width = info.shape[1];
    shown.channels = info.shape[2];
    for (const real value : values)
      shown.pixels.push_back(
          static_cast<std::uint8_t>(std::lround(255 * std::clamp(value, real(0), real(1)))));
  }
}

void shrink(ShownSample& shown, Index side) {
  const Index longer = std::max(shown.height, shown.width);
  if (longer <= side || shown.pixels.empty()) return;
  const auto less = [&](Index pixels) { return std::max<Index>(1, pixels * side / longer); };
  const Index height = less(shown.height), width = less(shown.width), channels = shown.channels;
  std::vector<double> sums(static_cast<std::size_t>(height * width * channels));
  std::vector<Index> in_box(static_cast<std::size_t>(height * width));
  for (Index y = 0; y < shown.height; ++y) {
    for (Index x = 0; x < shown.width; ++x) {
      const Index box = y * height / shown.height * width + x * width / shown.width;
      ++in_box[static_cast<std::size_t>(box)];
      for (Index c = 0; c < channels; ++c) {
        sums[static_cast<std::size_t>(box * channels + c)] +=
            shown.pixels[static_cast<std::size_t>((y * shown.width + x) * channels + c)];
      }
    }
  }
  shown.pixels.resize(sums.size());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double mean = sums[i] / static_cast<double>(in_box[i / static_cast<std::size_t>(channels)]);
    shown.pixels[i] = static_cast<std::uint8_t>(std::lround(mean));
  }
  shown.height = height;
  shown.width = width;
}

SampleWatch::SampleWatch(const DatasetPtr& data, std::size_t most)
    : data_(data),
      most_(most),
      watches_(data && data->info().targets == TargetKind::classes && !data->info().label_each_step) {}

void SampleWatch::look(const Batch& batch, const real* logits) {
  if (!watches_) return;
  const Index classes = data_->class_count();
  for (Index row = 0; row < batch.count; ++row) {
    const real* x = logits + row * classes;
    const Index said = std::max_element(x, x + classes) - x;
    double total = 0;
    for (Index c = 0; c < classes; ++c) total += std::exp(static_cast<double>(x[c] - x[said]));
    ShownSample sample;
    sample.sample = batch.samples[static_cast<std::size_t>(row)];
    sample.truth = batch.targets.indices()[row];
    sample.predicted = said;
    sample.confidence = 1 / total;
    if (sample.truth != sample.predicted) keep(wrong_, sample, true);
    keep(unsure_, sample, false);
  }
}

void SampleWatch::keep(std::vector<ShownSample>& kept, const ShownSample& sample, bool surest) const {
  constexpr std::size_t kRoom = 1000;  // so that it is seldom sorted
  kept.push_back(sample);
  if (kept.size() >= most_ + kRoom) cut(kept, surest);
}

/// To the first `most_`, in their order.
void SampleWatch::cut(std::vector<ShownSample>& kept, bool surest) const {
  std::sort(kept.begin(), kept.end(), [&](const ShownSample& a, const ShownSample& b) {
    if (a.confidence != b.confidence) return surest == (a.confidence > b.confidence);
    return a.sample < b.sample;
  });
  if (kept.size() > most_) kept.resize(most_);
}

std::vector<ShownSample> SampleWatch::shown(std::vector<ShownSample> chosen, bool surest) const {
  cut(chosen, surest);
  for (ShownSample& sample : chosen) show(*data_, sample);
  return chosen;
}

std::vector<ShownSample> SampleWatch::wrong() const {
  return shown(wrong_, true);
}

std::vector<ShownSample> SampleWatch::unsure() const {
  return shown(unsure_, false);
}

JsonObject samples_json(const SampleWatch& watch, const std::string& weights, const DatasetPtr& train,
                        const DatasetPtr& validation, const DatasetPtr& test) {
  JsonObject of;
  of.add("train", counts(train)).add("validation", counts(validation)).add("test", counts(test));
  return json_line("samples")
      .add("part", "test")
      .add("weights", weights)
      .add("wrong", objects(watch.wrong()))
      .add("unsure", objects(watch.unsure()))
      .add("counts", of);
}

}  // namespace firn::cli
