#include "data/bitmaps.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "data/files.h"
#include "data/memory.h"
#include "data/subset.h"
#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"

namespace firn {

namespace {

constexpr std::string_view kEnding = "_1bit.bin";
constexpr Index kMostSize = 4096;

struct Size {
  Index height = 0, width = 0;
};

std::optional<Index> number(std::string_view text) {
  Index value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = code == std::errc() && end == text.data() + text.size();
  return whole && value > 0 && value <= kMostSize ? std::optional(value) : std::nullopt;
}

/// "28x28" before the ending of a file's name.
std::optional<Size> size_of(const std::string& name) {
  if (!name.ends_with(kEnding)) return std::nullopt;
  const std::string_view stem = std::string_view(name).substr(0, name.size() - kEnding.size());
  const std::size_t line = stem.rfind('_');
  const std::string_view text = line == std::string_view::npos ? stem : stem.substr(line + 1);
  const std::size_t times = text.find('x');
  if (times == std::string_view::npos) return std::nullopt;
  const auto height = number(text.substr(0, times));
  const auto width = number(text.substr(times + 1));
  return height && width ? std::optional(Size{*height, *width}) : std::nullopt;
}

/// The first such file; empty: there is none.
std::string find_file(const std::string& path) {
  if (is_file(path)) return size_of(base_name(path)) ? path : std::string();
  if (!is_folder(path)) return {};
  for (const std::string& name : file_names(path)) {
    if (size_of(name)) return join(path, name);
  }
  return {};
}

}  // namespace

std::vector<std::uint8_t> parse_bitmaps(std::span<const std::byte> bytes, const std::string& path,
                                        Index height, Index width) {
  const auto pixels = static_cast<std::size_t>(height * width);
  const std::size_t image = (pixels + 7) / 8;
  ByteReader reader(bytes, Fault::data, "bitmaps", path);
  const std::size_t character = image * static_cast<std::size_t>(kDrawers);
  if (bytes.empty() || bytes.size() % character != 0) {
    reader.fail_at(bytes.size(),
                   fmt::format("{} bytes are no whole number of characters of {} ({} drawings of {})",
                               bytes.size(), character, kDrawers, image));
  }
  std::vector<std::uint8_t> values;
  values.reserve(bytes.size() / image * pixels);
  while (!reader.at_end()) {
    const auto packed = reader.take(image);
    for (std::size_t p = 0; p < pixels; ++p) {
      const auto bit = std::to_integer<unsigned>(packed[p / 8]) >> (7 - p % 8) & 1;
      values.push_back(bit != 0 ? 255 : 0);
    }
  }
  return values;
}

bool is_bitmaps(const std::string& path) {
  return !find_file(path).empty();
}

DataParts open_bitmaps(const std::string& path, const DataOptions&) {
  const std::string file = find_file(path);
  if (file.empty())
    throw Error(Fault::data, "bitmaps", fmt::format("{}: no file NAME_HxW{} in it", path, kEnding));
  const Size size = *size_of(base_name(file));
  std::vector<std::uint8_t> pixels = parse_bitmaps(read_file(file), file, size.height, size.width);
  const Index images = static_cast<Index>(pixels.size()) / (size.height * size.width);
  DataInfo info;
  info.name = base_name(path);
  info.kind = DataKind::image;
  info.shape = Shape({size.height, size.width, 1});
  for (Index c = 0; c < images / kDrawers; ++c) info.classes.push_back(fmt::format("{}", c + 1));
  info.notes = {fmt::format("drawers 1 to {} train, {} to {} test", kDrawers - kTestDrawers,
                            kDrawers - kTestDrawers + 1, kDrawers)};
  std::vector<std::int32_t> labels;
  std::vector<Index> train, test;
  for (Index i = 0; i < images; ++i) {
    labels.push_back(static_cast<std::int32_t>(i / kDrawers));
    (i % kDrawers < kDrawers - kTestDrawers ? train : test).push_back(i);
  }
  const DatasetPtr all = make_byte_images(std::move(info), std::move(pixels), std::move(labels));
  return {.train = subset(all, std::move(train)), .test = subset(all, std::move(test))};
}

}  // namespace firn
