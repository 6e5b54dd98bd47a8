#include "data/array_names.h"

#include <algorithm>
#include <array>
#include <map>

namespace firn {

namespace {

enum class Role { unknown, samples, labels, lengths };

struct Name {
  Role role = Role::unknown;
  std::optional<SetPart> part;
  std::string rest;
};

Role role_named(const std::string& word) {
  constexpr std::array<std::string_view, 15> kSamples = {
      "x",        "data",    "image",   "images", "imgs",      "img",    "inputs", "input",
      "features", "samples", "signals", "series", "sequences", "pixels", "xs"};
  constexpr std::array<std::string_view, 8> kLabels = {"y",       "label", "labels",  "target",
                                                       "targets", "class", "classes", "ys"};
  constexpr std::array<std::string_view, 5> kLengths = {"length", "lengths", "len", "lens", "steps"};
  const auto among = [&](const auto& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  if (among(kSamples)) return Role::samples;
  if (among(kLabels)) return Role::labels;
  return among(kLengths) ? Role::lengths : Role::unknown;
}

std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  bool small_before = false;
  bool open = false;
  const auto is_small = [](char c) { return c >= 'a' && c <= 'z'; };
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool small = is_small(c);
    const bool small_next = i + 1 < name.size() && is_small(name[i + 1]);
    const bool capital = c >= 'A' && c <= 'Z';
    if (c == '_' || c == '-' || c == '.' || c == ' ') {
      open = false;
    } else {
      if (!open || (capital && (small_before || small_next))) words.emplace_back();
      open = true;
      words.back() += capital ? static_cast<char>(c - 'A' + 'a') : c;
    }
    small_before = small;
  }
  return words;
}

/// The last word that says a role counts: "image_labels" are labels, "target_images" pictures.
Name read_name(std::string_view name) {
  Name read;
  const std::vector<std::string> words = words_of(name);
  std::size_t says = words.size();
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (role_named(words[i]) != Role::unknown) says = i;
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto part = part_named(words[i]);
    if (part && !read.part) {
      read.part = part;
    } else if (i == says) {
      read.role = role_named(words[i]);
    } else if (role_named(words[i]) == Role::unknown) {
      read.rest += (read.rest.empty() ? "" : "_") + words[i];
    }
  }
  return read;
}

PartArrays& part_of(ArrayGroup& group, std::optional<SetPart> part) {
  for (PartArrays& arrays : group.parts) {
    if (arrays.part == part) return arrays;
  }
  group.parts.push_back({part, {}, {}, {}});
  return group.parts.back();
}

}  // namespace

std::vector<ArrayGroup> group_arrays(const std::vector<std::string>& names) {
  std::map<std::string, ArrayGroup> groups;
  const auto put = [&](const std::string& name, const Name& read, std::string PartArrays::*role) {
    ArrayGroup& group = groups.try_emplace(read.rest, ArrayGroup{read.rest, {}}).first->second;
    std::string& at = part_of(group, read.part).*role;
    if (at.empty()) at = name;
  };
  for (const std::string& name : names) {
    const Name read = read_name(name);
    if (read.role == Role::samples) put(name, read, &PartArrays::samples);
    if (read.role == Role::labels) put(name, read, &PartArrays::labels);
    if (read.role == Role::lengths) put(name, read, &PartArrays::lengths);
  }
  // What says no role.
  for (const std::string& name : names) {
    const Name read = read_name(name);
    if (read.role == Role::unknown) put(name, read, &PartArrays::samples);
  }
  // "photos" and "labels": labels without a name of their own go with the only samples.
  const auto has_samples = [](const ArrayGroup& group) {
    return std::any_of(group.parts.begin(), group.parts.end(),
                       [](const PartArrays& p) { return !p.samples.empty(); });
  };
  const auto nameless = groups.find("");
  const auto with_samples =
      std::count_if(groups.begin(), groups.end(), [&](const auto& g) { return has_samples(g.second); });
  if (nameless != groups.end() && !has_samples(nameless->second) && with_samples == 1) {
    for (auto& [name, group] : groups) {
      if (!has_samples(group)) continue;
      for (const PartArrays& own : nameless->second.parts) {
        PartArrays& arrays = part_of(group, own.part);
        if (arrays.labels.empty()) arrays.labels = own.labels;
        if (arrays.lengths.empty()) arrays.lengths = own.lengths;
      }
    }
  }
  std::vector<ArrayGroup> found;
  for (auto& [name, group] : groups) {
    std::erase_if(group.parts, [](const PartArrays& p) { return p.samples.empty(); });
    std::sort(group.parts.begin(), group.parts.end(),
              [](const PartArrays& a, const PartArrays& b) { return a.part < b.part; });
    if (!group.parts.empty()) found.push_back(std::move(group));
  }
  return found;
}

bool names_labels(std::string_view name) {
  const Role role = read_name(name).role;
  return role == Role::labels || role == Role::lengths;
}

}  // namespace firn
