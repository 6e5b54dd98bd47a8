#include "tools/app/report/effect_record.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "engine/base/error.h"

namespace firn::cli::report {

namespace {

constexpr Index kMostPictureSide = 256, kMostEffectSamples = 1 << 16;
constexpr double kMostEffect = 1e60;

[[noreturn]] void refuse_effect(const std::string& path, const std::string& what) {
  throw Error(Fault::data, "report", path + ": " + what);
}

Effect::Picture picture_of(const std::string& path, const std::string& hex, Index height, Index width,
                           Index channels) {
  Effect::Picture picture{height, width, channels, bytes_of_hex(hex)};
  if (static_cast<Index>(picture.pixels.size()) != height * width * channels || picture.pixels.empty()) {
    refuse_effect(path, fmt::format("a picture of {} bytes for ({},{},{})", picture.pixels.size(), height,
                                    width, channels));
  }
  return picture;
}

Index side(const JsonFields& object, const char* key) {
  return object.whole(key, 1, kMostPictureSide);
}

void want_count(const std::string& path, const char* what, std::size_t is, std::size_t wanted) {
  if (is != wanted) refuse_effect(path, fmt::format("{} {} for {}", is, what, wanted));
}

}  // namespace

std::vector<std::uint8_t> bytes_of_hex(const std::string& hex) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  std::vector<std::uint8_t> out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    const int high = digit(hex[i]), low = digit(hex[i + 1]);
    if (high < 0 || low < 0) return {};
    out.push_back(static_cast<std::uint8_t>(16 * high + low));
  }
  return out;
}

Way way_of(const JsonFields& line, const std::string& path) {
  Way way{line.numbers("places", -1, 2), line.numbers("train", -kMostEffect, kMostEffect),
          line.numbers("held_out", -kMostEffect, kMostEffect)};
  want_count(path, "losses", way.on_train.size(), way.places.size());
  want_count(path, "losses", way.on_held_out.size(), way.places.size());
  return way;
}

Effect read_effect(const std::string& path, std::size_t blocks, std::size_t classes) {
  const JsonRule rule{.operation = "report", .bytes = std::size_t{16} << 20};
  const nlohmann::json parsed = read_json_file(path, rule);
  return effect_of(JsonFields(parsed, path, rule), path, blocks, classes);
}

Effect effect_of(const JsonFields& file, const std::string& path, std::size_t blocks, std::size_t classes) {
  Effect e;
  e.train_samples = file.whole("train_samples", 0, kMostEffectSamples);
  e.held_out_samples = file.whole("held_out_samples", 0, kMostEffectSamples);
  e.way = way_of(file.object("line"), path);
  const JsonFields probes = file.object("probes");
  e.probe_samples = probes.whole("samples", 0, kMostEffectSamples, e.train_samples);
  e.probe_before = probes.numbers("before", 0, 1);
  e.probe_after = probes.numbers("after", 0, 1);
  if (!e.probe_after.empty()) want_count(path, "probes", e.probe_after.size(), blocks);
  want_count(path, "probes of the beginning", e.probe_before.size(), e.probe_after.size());
  e.labels = file.wholes("labels", 0, static_cast<Index>(classes) - 1);
  for (const JsonFields& plane : file.objects("planes")) {
    e.planes.push_back({plane.numbers("x", -kMostEffect, kMostEffect),
                        plane.numbers("y", -kMostEffect, kMostEffect), plane.number("share", 0, 1.00001)});
    if (e.planes.back().x.size() != e.labels.size() || e.planes.back().y.size() != e.labels.size())
      refuse_effect(path, fmt::format("a plane that has not {} points", e.labels.size()));
  }
  if (!e.planes.empty()) want_count(path, "planes", e.planes.size(), blocks);
  if (file.has("filters")) {
    const JsonFields filters = file.object("filters");
    const Index height = side(filters, "height"), width = side(filters, "width");
    const Index channels = filters.whole("channels", 1, 3);
    for (const std::string& hex : filters.texts("before"))
      e.filters_before.push_back(picture_of(path, hex, height, width, channels));
    for (const std::string& hex : filters.texts("after"))
      e.filters_after.push_back(picture_of(path, hex, height, width, channels));
  }
  if (!file.has("maps")) return e;
  const JsonFields maps = file.object("maps");
  e.sample_class = maps.whole("class", 0, static_cast<Index>(classes) - 1);
  if (const std::string hex = maps.text("pixels"); !hex.empty())
    e.sample = picture_of(path, hex, side(maps, "height"), side(maps, "width"), maps.whole("channels", 1, 3));
  for (const JsonFields& block : maps.objects("blocks")) {
    Effect::Maps one{block.whole("block", 0, static_cast<Index>(blocks) - 1), {}};
    for (const std::string& hex : block.texts("maps"))
      one.maps.push_back(picture_of(path, hex, side(block, "height"), side(block, "width"), 1));
    e.maps.push_back(std::move(one));
  }
  return e;
}

}  // namespace firn::cli::report
