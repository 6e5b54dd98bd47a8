#include "data/picture_layout.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "data/files.h"
#include "data/picture_files.h"
#include "engine/base/error.h"

namespace firn {

namespace {

[[noreturn]] void refuse_layout(const std::string& what) {
  throw Error(Fault::data, std::string(kFolderOperation), what);
}

/// The folders of `path` that have a part's name and hold classes, or, with `flat`, pictures alone.
struct PartFolders {
  Names classes, flat;
  std::vector<std::string> empty;
  bool any_classes() const {
    return std::any_of(classes.values.begin(), classes.values.end(),
                       [](const std::string& name) { return !name.empty(); });
  }
};

PartFolders find_parts(const std::string& path, const std::vector<std::string>& names) {
  PartFolders parts;
  for (const std::string& name : names) {
    const auto part = part_named(name);
    if (!part) continue;
    const std::string folder = join(path, name);
    const bool classes = holds_classes(folder);
    if (!classes && !holds_picture(folder, false)) {
      parts.empty.push_back(name);
      continue;
    }
    std::string& place = (classes ? parts.classes : parts.flat)[*part];
    if (!place.empty())
      refuse_layout(
          fmt::format("{} holds both {} and {}: which is the {} part?", path, place, name, part_name(*part)));
    place = name;
  }
  return parts;
}

/// Says that a part's folder holds pictures without classes.
void note_flat(const PartFolders& parts, PictureLayout& layout) {
  for (const SetPart part : {SetPart::validation, SetPart::test}) {
    if (parts.flat[part].empty()) continue;
    layout.notes.push_back(
        fmt::format("{}/ holds pictures but no folders, one a class: without labels it is no {} part (firn "
                    "predict answers for it)",
                    parts.flat[part], part_name(part)));
  }
}

[[noreturn]] void refuse_flat(const std::string& folder) {
  refuse_layout(
      fmt::format("{} holds pictures but no folders, one a class, which say what is on them (firn predict "
                  "answers for pictures without)",
                  folder));
}

PictureLayout lay_out(const std::string& path, int depth) {
  const std::vector<std::string> names = plain_folders(path);
  const PartFolders parts = find_parts(path, names);
  std::vector<std::string> beside;  // folders with pictures whose names stand for no part
  for (const std::string& name : names) {
    if (!part_named(name) && holds_picture(join(path, name), true)) beside.push_back(name);
  }
  PictureLayout layout;
  const auto take_parts = [&] {
    for (const SetPart part : kParts) {
      if (!parts.classes[part].empty()) layout.folders[part] = join(path, parts.classes[part]);
    }
    note_flat(parts, layout);
    for (const std::string& name : parts.empty)
      layout.notes.push_back(fmt::format("{}/ holds no picture", name));
    layout.leave_out = parts.empty;
  };
  const bool train = !parts.classes[SetPart::train].empty();
  if (train || (parts.any_classes() && beside.empty() && parts.flat[SetPart::train].empty())) {
    take_parts();
    if (!beside.empty()) {
      layout.notes.push_back(fmt::format("passed over beside {}: {}",
                                         train ? parts.classes[SetPart::train] : "the parts",
                                         fmt::join(beside, ", ")));
    }
    return layout;
  }
  if (beside.empty()) {
    for (const std::string& flat : parts.flat.values) {
      if (!flat.empty()) refuse_flat(join(path, flat));
    }
    if (holds_picture(path, false)) refuse_flat(path);
    return layout;
  }
  // A folder around the set, as archives have it.
  constexpr int kDeepest = 4;
  const std::string inner = join(path, beside.front());
  if (beside.size() == 1 && !parts.any_classes() && parts.flat[SetPart::train].empty() && depth < kDeepest &&
      !holds_picture(inner, false)) {
    PictureLayout within = lay_out(inner, depth + 1);
    within.notes.insert(within.notes.begin(), fmt::format("read from {}", inner));
    return within;
  }
  take_parts();
  layout.folders[SetPart::train] = path;
  for (const SetPart part : {SetPart::validation, SetPart::test}) {
    for (const std::string& name : {parts.classes[part], parts.flat[part]}) {
      if (!name.empty()) layout.leave_out.push_back(name);
    }
  }
  if (!parts.flat[SetPart::train].empty()) {
    layout.notes.push_back(fmt::format("'{}' holds pictures itself, beside {}: it is read as a class",
                                       parts.flat[SetPart::train], fmt::join(beside, ", ")));
  }
  return layout;
}

}  // namespace

bool holds_classes(const std::string& folder) {
  const std::vector<std::string> names = plain_folders(folder);
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return holds_picture(join(folder, name), true); });
}

PictureLayout lay_out(const std::string& path) {
  return lay_out(path, 0);
}

void note_parts(const PictureLayout& layout, const std::string& path, std::vector<std::string>& notes) {
  std::string text;
  for (const SetPart part : kParts) {
    const std::string& folder = layout.folders[part];
    if (folder.empty()) continue;
    text += fmt::format("{}{} from {}", text.empty() ? "" : ", ", part_name(part),
                        folder == path ? "the folders beside" : base_name(folder) + "/");
  }
  if (text.find(',') != std::string::npos || (layout.folders[SetPart::train].empty() && !text.empty()))
    notes.push_back("parts: " + text);
}

}  // namespace firn
