#include "data/image_folder.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "data/file_set.h"
#include "data/files.h"
#include "data/image.h"
#include "data/memory.h"
#include "data/part_names.h"
#include "data/picture_files.h"
#include "data/picture_layout.h"
#include "data/picture_store.h"
#include "data/targets.h"
#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/base/printable.h"
#include "engine/base/seconds.h"
#include "engine/base/utf8.h"

namespace firn {

namespace {

constexpr Index kDefaultSize = 64;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(Fault::data, std::string(kFolderOperation), what);
}

/// The pictures of a part, in the order of its classes.
struct Files {
  std::vector<std::string> paths;
  std::vector<std::int32_t> labels;
  std::vector<std::string> notes;
};

/// What was found in a class's folder, added up over a part.
struct Sum {
  Index nested = 0, others = 0;
  std::map<std::string, Index> foreign;
  std::map<std::string, Index> system;
  std::vector<std::string> empty;

  void add(const PictureFiles& files) {
    nested += files.nested;
    others += files.others;
    for (const auto& [kind, count] : files.foreign) foreign[kind] += count;
    for (const std::string& name : files.system) ++system[name.starts_with("._") ? "._*" : name];
  }
  void note(const std::string& folder, std::vector<std::string>& notes) const {
    if (!empty.empty()) notes.push_back(fmt::format("{}: no picture in {}", folder, fmt::join(empty, ", ")));
    if (nested > 0)
      notes.push_back(
          fmt::format("{}: {} pictures lie in folders within a class and belong to it", folder, nested));
    if (!foreign.empty())
      notes.push_back(
          fmt::format("{}: left out {}, neither PNG nor JPEG: convert them", folder, foreign_text(foreign)));
    if (others > 0) notes.push_back(fmt::format("{}: {} files are neither PNG nor JPEG", folder, others));
    if (!system.empty()) {
      std::string names;
      for (const auto& [name, count] : system) {
        names += (names.empty() ? "" : ", ") + name + (count > 1 ? fmt::format(" ({} times)", count) : "");
      }
      notes.push_back(fmt::format("{}: passed over {}", folder, names));
    }
  }
};

PictureFiles class_files(const std::string& folder) {
  PictureFiles files = find_pictures(folder, true);
  for (const std::string& name : files.folders) {
    if (part_named(name)) {
      refuse(fmt::format(
          "{} holds a folder {}: parts stand above the classes (train/CLASS), and one set is named", folder,
          name));
    }
  }
  if (files.paths.empty() && !files.foreign.empty()) {
    refuse(
        fmt::format("{} holds {} and no PNG or JPEG: convert them (as with ImageMagick: magick FILE x.png)",
                    folder, foreign_text(files.foreign)));
  }
  return files;
}

/// Pictures that lie where only the folders of classes should.
void add_loose(const std::string& folder, Sum& sum, std::vector<std::string>& notes) {
  PictureFiles files = find_pictures(folder, false);
  if (!files.paths.empty()) {
    notes.push_back(fmt::format("{}: {} pictures lie beside the folders and have no class: left out", folder,
                                files.paths.size()));
  }
  files.others = 0;  // lists and licences are no pictures gone astray
  sum.add(files);
}

/// Names of classes go into weights and reports, which are UTF-8.
void check_name(const std::string& folder, const std::string& name) {
  if (is_utf8(name)) return;
  refuse(fmt::format(
      "{}: the folder's name is not UTF-8; rename it, as by: convmv -f LATIN1 -t UTF-8 -r --notest {}",
      printable(join(folder, name)), printable(folder)));
}

/// Fills `classes` where it is empty: those that hold pictures.
Files list_files(const std::string& folder, const std::vector<std::string>& leave_out,
                 std::vector<std::string>& classes) {
  const bool first = classes.empty();
  Files files;
  Sum sum;
  add_loose(folder, sum, files.notes);
  for (const std::string& name : plain_folders(folder)) {
    if (std::find(leave_out.begin(), leave_out.end(), name) != leave_out.end()) continue;
    const PictureFiles found = class_files(join(folder, name));
    sum.add(found);
    if (found.paths.empty()) {
      sum.empty.push_back(name);
      continue;
    }
    check_name(folder, name);
    if (first) classes.push_back(name);
    const auto at = std::find(classes.begin(), classes.end(), name);
    if (at == classes.end()) {
      refuse(fmt::format("{}: class '{}' is none of those for training{}", folder, name,
                         did_you_mean(name, classes)));
    }
    files.paths.insert(files.paths.end(), found.paths.begin(), found.paths.end());
    files.labels.resize(files.paths.size(), static_cast<std::int32_t>(at - classes.begin()));
  }
  if (!first) sum.empty.clear();  // which classes a part lacks is said when it is read
  sum.note(folder, files.notes);
  return files;
}

/// So many pictures as if all of them could be read.
Pictures unread(std::size_t count) {
  Pictures pictures;
  pictures.good.resize(count);
  std::iota(pictures.good.begin(), pictures.good.end(), std::size_t{0});
  return pictures;
}

/// What reading all of them would take, by a few.
double reading_seconds(const std::vector<std::string>& paths, Index size, Index shorter) {
  constexpr std::size_t kFew = 16;
  std::vector<std::string> few;
  const std::size_t count = std::min(paths.size(), kFew);
  for (std::size_t i = 0; i < count; ++i) few.push_back(paths[i * paths.size() / count]);
  const double begin = seconds_now();
  read_pictures(few, size, shorter);
  return seconds_since(begin) * static_cast<double>(paths.size()) / static_cast<double>(few.size());
}

/// The pictures of a part that can be read, with their labels: in memory, or in a file.
struct Read {
  std::vector<std::uint8_t> pixels;
  FileReaderPtr file;
  std::vector<std::size_t> good;
  std::vector<std::int32_t> labels;
};

/// What is wrong with those that cannot be read goes to `bad`.
Read read_pixels(const Files& files, Index size, const DataOptions& options, DataInfo& info,
                 std::vector<std::string>& bad) {
  const bool stored = options.too_large(stored_bytes(files.paths.size(), size));
  if (options.outline) {
    info.unread_seconds += reading_seconds(files.paths, size, options.shorter);
    return {{}, nullptr, unread(files.paths.size()).good, {}};
  }
  if (stored) {
    const auto say = [&](const std::string& what) {
      if (options.say) options.say(what);
    };
    StoredPictures pictures = store_pictures(files.paths, {size, options.shorter}, options.store, say);
    bad = std::move(pictures.bad);
    return {{}, std::move(pictures.file), std::move(pictures.good), {}};
  }
  Pictures pictures = read_pictures(files.paths, size, options.shorter);
  bad = std::move(pictures.bad);
  return {std::move(pictures.pixels), nullptr, std::move(pictures.good), {}};
}

Read read_part(SetPart part, const std::string& folder, const Files& files, const DataOptions& options,
               DataInfo& info) {
  std::vector<std::string> bad;
  Read read = read_pixels(files, info.shape[0], options, info, bad);
  if (!bad.empty()) {
    const std::string what = bad_text(bad, files.paths.size());
    if (!options.skip_bad) refuse(what + " (--skip-bad goes on without)");
    info.notes.push_back(what);
  }
  if (read.good.empty()) refuse(fmt::format("{} holds no picture that can be read", folder));
  std::vector<Index> counts(info.classes.size());
  for (const std::size_t i : read.good) {
    read.labels.push_back(files.labels[i]);
    ++counts[static_cast<std::size_t>(read.labels.back())];
  }
  std::vector<std::string> lacking;
  for (std::size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] == 0) lacking.push_back(info.classes[c]);
  }
  if (!lacking.empty()) {
    const std::string names = fmt::format("{}", fmt::join(lacking, ", "));
    if (part == SetPart::train) refuse(fmt::format("{}: no picture of {} can be read", folder, names));
    info.notes.push_back(fmt::format("{}: no picture of {}", folder, names));
  }
  return read;
}

/// The pictures of a file that can be read.
FileRows rows_of(const Read& read) {
  FileRows rows{read.file};
  // Where all can be read each is in its place.
  if (read.good.back() + 1 != read.good.size()) rows.rows.assign(read.good.begin(), read.good.end());
  return rows;
}

/// What the pictures that were read are called within their classes' folders.
std::vector<std::string> names_of(const Files& files, const Read& read, const std::string& folder) {
  std::vector<std::string> names;
  for (const std::size_t i : read.good) {
    const std::string& path = files.paths[i];
    const std::size_t name = path.find('/', folder.size() + 1);
    names.push_back(name == std::string::npos ? base_name(path) : path.substr(name + 1));
  }
  return names;
}

}  // namespace

DataParts open_image_folder(const std::string& path, const DataOptions& options) {
  const Index size = options.size > 0 ? options.size : kDefaultSize;
  check_pictures(size, 0, 3);
  const PictureLayout layout = lay_out(path);
  DataInfo info;
  info.name = base_name(path);
  info.kind = DataKind::image;
  info.shape = Shape({size, size, 3});
  info.notes = layout.notes;
  ByPart<Files> files;
  for (const SetPart part : kParts) {
    const std::string& folder = layout.folders[part];
    if (folder.empty()) continue;
    files[part] = list_files(folder, part == SetPart::train ? layout.leave_out : std::vector<std::string>(),
                             info.classes);
    info.notes.insert(info.notes.end(), files[part].notes.begin(), files[part].notes.end());
  }
  if (!layout.folders[SetPart::train].empty() && layout.folders[SetPart::train] != path) {
    Sum sum;
    add_loose(path, sum, info.notes);
    sum.note(path, info.notes);
  }
  if (info.classes.empty()) refuse(fmt::format("{} holds no PNG or JPEG in folders, one a class", path));
  ByPart<Read> read;
  for (const SetPart part : kParts) {
    if (!files[part].paths.empty())
      read[part] = read_part(part, layout.folders[part], files[part], options, info);
  }
  note_parts(layout, path, info.notes);
  if (info.classes.size() == 1)
    info.notes.push_back(
        fmt::format("one class alone, '{}': there is nothing to tell apart", info.classes[0]));
  // What was left out is known to all parts.
  ByPart<DatasetPtr> sets;
  for (const SetPart part : kParts) {
    if (read[part].labels.empty()) continue;
    Read& own = read[part];
    sets[part] = options.outline       ? make_blank_images(info, std::move(own.labels))
                 : own.file != nullptr ? make_file_images(info, rows_of(own), std::move(own.labels))
                                       : make_byte_images(info, std::move(own.pixels), std::move(own.labels));
  }
  return {.train = sets[SetPart::train],
          .validation = sets[SetPart::validation],
          .test = sets[SetPart::test],
          .names = names_of(files[SetPart::train], read[SetPart::train], layout.folders[SetPart::train])};
}

bool is_image_folder(const std::string& path) {
  return is_folder(path) && (holds_picture(path, false) || holds_classes(path));
}

DatasetPtr resized(const Dataset& data, Index size, Index shorter) {
  DataInfo info = data.info();
  if (info.kind != DataKind::image) throw Error(Fault::usage, "resize", info.name + " holds no images");
  const Index channels = info.shape[2];
  check_pictures(size, data.size(), channels);
  std::vector<real> numbers(static_cast<std::size_t>(info.shape.count()));
  ByteImage image{info.shape[0], info.shape[1], channels, std::vector<std::uint8_t>(numbers.size())};
  std::vector<std::uint8_t> pixels;
  pixels.reserve(static_cast<std::size_t>(data.size() * size * size * channels));
  std::vector<std::int32_t> labels;
  const bool classes = info.targets == TargetKind::classes;
  std::vector<double> targets, row(info.classes.size());
  for (Index i = 0; i < data.size(); ++i) {
    data.fill_numbers(i, numbers);
    for (std::size_t k = 0; k < numbers.size(); ++k) {
      if (!(numbers[k] >= 0 && numbers[k] <= 1)) {
        throw Error(Fault::usage, "resize", fmt::format("{} holds {}, want 0 to 1", info.name, numbers[k]));
      }
      image.pixels[k] = static_cast<std::uint8_t>(numbers[k] * 255 + real{0.5});
    }
    const ByteImage fitted = resize_crop(image, size, shorter);
    pixels.insert(pixels.end(), fitted.pixels.begin(), fitted.pixels.end());
    labels.push_back(classes ? data.label(i) : 0);
    if (classes) continue;
    data.fill_targets(i, row);
    targets.insert(targets.end(), row.begin(), row.end());
  }
  info.shape = Shape({size, size, channels});
  const DataInfo own = info;
  DatasetPtr images = make_byte_images(std::move(info), std::move(pixels), std::move(labels));
  return classes ? images : with_targets(std::move(images), own.targets, own.classes, std::move(targets));
}

}  // namespace firn
