// The half of data/npy.h that makes datasets.
#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "data/files.h"
#include "data/memory.h"
#include "data/npy.h"
#include "engine/base/error.h"

namespace firn {

namespace {

constexpr std::string_view kOperation = "npy";
constexpr std::int64_t kMaxClasses = 10000;

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw Error(Fault::data, kOperation, fmt::format("{}: {}", path, what));
}

struct Files {
  std::string x;
  std::string y;
};

std::optional<Files> pair_in(const std::string& folder, const std::string& prefix) {
  Files files{join(folder, prefix + "x.npy"), join(folder, prefix + "y.npy")};
  return is_file(files.x) && is_file(files.y) ? std::optional(files) : std::nullopt;
}

/// The pairs that make the set: one, or one for training and one for the test; none where nothing fits.
std::vector<Files> find_pairs(const std::string& path) {
  if (is_folder(path)) {
    if (const auto both = pair_in(path, "")) return {*both};
    const auto train = pair_in(path, "train_");
    const auto test = pair_in(path, "test_");
    return train && test ? std::vector<Files>{*train, *test} : std::vector<Files>{};
  }
  const std::string name = base_name(path);
  if (name != "x.npy" && !name.ends_with("_x.npy")) return {};
  Files files{path, path};
  files.y[files.y.size() - std::string_view("x.npy").size()] = 'y';
  return {files};
}

/// Kind and sample shape that x stands for.
DataInfo describe(const Tensor& x, const std::string& path) {
  DataInfo info;
  const int rank = x.shape().rank();
  if (rank < 2 || rank > 4 || x.count() == 0)
    fail(path, fmt::format("x of {} holds no samples", x.shape().text()));
  info.shape = x.shape().tail(1);
  info.kind = rank == 2                             ? DataKind::vector
              : rank == 4 || x.type() == Type::byte ? DataKind::image
                                                    : DataKind::sequence;
  if (rank == 3 && info.kind == DataKind::image) info.shape = Shape({info.shape[0], info.shape[1], 1});
  return info;
}

std::vector<std::int32_t> whole_numbers(const Tensor& y, const std::string& path, Index samples) {
  if (y.type() == Type::number || y.shape() != Shape({samples})) {
    fail(path, fmt::format("y of {} for {} samples: want one whole number each", y.shape().text(), samples));
  }
  if (y.type() == Type::index) return {y.indices(), y.indices() + samples};
  const auto* bytes = static_cast<const std::uint8_t*>(y.raw());
  return {bytes, bytes + samples};
}

DatasetPtr make_set(const DataInfo& info, const Tensor& x, std::vector<std::int32_t> labels) {
  const auto count = static_cast<std::size_t>(x.count());
  if (x.type() == Type::byte && info.kind == DataKind::image) {
    const auto* bytes = static_cast<const std::uint8_t*>(x.raw());
    return make_byte_images(info, {bytes, bytes + count}, std::move(labels));
  }
  std::vector<float> values(count);
  const auto copy = [&](const auto* from) {
    std::transform(from, from + count, values.begin(), [](auto v) { return static_cast<float>(v); });
  };
  if (x.type() == Type::number) {
    copy(x.data());
  } else if (x.type() == Type::index) {
    copy(x.indices());
  } else {
    copy(static_cast<const std::uint8_t*>(x.raw()));
  }
  return make_numbers(info, std::move(values), std::move(labels));
}

}  // namespace

DataParts open_npy(const std::string& path, const DataOptions&) {
  const std::vector<Files> pairs = find_pairs(path);
  if (pairs.empty())
    fail(path, "want x.npy and y.npy, or {train,test}_{x,y}.npy, or a file NAME_x.npy beside NAME_y.npy");
  DataInfo info;
  std::vector<Tensor> samples;
  std::vector<std::vector<std::int32_t>> labels;
  std::int64_t least = std::numeric_limits<std::int32_t>::max();
  std::int64_t most = std::numeric_limits<std::int32_t>::min();
  for (const Files& files : pairs) {
    samples.push_back(load_npy(files.x));
    const DataInfo own = describe(samples.back(), files.x);
    if (samples.size() == 1) info = own;
    if (own.shape != info.shape || own.kind != info.kind) {
      fail(files.x,
           fmt::format("samples of {}, those for training have {}", own.shape.text(), info.shape.text()));
    }
    labels.push_back(whole_numbers(load_npy(files.y), files.y, samples.back().shape()[0]));
    const auto [low, high] = std::minmax_element(labels.back().begin(), labels.back().end());
    least = std::min<std::int64_t>(least, *low);
    most = std::max<std::int64_t>(most, *high);
  }
  if (most - least >= kMaxClasses)
    fail(pairs[0].y, fmt::format("labels from {} to {} are too many classes", least, most));

  info.name = base_name(path);
  for (std::int64_t c = least; c <= most; ++c) info.classes.push_back(std::to_string(c));
  if (least != 0) info.notes.push_back(fmt::format("labels {}..{} are counted from 0", least, most));
  std::vector<DatasetPtr> sets;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    for (std::int32_t& label : labels[i]) label = static_cast<std::int32_t>(label - least);
    sets.push_back(make_set(info, samples[i], std::move(labels[i])));
  }
  return {.train = sets[0], .test = sets.size() == 2 ? sets[1] : nullptr};
}

bool is_npy(const std::string& path) {
  return !find_pairs(path).empty();
}

}  // namespace firn
