#include "data/idx.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "data/file_set.h"
#include "data/files.h"
#include "data/memory.h"
#include "data/part_names.h"
#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"

namespace firn {

namespace {

constexpr std::string_view kImages = "images";
constexpr std::string_view kIdx = "idx";

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

/// The part that an images file is: by a word of its name, or by "train", "test" or "t10k" anywhere in it.
std::optional<SetPart> part_of(std::string_view name) {
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t end = std::min(name.find_first_of("-_.", at), name.size());
    if (const auto part = part_named(name.substr(at, end - at))) return part;
    at = end + 1;
  }
  const auto holds = [name](std::string_view text) { return name.find(text) != std::string_view::npos; };
  if (holds("t10k") || holds("test")) return SetPart::test;
  return holds("train") ? std::optional(SetPart::train) : std::nullopt;
}

/// The images file of a part; empty when there is none.
std::string find_images(const std::string& folder, SetPart part) {
  std::string found;
  for (const std::string& name : file_names(folder)) {
    if (!is_images_name(name) || part_of(name) != part) continue;
    if (without_gz(name) == found) continue;  // packed and unpacked lie side by side
    if (!found.empty()) {
      throw Error(Fault::data, kIdx,
                  fmt::format("{} holds both {} and {}: give the path of one", folder, found, name));
    }
    found = name;
  }
  return found.empty() ? found : join(folder, found);
}

/// Images in memory, or where they lie.
struct Loaded {
  Shape shape;
  std::vector<std::uint8_t> pixels;
  FileRows rows;
  std::vector<std::uint8_t> labels;
};

/// Images that stay in their file, which is not packed.
IdxArray leave_in_file(const std::string& path, FileRows& rows) {
  rows.file = std::make_shared<FileReader>(path);
  constexpr std::uint64_t kMostHeader = 4 * (1 + 4);
  std::vector<std::byte> beginning(std::min(kMostHeader, rows.file->size()));
  rows.file->read(0, beginning);
  ByteReader reader(beginning, Fault::data, std::string(kIdx), path);
  IdxArray array{parse_idx_header(reader), {}};
  rows.offset = 4 * (1 + array.sizes.size());
  if (const auto size = idx_size(beginning); size != rows.file->size())
    reader.fail_at(4,
                   fmt::format("a file of {} bytes, by its header {}", rows.file->size(), size.value_or(0)));
  return array;
}

Loaded load(const std::string& images_path, const DataOptions& options) {
  const std::string path = labels_path(images_path);
  IdxArray labels = parse_idx(read_maybe_gz(path, Fault::data, kMaxFile, idx_size), path);
  const auto check_count = [&](std::uint64_t images) {
    if (labels.sizes.size() == 1 && static_cast<std::uint64_t>(labels.sizes[0]) == images) return;
    throw Error(Fault::data, kIdx, path, 4,
                fmt::format("{} labels of {} dimensions for {} images", labels.sizes[0], labels.sizes.size(),
                            images));
  };
  // Whether the counts fit is known before the images are unpacked.
  const auto size = [&](std::span<const std::byte> beginning) {
    ByteReader reader(beginning, Fault::data, std::string(kIdx), images_path);
    reader.skip(4);
    check_count(reader.big<std::uint32_t>());
    return idx_size(beginning);
  };
  std::error_code code;
  const bool packed = images_path.ends_with(".gz");
  FileRows rows;
  const bool in_file = !packed && options.too_large(std::filesystem::file_size(images_path, code)) && !code;
  IdxArray images = in_file ? leave_in_file(images_path, rows)
                            : parse_idx(read_maybe_gz(images_path, Fault::data, kMaxFile, size), images_path);
  if (images.sizes.size() != 3 && images.sizes.size() != 4) {
    throw Error(Fault::data, kIdx, images_path, 3,
                fmt::format("{} dimensions, images have 3 or 4", images.sizes.size()));
  }
  check_count(static_cast<std::uint64_t>(images.sizes[0]));
  if (images.sizes.size() == 3) images.sizes.push_back(1);
  if (std::count(images.sizes.begin(), images.sizes.end(), 0) > 0)
    throw Error(Fault::data, kIdx, images_path, 4, "no images");
  return {Shape(std::span(images.sizes).subspan(1)), std::move(images.values), std::move(rows),
          std::move(labels.values)};
}

}  // namespace

std::optional<std::uint64_t> idx_size(std::span<const std::byte> beginning) {
  constexpr std::size_t kMagic = 4;
  if (beginning.size() < kMagic) return {};
  const auto rank = std::to_integer<std::size_t>(beginning[3]);
  const std::size_t header = kMagic * (1 + rank);
  if (beginning.size() < header) return {};
  ByteReader reader(beginning.first(header), Fault::data, std::string(kIdx), "");
  reader.skip(kMagic);
  std::optional<std::uint64_t> size = 1;
  for (std::size_t i = 0; i < rank && size; ++i) size = checked_multiply(*size, reader.big<std::uint32_t>());
  return size ? checked_add(*size, header) : size;
}

std::vector<Index> parse_idx_header(ByteReader& reader) {
  if (reader.big<std::uint16_t>() != 0) reader.fail_at(0, "does not begin as IDX does, with two zeros");
  if (const int type = reader.big<std::uint8_t>(); type != 0x08) {
    reader.fail_at(2, fmt::format("element type {:#04x}, only unsigned bytes (0x08) are read", type));
  }
  const int rank = reader.big<std::uint8_t>();
  if (rank < 1 || rank > 4) reader.fail_at(3, fmt::format("{} dimensions, 1 to 4 are read", rank));
  std::vector<Index> sizes;
  for (int i = 0; i < rank; ++i) sizes.push_back(reader.big<std::uint32_t>());
  return sizes;
}

IdxArray parse_idx(std::span<const std::byte> bytes, const std::string& path) {
  ByteReader reader(bytes, Fault::data, std::string(kIdx), path);
  IdxArray array{parse_idx_header(reader), {}};
  std::uint64_t count = 1;
  for (const Index size : array.sizes)
    count = reader.multiply(count, static_cast<std::uint64_t>(size), "number of elements");
  const auto values = reader.take(count);
  reader.expect_end();
  const auto* first = reinterpret_cast<const std::uint8_t*>(values.data());
  array.values.assign(first, first + values.size());
  return array;
}

DataParts open_idx(const std::string& path, const DataOptions& options, std::vector<std::string> classes) {
  struct PartFile {
    SetPart part;
    std::string file;
    Loaded loaded = {};
  };
  std::vector<PartFile> parts;
  if (!is_file(path)) {
    for (const SetPart part : {SetPart::train, SetPart::validation, SetPart::test}) {
      if (std::string file = find_images(path, part); !file.empty()) parts.push_back({part, std::move(file)});
    }
    if (parts.empty()) {
      throw Error(Fault::data, kIdx,
                  fmt::format("{} holds no ...train-images-idx3-ubyte, nor one of t10k or test", path));
    }
  } else if (!is_images_name(base_name(path))) {
    throw Error(Fault::data, kIdx, fmt::format("{}: want a file named ...images-idx3-ubyte", path));
  } else {
    parts.push_back({part_of(base_name(path)).value_or(SetPart::train), path});
  }
  for (PartFile& part : parts) part.loaded = load(part.file, options);
  int least = 255;
  int most = 0;
  for (const PartFile& part : parts) {
    const Loaded& loaded = part.loaded;
    const Shape& first = parts[0].loaded.shape;
    if (loaded.shape != first) {
      throw Error(
          Fault::data, kIdx, part.file, 4,
          fmt::format("images of {}, those of {} have {}", loaded.shape.text(), parts[0].file, first.text()));
    }
    const auto [low, high] = std::minmax_element(loaded.labels.begin(), loaded.labels.end());
    least = std::min<int>(least, *low);
    most = std::max<int>(most, *high);
  }

  DataInfo info;
  info.name = base_name(path);
  info.kind = DataKind::image;
  info.shape = parts[0].loaded.shape;
  info.classes = std::move(classes);
  for (int c = least + static_cast<int>(info.classes.size()); c <= most; ++c)
    info.classes.push_back(std::to_string(c));
  if (least > 0) info.notes.push_back(fmt::format("labels {}..{} are counted from 0", least, most));

  DataParts sets;
  for (PartFile& part : parts) {
    std::vector<std::int32_t> labels;
    labels.reserve(part.loaded.labels.size());
    for (const std::uint8_t label : part.loaded.labels) labels.push_back(label - least);
    DatasetPtr& set = part.part == SetPart::train        ? sets.train
                      : part.part == SetPart::validation ? sets.validation
                                                         : sets.test;
    set = part.loaded.rows.file != nullptr
              ? make_file_images(info, std::move(part.loaded.rows), std::move(labels))
              : make_byte_images(info, std::move(part.loaded.pixels), std::move(labels));
  }
  return sets;
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
