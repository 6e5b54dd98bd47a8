#include "data/cifar.h"

#include <fmt/core.h>

#include "data/files.h"
#include "data/memory.h"
#include "engine/base/atomic_file.h"
#include "engine/base/bytes.h"

namespace firn {

namespace {

constexpr std::string_view kOperation = "cifar10";
constexpr std::string_view kTestBatch = "test_batch.bin";
constexpr std::size_t kPlane = 32 * 32;
constexpr std::size_t kChannels = 3;
constexpr std::size_t kRecord = 1 + kChannels * kPlane;
constexpr std::size_t kClasses = 10;

bool is_batch_name(const std::string& name) {
  return name.starts_with("data_batch_") && name.ends_with(".bin");
}

std::vector<std::string> class_names(const std::string& folder) {
  std::vector<std::string> names;
  const std::string path = join(folder, "batches.meta.txt");
  if (is_file(path)) {
    const auto bytes = read_file(path, Fault::data, 1 << 16);
    ByteReader reader(bytes, Fault::data, std::string(kOperation), path);
    while (!reader.at_end()) {
      if (const std::string_view line = reader.line(); !line.empty()) names.emplace_back(line);
    }
    if (names.size() != kClasses) reader.fail(fmt::format("{} class names, want {}", names.size(), kClasses));
  } else {
    for (std::size_t c = 0; c < kClasses; ++c) names.push_back(std::to_string(c));
  }
  return names;
}

}  // namespace

void parse_cifar10(std::span<const std::byte> bytes, const std::string& path, CifarImages& to) {
  ByteReader reader(bytes, Fault::data, std::string(kOperation), path);
  if (bytes.empty() || bytes.size() % kRecord != 0) {
    reader.fail_at(bytes.size(),
                   fmt::format("{} bytes are no whole number of records of {}", bytes.size(), kRecord));
  }
  const std::size_t records = bytes.size() / kRecord;
  to.labels.reserve(to.labels.size() + records);
  std::size_t at = to.pixels.size();
  to.pixels.resize(at + records * kChannels * kPlane);
  for (std::size_t n = 0; n < records; ++n) {
    const std::uint64_t start = reader.offset();
    const auto label = reader.little<std::uint8_t>();
    if (label >= kClasses) reader.fail_at(start, fmt::format("label {} of {} classes", label, kClasses));
    to.labels.push_back(label);
    const auto planes = reader.take(kChannels * kPlane);
    for (std::size_t p = 0; p < kPlane; ++p) {
      for (std::size_t c = 0; c < kChannels; ++c) {
        to.pixels[at++] = std::to_integer<std::uint8_t>(planes[c * kPlane + p]);
      }
    }
  }
}

DataParts open_cifar10(const std::string& path, const DataOptions&) {
  std::string folder = path;
  std::vector<std::string> batches;
  std::vector<std::string> test;
  const auto take = [&](const std::string& name, const std::string& file) {
    if (is_batch_name(name)) batches.push_back(file);
    if (name == kTestBatch) test.push_back(file);
  };
  if (is_file(path)) {
    folder = path.substr(0, path.size() - base_name(path).size());
    take(base_name(path), path);
    if (batches.empty() && test.empty()) batches.push_back(path);
  } else {
    for (const std::string& name : file_names(path)) take(name, join(path, name));
    if (batches.empty() && test.empty()) {
      throw Error(Fault::data, kOperation,
                  fmt::format("{} holds no data_batch_*.bin and no {}", path, kTestBatch));
    }
  }

  DataInfo info;
  info.name = base_name(path);
  info.kind = DataKind::image;
  info.shape = Shape({32, 32, 3});
  info.classes = class_names(folder);

  const auto load = [&info](const std::vector<std::string>& files) -> DatasetPtr {
    if (files.empty()) return nullptr;
    CifarImages images;
    for (const std::string& file : files) parse_cifar10(read_file(file), file, images);
    return make_byte_images(info, std::move(images.pixels), std::move(images.labels));
  };
  return {.train = load(batches), .test = load(test)};
}

bool is_cifar10(const std::string& path) {
  if (!is_folder(path)) return is_batch_name(base_name(path)) || base_name(path) == kTestBatch;
  for (const std::string& name : file_names(path)) {
    if (is_batch_name(name) || name == kTestBatch) return true;
  }
  return false;
}

}  // namespace firn
