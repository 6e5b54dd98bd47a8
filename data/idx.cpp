#include "data/idx.h"

#include <fmt/core.h>

#include <algorithm>

#include "data/files.h"
#include "data/memory.h"
#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"

namespace firn {

namespace {

constexpr std::string_view kImages = "images";
constexpr std::string_view kOperation = "idx";

bool is_images_name(std::string_view name) {
  name = without_gz(name);
  return name.find(kImages) != std::string_view::npos &&
         (name.ends_with("idx3-ubyte") || name.ends_with("idx4-ubyte"));
}

/// The labels that belong to an images file.
std::string labels_path(const std::string& images) {
  std::string path(without_gz(images));
  path.replace(path.rfind(kImages), kImages.size(), "labels");
  path[path.size() - std::string_view("3-ubyte").size()] = '1';
  return is_file(path) ? path : path + ".gz";
}

enum class Part { train, test };

/// The images file of a part; empty when there is none.
std::string find_images(const std::string& folder, Part part) {
  std::string found;
  for (const std::string& name : file_names(folder)) {
    const bool test = name.find("t10k") != std::string::npos || name.find("test") != std::string::npos;
    const bool wanted = part == Part::test ? test : !test && name.find("train") != std::string::npos;
    if (!is_images_name(name) || !wanted) continue;
    if (without_gz(name) == found) continue;  // packed and unpacked lie side by side
    if (!found.empty()) {
      throw Error(Fault::data, kOperation,
                  fmt::format("{} holds both {} and {}: give the path of one", folder, found, name));
    }
    found = name;
  }
  return found.empty() ? found : join(folder, found);
}

struct Loaded {
  Shape shape;
  std::vector<std::uint8_t> pixels;
  std::vector<std::uint8_t> labels;
};

Loaded load(const std::string& images_path) {
  const std::string path = labels_path(images_path);
  IdxArray labels = parse_idx(read_maybe_gz(path, Fault::data, kMaxFile, idx_size), path);
  const auto check_count = [&](std::uint64_t images) {
    if (labels.sizes.size() == 1 && static_cast<std::uint64_t>(labels.sizes[0]) == images) return;
    throw Error(Fault::data, kOperation, path, 4,
                fmt::format("{} labels of {} dimensions for {} images", labels.sizes[0], labels.sizes.size(),
                            images));
  };
  // Whether the counts fit is known before the images are unpacked.
  const auto size = [&](std::span<const std::byte> beginning) {
    ByteReader reader(beginning, Fault::data, std::string(kOperation), images_path);
    reader.skip(4);
    check_count(reader.big<std::uint32_t>());
    return idx_size(beginning);
  };
  IdxArray images = parse_idx(read_maybe_gz(images_path, Fault::data, kMaxFile, size), images_path);
  if (images.sizes.size() != 3 && images.sizes.size() != 4) {
    throw Error(Fault::data, kOperation, images_path, 3,
                fmt::format("{} dimensions, images have 3 or 4", images.sizes.size()));
  }
  check_count(static_cast<std::uint64_t>(images.sizes[0]));
  if (images.sizes.size() == 3) images.sizes.push_back(1);
  if (images.values.empty()) throw Error(Fault::data, kOperation, images_path, 4, "no images");
  return {Shape(std::span(images.sizes).subspan(1)), std::move(images.values), std::move(labels.values)};
}

}  // namespace

std::optional<std::uint64_t> idx_size(std::span<const std::byte> beginning) {
  constexpr std::size_t kMagic = 4;
  if (beginning.size() < kMagic) return {};
  const auto rank = std::to_integer<std::size_t>(beginning[3]);
  const std::size_t header = kMagic * (1 + rank);
  if (beginning.size() < header) return {};
  ByteReader reader(beginning.first(header), Fault::data, std::string(kOperation), "");
  reader.skip(kMagic);
  std::optional<std::uint64_t> size = 1;
  for (std::size_t i = 0; i < rank && size; ++i) size = checked_multiply(*size, reader.big<std::uint32_t>());
  return size ? checked_add(*size, header) : size;
}

IdxArray parse_idx(std::span<const std::byte> bytes, const std::string& path) {
  ByteReader reader(bytes, Fault::data, std::string(kOperation), path);
  if (reader.big<std::uint16_t>() != 0) reader.fail_at(0, "does not begin as IDX does, with two zeros");
  if (const int type = reader.big<std::uint8_t>(); type != 0x08) {
    reader.fail_at(2, fmt::format("element type {:#04x}, only unsigned bytes (0x08) are read", type));
  }
  const int rank = reader.big<std::uint8_t>();
  if (rank < 1 || rank > 4) reader.fail_at(3, fmt::format("{} dimensions, 1 to 4 are read", rank));
  IdxArray array;
  std::uint64_t count = 1;
  for (int i = 0; i < rank; ++i) {
    const auto size = reader.big<std::uint32_t>();
    array.sizes.push_back(size);
    count = reader.multiply(count, size, "number of elements");
  }
  const auto values = reader.take(count);
  reader.expect_end();
  const auto* first = reinterpret_cast<const std::uint8_t*>(values.data());
  array.values.assign(first, first + values.size());
  return array;
}

DataParts open_idx(const std::string& path, const DataOptions&, std::vector<std::string> classes) {
  std::vector<std::string> files = {path};
  if (!is_file(path)) {
    files = {find_images(path, Part::train), find_images(path, Part::test)};
    if (files[0].empty())
      throw Error(Fault::data, kOperation, fmt::format("{} holds no ...train-images-idx3-ubyte", path));
    if (files[1].empty()) files.pop_back();
  } else if (!is_images_name(base_name(path))) {
    throw Error(Fault::data, kOperation, fmt::format("{}: want a file named ...images-idx3-ubyte", path));
  }

  std::vector<Loaded> parts;
  for (const std::string& file : files) parts.push_back(load(file));
  int least = 255;
  int most = 0;
  for (const Loaded& part : parts) {
    if (part.shape != parts[0].shape) {
      throw Error(
          Fault::data, kOperation, files[1], 4,
          fmt::format("images of {}, those for training have {}", part.shape.text(), parts[0].shape.text()));
    }
    const auto [low, high] = std::minmax_element(part.labels.begin(), part.labels.end());
    least = std::min<int>(least, *low);
    most = std::max<int>(most, *high);
  }

  DataInfo info;
  info.name = base_name(path);
  info.kind = DataKind::image;
  info.shape = parts[0].shape;
  info.classes = std::move(classes);
  for (int c = least + static_cast<int>(info.classes.size()); c <= most; ++c)
    info.classes.push_back(std::to_string(c));
  if (least > 0) info.notes.push_back(fmt::format("labels {}..{} are counted from 0", least, most));

  std::vector<DatasetPtr> sets;
  for (Loaded& part : parts) {
    std::vector<std::int32_t> labels;
    labels.reserve(part.labels.size());
    for (const std::uint8_t label : part.labels) labels.push_back(label - least);
    sets.push_back(make_byte_images(info, std::move(part.pixels), std::move(labels)));
  }
  return {.train = sets[0], .test = sets.size() == 2 ? sets[1] : nullptr};
}

DataParts open_idx(const std::string& path, const DataOptions& options) {
  return open_idx(path, options, {});
}

bool is_idx(const std::string& path) {
  if (!is_folder(path)) return is_images_name(base_name(path));
  const std::vector<std::string> names = file_names(path);
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return is_images_name(name); });
}

}  // namespace firn
