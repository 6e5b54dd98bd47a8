// The half of data/npy.h that makes datasets.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "data/array_names.h"
#include "data/files.h"
#include "data/label_names.h"
#include "data/npy.h"
#include "data/npy_samples.h"
#include "data/npz.h"
#include "data/targets.h"
#include "engine/base/atomic_file.h"
#include "engine/base/error.h"
#include "engine/base/printable.h"

namespace firn {

namespace {

constexpr std::string_view kNpy = ".npy";
constexpr std::string_view kNpz = ".npz";

[[noreturn]] void fail_set(const std::string& path, const std::string& what) {
  throw Error(Fault::data, "npy", fmt::format("{}: {}", path, printable(what)));
}

/// Where arrays come from: a folder of .npy files, or a .npz archive.
class Arrays {
 public:
  /// `without`: a file that is none of them.
  explicit Arrays(const std::string& path, const std::string& without = {}) : path_(path) {
    if (is_folder(path)) {
      for (const std::string& file : file_names(path)) {
        const std::string_view stem = without_gz(file);
        std::error_code ignored;
        if (!without.empty() && std::filesystem::equivalent(join(path, file), without, ignored)) continue;
        if (stem.ends_with(kNpy))
          files_[std::string(stem.substr(0, stem.size() - kNpy.size()))] = join(path, file);
      }
      for (const auto& [name, file] : files_) names_.push_back(name);
    } else {
      archive_ = read_file(path);
      entries_ = read_zip(archive_, path, kNpzRule);
      for (const ZipEntry& entry : entries_) names_.push_back(entry.name);
    }
  }

  const std::vector<std::string>& names() const { return names_; }
  /// What an array is called in messages.
  std::string path(const std::string& name) const {
    return entries_.empty() ? files_.at(name) : fmt::format("{}({})", path_, printable(name));
  }
  /// The file of an array, where that is larger than what may be kept in memory; else nothing.
  std::optional<std::string> large(const std::string& name, const DataOptions& options) const {
    if (!entries_.empty() || files_.at(name).ends_with(".gz")) return {};
    std::error_code code;
    const std::uint64_t size = std::filesystem::file_size(files_.at(name), code);
    return !code && options.too_large(size) ? std::optional(files_.at(name)) : std::nullopt;
  }
  std::vector<std::byte> load(const std::string& name) const {
    if (entries_.empty()) return read_maybe_gz(files_.at(name));
    const auto entry =
        std::find_if(entries_.begin(), entries_.end(), [&](const ZipEntry& e) { return e.name == name; });
    return unpack(*entry, path_, kNpzRule);
  }

 private:
  std::string path_;
  std::map<std::string, std::string> files_;
  std::vector<std::byte> archive_;
  std::vector<ZipEntry> entries_;
  std::vector<std::string> names_;
};

struct Found {
  std::vector<PartArrays> parts;
  std::vector<std::string> notes;
};

/// The group of a folder or an archive.
Found find_group(const Arrays& arrays, const std::string& path) {
  const std::vector<ArrayGroup> groups = group_arrays(arrays.names());
  if (groups.empty()) fail_set(path, "want arrays x and y, or x_train, y_train, x_test, y_test, or the like");
  if (groups.size() == 1) return {groups[0].parts, {}};
  // Of several the one that has labels.
  std::vector<const ArrayGroup*> labelled;
  std::string names;
  for (const ArrayGroup& group : groups) {
    const bool has =
        std::any_of(group.parts.begin(), group.parts.end(), [](const auto& p) { return !p.labels.empty(); });
    if (has) labelled.push_back(&group);
    names += (names.empty() ? "" : ", ") + group.parts[0].samples;
  }
  if (labelled.size() == 1) {
    return {labelled[0]->parts,
            {fmt::format("of the arrays {} those with labels are read: {}", names,
                         labelled[0]->parts[0].samples)}};
  }
  fail_set(path, fmt::format("holds several sets ({}): give one of its files", names));
}

/// The arrays that belong to one file.
Found find_file(const Arrays& arrays, const std::string& folder, const std::string& name) {
  for (const ArrayGroup& group : group_arrays(arrays.names())) {
    for (const PartArrays& part : group.parts) {
      if (part.samples != name) continue;
      Found found{{part}, {}};
      for (const PartArrays& other : group.parts) {
        if (&other == &part) continue;
        found.notes.push_back(
            fmt::format("{}.npy alone is read, {}.npy beside it is not: the folder {} stands for both", name,
                        other.samples, folder));
      }
      return found;
    }
  }
  fail_set(join(folder, name) + ".npy", names_labels(name)
                                            ? "holds labels: give the file of the samples"
                                            : "is not the only array of its name: give the folder");
}

struct Opened {
  std::unique_ptr<Arrays> arrays;
  Found found;
};

Opened find(const std::string& path, const DataOptions& options) {
  Opened opened;
  if (is_folder(path) || path.ends_with(kNpz)) {
    opened.arrays = std::make_unique<Arrays>(path, options.labels_file);
    opened.found = find_group(*opened.arrays, path);
    return opened;
  }
  const std::string name(without_gz(base_name(path)));
  if (!name.ends_with(kNpy)) fail_set(path, "want a .npy or .npz file, or a folder of .npy files");
  const std::string folder = path.substr(0, path.size() - base_name(path).size());
  opened.arrays = std::make_unique<Arrays>(folder.empty() ? "." : folder, options.labels_file);
  opened.found =
      find_file(*opened.arrays, folder.empty() ? "." : folder, name.substr(0, name.size() - kNpy.size()));
  return opened;
}

/// A part as it was read.
struct Part {
  SetPart part;
  std::string path;
  NpySamples samples;
  std::optional<TextLabels> labels;
  std::vector<double> targets;  ///< of regression and labels
  bool labelled() const { return labels || !targets.empty(); }
};

Part read_part(const Arrays& arrays, const PartArrays& names, const DataOptions& options) {
  Part part;
  part.part = names.part.value_or(SetPart::train);
  part.path = arrays.path(names.samples);
  std::optional<NpySamples> samples;
  if (const auto file = arrays.large(names.samples, options)) {
    samples = samples_in_file(*file, options);
    if (!samples && options.say)
      options.say(
          fmt::format("{} is read into memory: of bytes or float32 in C order, channels and steps where firn "
                      "has them, it could stay in its file",
                      part.path));
  }
  if (!samples) samples = read_samples(NpyArray(arrays.load(names.samples), part.path), options, part.path);
  part.samples = std::move(*samples);
  if (!names.lengths.empty()) {
    const std::string path = arrays.path(names.lengths);
    set_lengths(part.samples, NpyArray(arrays.load(names.lengths), path), path);
  }
  const bool own = !options.labels_file.empty();
  if (own || !names.labels.empty()) {
    const std::string path = own ? options.labels_file : arrays.path(names.labels);
    const auto bytes = own ? read_maybe_gz(path) : arrays.load(names.labels);
    const NpyArray array(bytes, path);
    // Lists of labels are texts, as classes are.
    const bool lists = target_kind_of(options) == TargetKind::labels && array.kind() == NpyArray::Kind::text;
    if (target_kind_of(options) == TargetKind::classes || lists) {
      part.labels = read_labels(array, part.samples.count, path);
    } else {
      part.targets = read_targets(array, part.samples.count, path);
    }
  } else if (!options.unlabelled) {
    fail_set(
        part.path,
        "no array of labels belongs to it (y.npy, labels.npy, NAME_y.npy, NAME_labels.npy): say which with "
        "--labels-file FILE.npy");
  }
  return part;
}

/// "y", or "y0", "y1", ...
std::vector<std::string> names_of_targets(const std::vector<Part>& parts) {
  std::size_t width = 0;
  for (const Part& part : parts) {
    if (part.targets.empty()) continue;
    const std::size_t own = part.targets.size() / static_cast<std::size_t>(part.samples.count);
    if (width != 0 && own != width) {
      fail_set(part.path, fmt::format("{} targets a sample, the training part has {}", own, width));
    }
    width = own;
  }
  if (width == 1) return {"y"};
  std::vector<std::string> names;
  for (std::size_t c = 0; c < width; ++c) names.push_back(fmt::format("y{}", c));
  return names;
}

/// What was taken for what.
std::string describe(const Part& part) {
  const NpySamples& samples = part.samples;
  const Shape& shape = samples.shape;
  if (samples.kind == DataKind::tokens)
    return fmt::format("x is read as {} rows of {} tokens", samples.count, shape[0]);
  if (samples.kind == DataKind::vector)
    return fmt::format("x is read as {} vectors of {} numbers", samples.count, shape[0]);
  if (samples.kind == DataKind::sequence) {
    return fmt::format("x is read as {} sequences of {}{} steps of {} numbers ({}: {})", samples.count,
                       samples.lengths.empty() ? "" : "up to ", shape[0], shape[1], samples.layout,
                       samples.why);
  }
  return fmt::format("x is read as {} pictures of {}x{} with {} {} ({}: {}), {}", samples.count, shape[0],
                     shape[1], shape[2], shape[2] == 1 ? "channel" : "channels", samples.layout, samples.why,
                     samples.white == 255 ? "bytes as 0 to 1" : "numbers as they are");
}

}  // namespace

DataParts open_npy(const std::string& path, const DataOptions& options) {
  const Opened opened = find(path, options);
  const std::vector<PartArrays>& names = opened.found.parts;
  if (!options.labels_file.empty() && names.size() > 1) {
    fail_set(path, fmt::format("--labels-file {} goes with one array, here are {}", options.labels_file,
                               names.size()));
  }
  std::vector<Part> parts;
  for (const PartArrays& one : names) {
    const bool twice = std::any_of(parts.begin(), parts.end(), [&](const Part& p) {
      return p.part == one.part.value_or(SetPart::train);
    });
    if (twice)
      fail_set(path,
               fmt::format("two arrays for the training part: {} and {}", names[0].samples, one.samples));
    parts.push_back(read_part(*opened.arrays, one, options));
  }
  DataInfo info;
  info.kind = parts[0].samples.kind;
  info.shape = parts[0].samples.shape;
  info.layout = parts[0].samples.layout;
  if (info.kind == DataKind::tokens) info.vocabulary = options.vocabulary;
  info.notes = {describe(parts[0])};
  info.notes.insert(info.notes.end(), opened.found.notes.begin(), opened.found.notes.end());
  for (const Part& part : parts) {
    const Shape& own = part.samples.shape;
    const bool longer =
        part.samples.kind == DataKind::sequence && info.kind == part.samples.kind && own[1] == info.shape[1];
    if (part.samples.kind != info.kind || (!longer && own != info.shape)) {
      fail_set(part.path,
               fmt::format("samples of {}, those for training have {}", own.text(), info.shape.text()));
    }
    if (longer) info.shape = info.shape.with(0, std::max(info.shape[0], own[0]));
  }
  std::vector<TextLabels*> labels;
  for (Part& part : parts) {
    if (part.labels) labels.push_back(&*part.labels);
  }
  const bool asked_numbers =
      std::any_of(parts.begin(), parts.end(), [](const Part& p) { return !p.targets.empty(); });
  if (asked_numbers) info.classes = names_of_targets(parts);
  if (!asked_numbers) info.classes = merge_classes(labels);
  std::vector<Index> counts(info.classes.size());
  for (const TextLabels* part : labels) {
    for (const std::int32_t label : part->labels) ++counts[static_cast<std::size_t>(label)];
  }
  if (info.classes.empty()) {
    info.classes = {"?"};
  } else if (target_kind_of(options) == TargetKind::classes) {
    info.notes.push_back(classes_text(info.classes, counts));
  }
  for (std::string& note : info.notes) note = printable(note);
  info.name = base_name(path);
  DataParts sets;
  for (Part& part : parts) {
    DataInfo own = info;
    own.labelled = part.labelled();
    std::vector<std::int32_t> numbers =
        part.labels ? std::move(part.labels->labels)
                    : std::vector<std::int32_t>(static_cast<std::size_t>(part.samples.count));
    // A lone array without labels is there to be answered for.
    const bool asked = parts.size() == 1 && !own.labelled;
    DatasetPtr set = make_npy_set(own, std::move(part.samples), std::move(numbers), base_name(part.path));
    if (!part.targets.empty()) {
      set = with_targets(std::move(set), target_kind_of(options), own.classes, std::move(part.targets));
    }
    part_of(sets, asked ? SetPart::test : part.part) = std::move(set);
  }
  return sets;
}

bool is_npy(const std::string& path) {
  if (!is_folder(path)) return without_gz(path).ends_with(kNpy) || path.ends_with(kNpz);
  const std::vector<std::string> files = file_names(path);
  if (std::none_of(files.begin(), files.end(),
                   [](const std::string& f) { return without_gz(f).ends_with(kNpy); })) {
    return false;
  }
  return !group_arrays(Arrays(path).names()).empty();
}

}  // namespace firn
