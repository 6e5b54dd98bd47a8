#include "optim/trainer/checkpoint.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/base/sha256.h"
#include "engine/base/split.h"

namespace firn {

namespace {

constexpr const char* kVersionKey = "checkpoint.version";
constexpr const char* kSumKey = "checkpoint.sha256";
constexpr const char* kBaseNameKey = "checkpoint.base";
constexpr const char* kBaseSumKey = "checkpoint.base_sha256";
constexpr const char* kBaseTensorsKey = "checkpoint.base_tensors";
constexpr const char* kNamesKey = "checkpoint.names";
constexpr const char* kFinishedKey = "checkpoint.finished";
constexpr std::string_view kOwn = "checkpoint.";
constexpr std::string_view kState = "state.";
constexpr std::string_view kWeights = "weights.";

[[noreturn]] void refuse(const std::string& path, const std::string& message) {
  throw Error(Fault::model_file, "checkpoint", fmt::format("{}: {}", path, message));
}

std::string joined(const auto& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : "\n") + name;
  return text;
}

std::vector<std::string> parted(const std::string& text) {
  return text.empty() ? std::vector<std::string>() : split(text, '\n');
}

/// Of all tensors and metadata, the sum itself aside; texts go in with their lengths, so that none runs into
/// the next.
std::string sum_of(const SafeTensors& file) {
  Sha256 hash;
  const auto add = [&](std::string_view text) {
    hash.update(as_bytes(fmt::format("{} ", text.size())));
    hash.update(as_bytes(text));
  };
  for (const auto& [key, value] : file.metadata) {
    if (key == kSumKey) continue;
    add(key);
    add(value);
  }
  for (const NamedTensor& item : file.tensors) {
    add(item.name);
    add(fmt::format("{}{}", static_cast<int>(item.tensor.type()), item.tensor.shape().text()));
    hash.update(
        {static_cast<const std::byte*>(item.tensor.raw()), static_cast<std::size_t>(item.tensor.bytes())});
  }
  return hash.hex();
}

}  // namespace

bool Checkpoint::has_run() const {
  return state.metadata.contains(std::string(kState) + "run.epochs");
}

Checkpoint make_checkpoint(const Model& model, const Trainer& trainer, CheckpointBase base,
                           std::map<std::string, std::string> metadata, bool finished) {
  Checkpoint checkpoint;
  std::set<const Parameter*> seen;
  for (const NamedParameter& p : model.parameters()) {
    if (seen.insert(p.parameter.get()).second) checkpoint.names.push_back(p.name);
  }
  const StateWriter to(checkpoint.state);
  if (finished) {
    trainer.save_weights(to.part("weights"), base.tensors);
  } else {
    trainer.save(to, base.tensors);
  }
  checkpoint.base = std::move(base);
  checkpoint.metadata = std::move(metadata);
  checkpoint.finished = finished;
  return checkpoint;
}

void save_checkpoint(const std::string& path, const Checkpoint& checkpoint) {
  SafeTensors file = checkpoint.state;  // tensors are shared
  file.metadata.insert(checkpoint.metadata.begin(), checkpoint.metadata.end());
  file.metadata["format"] = "pt";  // as the writer does: it counts in the sum
  file.metadata[kVersionKey] = fmt::format("{}", Checkpoint::kVersion);
  file.metadata[kBaseNameKey] = checkpoint.base.name;
  file.metadata[kBaseSumKey] = checkpoint.base.sha256;
  file.metadata[kBaseTensorsKey] = joined(checkpoint.base.tensors);
  file.metadata[kNamesKey] = joined(checkpoint.names);
  file.metadata[kFinishedKey] = checkpoint.finished ? "1" : "0";
  file.metadata[kSumKey] = sum_of(file);
  save_safetensors(path, file.tensors, file.metadata);
}

bool is_checkpoint(const SafeTensors& file) {
  return file.metadata.contains(kVersionKey);
}

Checkpoint read_checkpoint(SafeTensors file, const std::string& path) {
  const auto text = [&](const char* key) -> const std::string& {
    const auto found = file.metadata.find(key);
    if (found == file.metadata.end()) refuse(path, fmt::format("{} is missing", key));
    return found->second;
  };
  if (!is_checkpoint(file)) refuse(path, "is no checkpoint but a weights file");
  if (text(kVersionKey) != fmt::format("{}", Checkpoint::kVersion)) {
    refuse(path, fmt::format("is a checkpoint of version '{}', this program reads {}", text(kVersionKey),
                             Checkpoint::kVersion));
  }
  if (text(kSumKey) != sum_of(file)) refuse(path, "is damaged: its content is not what was written");
  Checkpoint checkpoint;
  checkpoint.base.name = text(kBaseNameKey);
  checkpoint.base.sha256 = text(kBaseSumKey);
  for (const std::string& name : parted(text(kBaseTensorsKey))) checkpoint.base.tensors.insert(name);
  checkpoint.names = parted(text(kNamesKey));
  checkpoint.finished = text(kFinishedKey) == "1";
  for (auto& [key, value] : file.metadata) {
    if (key.starts_with(kOwn)) continue;
    (key.starts_with(kState) ? checkpoint.state.metadata : checkpoint.metadata)[key] = value;
  }
  checkpoint.state.tensors = std::move(file.tensors);
  return checkpoint;
}

Checkpoint load_checkpoint(const std::string& path) {
  return read_checkpoint(load_safetensors(path), path);
}

SafeTensors merged(const SafeTensors& base, const Checkpoint& checkpoint, const std::string& path) {
  std::map<std::string_view, const Tensor*> found;
  for (const NamedTensor& item : base.tensors) {
    if (checkpoint.base.tensors.contains(item.name)) found[item.name] = &item.tensor;
  }
  for (const NamedTensor& item : checkpoint.state.tensors) {
    const std::string_view name = item.name;
    if (name.starts_with(kWeights)) found[name.substr(kWeights.size())] = &item.tensor;
  }
  SafeTensors whole;
  whole.metadata = checkpoint.metadata;
  for (const std::string& name : checkpoint.names) {
    const auto tensor = found.find(name);
    if (tensor == found.end()) refuse(path, fmt::format("neither it nor its base has {}", name));
    whole.tensors.push_back({name, *tensor->second});
  }
  return whole;
}

std::string file_sha256(const std::string& path) {
  std::error_code error;
  std::ifstream file;
  if (std::filesystem::is_regular_file(path, error)) file.open(path, std::ios::binary);
  if (!file.is_open()) refuse(path, "cannot be read");
  Sha256 hash;
  std::vector<char> piece(std::size_t{1} << 16);
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())) || file.gcount() > 0) {
    hash.update(std::as_bytes(std::span(piece.data(), static_cast<std::size_t>(file.gcount()))));
  }
  return hash.hex();
}

void require_base(const Checkpoint& checkpoint, const std::string& checkpoint_path, const std::string& path) {
  const std::string sum = file_sha256(path);
  if (sum == checkpoint.base.sha256) return;
  refuse(path, fmt::format("is not the base of {}, which is '{}' with SHA-256 {}; this one has {}",
                           checkpoint_path, checkpoint.base.name, checkpoint.base.sha256, sum));
}

SafeTensors load_whole(const std::string& path, const std::string& base) {
  SafeTensors file = load_safetensors(path);
  if (!is_checkpoint(file)) return file;
  const Checkpoint checkpoint = read_checkpoint(std::move(file), path);
  if (checkpoint.base.name.empty()) return merged({}, checkpoint, path);
  std::string base_path = base;
  if (base_path.empty()) {
    base_path = (std::filesystem::path(path).parent_path() / "base.safetensors").string();
    std::error_code error;
    if (!std::filesystem::is_regular_file(base_path, error)) {
      refuse(path, fmt::format("there is no {}, its base '{}': --base FILE says where it lies", base_path,
                               checkpoint.base.name));
    }
  }
  require_base(checkpoint, path, base_path);
  const SafeTensors base_file = load_safetensors(base_path);
  if (is_checkpoint(base_file)) {
    refuse(base_path,
           fmt::format("the base of {} is a checkpoint itself: firn merge makes it whole first", path));
  }
  return merged(base_file, checkpoint, path);
}

}  // namespace firn
