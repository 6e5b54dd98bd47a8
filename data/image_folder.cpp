#include "data/image_folder.h"

#include <fmt/core.h>

#include <algorithm>
#include <exception>

#include "data/files.h"
#include "data/image.h"
#include "data/memory.h"
#include "data/subset.h"
#include "engine/base/atomic_file.h"
#include "engine/base/parallel.h"

namespace firn {

namespace {

constexpr std::string_view kOperation = "folder";
constexpr Index kDefaultSize = 64;
constexpr Index kMaxSize = 1024;
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 28;
constexpr Index kMaxBytes = Index{1} << 33;  ///< of all pictures of a part together
constexpr std::size_t kNamed = 5;            ///< bad pictures that a message names

bool is_picture(const std::string& name) {
  const std::string small = lower_case(name);
  return small.ends_with(".png") || small.ends_with(".jpg") || small.ends_with(".jpeg");
}

bool holds_pictures(const std::string& folder) {
  const std::vector<std::string> names = file_names(folder);
  return std::any_of(names.begin(), names.end(), is_picture);
}

/// The folder of the test part; empty when there is none.
std::string test_folder(const std::string& path) {
  for (const char* name : {"val", "valid", "validation", "test"}) {
    if (const std::string folder = join(path, name); is_folder(folder)) return folder;
  }
  return {};
}

void check_size(Index size, Index count, Index channels) {
  if (size < 1 || size > kMaxSize) {
    throw Error(Fault::usage, kOperation, fmt::format("pictures of size {}, want 1 to {}", size, kMaxSize));
  }
  if (count > kMaxBytes / (size * size * channels)) {
    throw Error(Fault::usage, kOperation,
                fmt::format("{} pictures of {} x {} are more than {} bytes: ask for a smaller size", count,
                            size, size, kMaxBytes));
  }
}

struct Files {
  std::vector<std::string> paths;
  std::vector<std::int32_t> labels;
  Index others = 0;
};

Files list_files(const std::string& folder, const std::vector<std::string>& classes) {
  Files files;
  for (const std::string& name : folder_names(folder)) {
    const auto at = std::find(classes.begin(), classes.end(), name);
    if (at == classes.end()) {
      throw Error(Fault::data, kOperation,
                  fmt::format("{}: class '{}' is none of those for training", folder, name));
    }
    const std::size_t before = files.paths.size();
    for (const std::string& file : file_names(join(folder, name))) {
      if (!is_picture(file)) {
        ++files.others;
        continue;
      }
      files.paths.push_back(join(join(folder, name), file));
      files.labels.push_back(static_cast<std::int32_t>(at - classes.begin()));
    }
    if (files.paths.size() == before) {
      throw Error(Fault::data, kOperation, fmt::format("{} holds no PNG or JPEG", join(folder, name)));
    }
  }
  return files;
}

struct Pictures {
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
  std::vector<std::string> bad;  ///< what was wrong with each that is left out
};

Pictures read_pictures(const Files& files, Index size) {
  const auto each = static_cast<std::size_t>(size * size * 3);
  Pictures result;
  result.pixels.resize(files.paths.size() * each);
  std::vector<std::string> wrong(files.paths.size());
  parallel_for(static_cast<Index>(files.paths.size()), [&](Index n) {
    const auto i = static_cast<std::size_t>(n);
    try {
      const ByteImage image = resize_crop(
          decode_image(read_file(files.paths[i], Fault::data, kMaxFileBytes), files.paths[i]), size);
      std::copy(image.pixels.begin(), image.pixels.end(), result.pixels.data() + i * each);
    } catch (const std::exception& error) {
      wrong[i] = error.what();
    }
  });
  std::size_t good = 0;
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    if (!wrong[i].empty()) {
      result.bad.push_back(std::move(wrong[i]));
      continue;
    }
    if (good != i) std::copy_n(result.pixels.data() + i * each, each, result.pixels.data() + good * each);
    result.labels.push_back(files.labels[i]);
    ++good;
  }
  result.pixels.resize(good * each);
  return result;
}

/// "2 of 400 pictures cannot be read: ...; ..."
std::string describe(const std::vector<std::string>& bad, std::size_t all) {
  std::string text = fmt::format("{} of {} pictures cannot be read: ", bad.size(), all);
  for (std::size_t i = 0; i < std::min(bad.size(), kNamed); ++i) text += (i == 0 ? "" : "; ") + bad[i];
  return bad.size() > kNamed ? text + "; ..." : text;
}

}  // namespace

DataParts open_image_folder(const std::string& path, const DataOptions& options) {
  const Index size = options.size > 0 ? options.size : kDefaultSize;
  const std::string inner = join(path, "train");
  const std::string train = is_folder(inner) ? inner : path;
  const std::string test = train == inner ? test_folder(path) : std::string();

  DataInfo info;
  info.name = base_name(path);
  info.kind = DataKind::image;
  info.shape = Shape({size, size, 3});
  info.classes = folder_names(train);
  if (info.classes.empty())
    throw Error(Fault::data, kOperation, fmt::format("{} holds no folders, one a class", train));
  if (test.empty()) info.notes.emplace_back(kEveryFifth);

  std::vector<std::string> folders = {train};
  if (!test.empty()) folders.push_back(test);
  std::vector<Pictures> parts;
  for (const std::string& folder : folders) {
    const Files files = list_files(folder, info.classes);
    check_size(size, static_cast<Index>(files.paths.size()), 3);
    Pictures pictures = read_pictures(files, size);
    if (!pictures.bad.empty()) {
      const std::string what = describe(pictures.bad, files.paths.size());
      if (!options.skip_bad) throw Error(Fault::data, kOperation, what + " (--skip-bad goes on without)");
      info.notes.push_back(what);
    }
    if (pictures.labels.empty())
      throw Error(Fault::data, kOperation, fmt::format("{} holds no picture that can be read", folder));
    if (files.others > 0)
      info.notes.push_back(fmt::format("{}: {} files are neither PNG nor JPEG", folder, files.others));
    parts.push_back(std::move(pictures));
  }
  std::vector<DatasetPtr> sets;
  for (Pictures& part : parts)
    sets.push_back(make_byte_images(info, std::move(part.pixels), std::move(part.labels)));
  return sets.size() == 2 ? DataParts{sets[0], sets[1]} : split_every_fifth(sets[0]);
}

bool is_image_folder(const std::string& path) {
  if (!is_folder(path)) return false;
  const std::string inner = join(path, "train");
  const std::string& base = is_folder(inner) ? inner : path;
  for (const std::string& name : folder_names(base)) {
    if (holds_pictures(join(base, name))) return true;
  }
  return false;
}

DatasetPtr resized(const Dataset& data, Index size) {
  DataInfo info = data.info();
  if (info.kind != DataKind::image) throw Error(Fault::usage, "resize", info.name + " holds no images");
  const Index channels = info.shape[2];
  check_size(size, data.size(), channels);
  std::vector<real> numbers(static_cast<std::size_t>(info.shape.count()));
  ByteImage image{info.shape[0], info.shape[1], channels, std::vector<std::uint8_t>(numbers.size())};
  std::vector<std::uint8_t> pixels;
  pixels.reserve(static_cast<std::size_t>(data.size() * size * size * channels));
  std::vector<std::int32_t> labels;
  for (Index i = 0; i < data.size(); ++i) {
    data.fill_numbers(i, numbers);
    for (std::size_t k = 0; k < numbers.size(); ++k) {
      if (!(numbers[k] >= 0 && numbers[k] <= 1)) {
        throw Error(Fault::usage, "resize", fmt::format("{} holds {}, want 0 to 1", info.name, numbers[k]));
      }
      image.pixels[k] = static_cast<std::uint8_t>(numbers[k] * 255 + real{0.5});
    }
    const ByteImage fitted = resize_crop(image, size);
    pixels.insert(pixels.end(), fitted.pixels.begin(), fitted.pixels.end());
    labels.push_back(data.label(i));
  }
  info.shape = Shape({size, size, channels});
  return make_byte_images(std::move(info), std::move(pixels), std::move(labels));
}

}  // namespace firn
