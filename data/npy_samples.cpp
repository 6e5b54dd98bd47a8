#include "data/npy_samples.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "data/memory.h"
#include "engine/base/error.h"

namespace firn {

namespace {

constexpr Index kLeastPicture = 8;  // sides of a square array that may be pictures
constexpr std::size_t kMostNpyClasses = 10000;

[[noreturn]] void fail_samples(const std::string& path, const std::string& what) {
  throw Error(Fault::data, "npy", fmt::format("{}: {}", path, what));
}

struct Layout {
  std::string name, why;
};

bool is_channels(Index size) {
  return size == 1 || size == 3;
}

/// Where the channels of (N,a,b,c) stand; nothing where it may be either.
std::optional<Layout> four_dimensions(Index a, Index b, Index c) {
  const bool last = is_channels(c);
  const bool first = is_channels(a);
  if (last != first) {
    // A reading by channels holds unless the other one alone is square.
    const bool square_last = a == b;
    const bool square_first = b == c;
    if (last && (square_last || !square_first))
      return Layout{"nhwc", fmt::format("{} {} last", c, c == 1 ? "channel" : "channels")};
    if (first && (square_first || !square_last))
      return Layout{"nchw", fmt::format("{} {} first", a, a == 1 ? "channel" : "channels")};
    return {};
  }
  if (last || a == c) return {};
  if (a == b) return Layout{"nhwc", "square"};
  if (b == c) return Layout{"nchw", "square"};
  return {};
}

/// The numbers of tokens, of which the weights know `vocabulary`.
void read_tokens(const NpyArray& array, std::size_t vocabulary, NpySamples& samples,
                 const std::string& path) {
  if (array.kind() == NpyArray::Kind::number || array.shape().rank() != 2) {
    fail_samples(path,
                 fmt::format("x of {}: the weights read tokens, want their numbers as whole numbers (N,T)",
                             array.shape().text()));
  }
  samples.shape = array.shape().tail(1);
  const std::vector<std::int64_t> numbers = array.wholes();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (numbers[i] < 0 || numbers[i] >= static_cast<std::int64_t>(vocabulary)) {
      fail_samples(path, fmt::format("sample {} holds token {}, the weights know 0 to {}",
                                     static_cast<Index>(i) / samples.shape[0], numbers[i], vocabulary - 1));
    }
    samples.tokens.push_back(static_cast<std::int32_t>(numbers[i]));
  }
}

Layout layout_of(const NpyArray& array, const DataOptions& options, const std::string& path) {
  const Shape& x = array.shape();
  const bool four = x.rank() == 4;
  // Weights of channels first say what that means for sequences.
  const bool of_weights = options.layout == "nchw" && x.rank() == 3 && options.trained_layout.size() == 3;
  const std::string asked = of_weights ? options.trained_layout : options.layout;
  const auto fits = [&](const std::string& layout) { return (layout.size() == 4) == four; };
  if (!asked.empty()) {
    if (x.rank() == 2 || !fits(asked)) {
      fail_samples(path,
                   fmt::format("--layout {} wants {} dimensions, x is {}", asked, asked.size(), x.text()));
    }
    return {asked, "--layout"};
  }
  const std::string& trained = options.trained_layout;
  const bool known = !trained.empty() && fits(trained);
  if (four) {
    if (auto layout = four_dimensions(x[1], x[2], x[3])) return *layout;
    if (known) return {trained, "as for the weights"};
    fail_samples(
        path,
        fmt::format("x of {} may be pictures of {}x{} with {} channels (--layout nhwc) or of {}x{} with {} "
                    "channels (--layout nchw): say which",
                    x.text(), x[1], x[2], x[3], x[2], x[3], x[1]));
  }
  if (known) return {trained, "as for the weights"};
  const bool bytes = array.kind() == NpyArray::Kind::byte || array.kind() == NpyArray::Kind::boolean;
  if (bytes) return {"nhw", "bytes"};
  if (x[1] == x[2] && x[1] >= kLeastPicture) {
    fail_samples(
        path,
        fmt::format(
            "x of {} may be grey pictures of {}x{} (--layout nhw) or sequences of {} steps of {} numbers "
            "(--layout ntf; nft: steps last): say which",
            x.text(), x[1], x[2], x[1], x[2]));
  }
  return {"ntf", "numbers"};
}

/// Moves the first dimension of each sample behind its others.
template <class T>
void first_to_last(std::vector<T>& values, Index first, Index rest) {
  std::vector<T> sample(static_cast<std::size_t>(first * rest));
  for (std::size_t begin = 0; begin < values.size(); begin += sample.size()) {
    std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(begin), sample.size(), sample.begin());
    for (Index f = 0; f < first; ++f) {
      for (Index r = 0; r < rest; ++r)
        values[begin + static_cast<std::size_t>(r * first + f)] =
            sample[static_cast<std::size_t>(f * rest + r)];
    }
  }
}

/// The steps of sample i, `step` numbers each, without those of nothing but NaN at the end; anything else
/// that is not finite is refused.
Index steps_of(std::span<const float> sample, std::size_t step, bool sequence, Index i,
               const std::string& path) {
  const auto is_nan = [](float v) { return std::isnan(v); };
  std::span<const float> own = sample;
  while (sequence && own.size() > step &&
         std::all_of(own.end() - static_cast<std::ptrdiff_t>(step), own.end(), is_nan)) {
    own = own.first(own.size() - step);
  }
  const auto bad = std::find_if(own.begin(), own.end(), [](float v) { return !std::isfinite(v); });
  if (bad != own.end()) {
    fail_samples(
        path, fmt::format("sample {} holds {}, which is not finite: {}", i, *bad,
                          is_nan(*bad) ? "leave it out or fill it in" : "want numbers that a float holds"));
  }
  return static_cast<Index>(own.size() / step);
}

/// Sets the lengths by samples `first` and on, which stand in `values`; `shorter`: whether one was cut.
void check_finite(NpySamples& samples, std::span<const float> values, Index first, bool& shorter,
                  const std::string& path) {
  const bool sequence = samples.kind == DataKind::sequence;
  const auto size = static_cast<std::size_t>(samples.shape.count());
  const auto step = static_cast<std::size_t>(sequence ? samples.shape[1] : 1);
  for (std::size_t begin = 0; begin < values.size(); begin += size) {
    const Index steps = steps_of(values.subspan(begin, size), step, sequence, first++, path);
    shorter = shorter || static_cast<std::size_t>(steps) * step != size;
    if (sequence) samples.lengths.push_back(steps);
  }
}

/// The positions of the ones in one-hot rows; nothing where a row is none.
std::optional<std::vector<std::int32_t>> one_hot(const std::vector<double>& rows, std::size_t classes) {
  std::vector<std::int32_t> labels;
  for (std::size_t begin = 0; begin < rows.size(); begin += classes) {
    std::int32_t hot = -1;
    for (std::size_t c = 0; c < classes; ++c) {
      const double value = rows[begin + c];
      if (value == 1 && hot < 0) {
        hot = static_cast<std::int32_t>(c);
      } else if (value != 0) {
        return {};
      }
    }
    if (hot < 0) return {};
    labels.push_back(hot);
  }
  return labels;
}

}  // namespace

namespace {

/// What the dimensions stand for; `turned`: of a leading dimension that goes behind the others, 0: none does.
NpySamples frame_of(const NpyArray& array, const DataOptions& options, Index& turned,
                    const std::string& path) {
  const Shape& x = array.shape();
  if (array.kind() == NpyArray::Kind::text) fail_samples(path, "holds texts, samples are numbers");
  if (x.rank() < 2 || x.rank() > 4 || x.count() == 0) {
    fail_samples(
        path, fmt::format("x of {} holds no samples: want (N,F), (N,T,F), (N,H,W) or (N,H,W,C)", x.text()));
  }
  NpySamples samples;
  samples.count = x[0];
  turned = 0;
  if (!options.vocabulary.empty()) {
    samples.kind = DataKind::tokens;
  } else if (x.rank() == 2) {
    samples.shape = x.tail(1);
  } else {
    const Layout layout = layout_of(array, options, path);
    samples.layout = layout.name;
    samples.why = layout.why;
    samples.kind = layout.name == "ntf" || layout.name == "nft" ? DataKind::sequence : DataKind::image;
    samples.shape = layout.name == "nchw"  ? Shape({x[2], x[3], x[1]})
                    : layout.name == "nft" ? Shape({x[2], x[1]})
                    : layout.name == "nhw" ? Shape({x[1], x[2], 1})
                                           : x.tail(1);
    if (layout.name == "nchw" || layout.name == "nft") turned = x[1];
  }
  if (samples.kind == DataKind::image && array.kind() == NpyArray::Kind::byte) samples.white = 255;
  return samples;
}

}  // namespace

NpySamples read_samples(const NpyArray& array, const DataOptions& options, const std::string& path) {
  Index turned = 0;
  NpySamples samples = frame_of(array, options, turned, path);
  if (samples.kind == DataKind::tokens) {
    read_tokens(array, options.vocabulary.size(), samples, path);
    return samples;
  }
  if (samples.kind != DataKind::sequence && array.fits_bytes()) {
    samples.bytes = array.bytes();
    if (turned > 1) first_to_last(samples.bytes, turned, samples.shape.count() / turned);
    return samples;
  }
  samples.values = array.floats();
  if (turned > 1) first_to_last(samples.values, turned, samples.shape.count() / turned);
  bool shorter = false;
  check_finite(samples, samples.values, 0, shorter, path);
  if (!shorter) samples.lengths.clear();
  return samples;
}

std::optional<NpySamples> samples_in_file(const std::string& path, const DataOptions& options) {
  constexpr std::uint64_t kMostHeader = 1 << 17, kTogether = 1 << 20;  // bytes
  auto file = std::make_shared<FileReader>(path);
  std::vector<std::byte> beginning(std::min(kMostHeader, file->size()));
  file->read(0, beginning);
  const NpyArray array(beginning, file->size(), path);
  if (!array.lies_as_kept()) return {};
  Index turned = 0;
  NpySamples samples = frame_of(array, options, turned, path);
  const bool bytes = array.size() == 1;
  if (turned > 1 || samples.kind == DataKind::tokens || (bytes && samples.kind == DataKind::sequence))
    return {};
  samples.rows = {std::move(file), array.offset(), {}};
  samples.in_bytes = bytes;
  if (bytes) return samples;
  const auto row = static_cast<std::uint64_t>(samples.shape.count()) * sizeof(float);
  const auto most = static_cast<Index>(std::max<std::uint64_t>(1, kTogether / row));
  std::vector<float> values;
  bool shorter = false;
  for (Index first = 0; first < samples.count; first += most) {
    values.resize(static_cast<std::size_t>(std::min(most, samples.count - first) * samples.shape.count()));
    samples.rows.file->read(array.offset() + static_cast<std::uint64_t>(first) * row,
                            std::as_writable_bytes(std::span(values)));
    check_finite(samples, values, first, shorter, path);
  }
  if (!shorter) samples.lengths.clear();
  return samples;
}

void set_lengths(NpySamples& samples, const NpyArray& array, const std::string& path) {
  if (samples.kind != DataKind::sequence) fail_samples(path, "lengths of what are no sequences");
  const bool right = array.shape().count() == samples.count && array.shape().rank() <= 2;
  if (!right || array.kind() == NpyArray::Kind::text || array.kind() == NpyArray::Kind::number) {
    fail_samples(path, fmt::format("lengths of {} for {} sequences: want a whole number each",
                                   array.shape().text(), samples.count));
  }
  const std::vector<double> lengths = array.doubles();
  samples.lengths.clear();
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    if (!(lengths[i] >= 1 && lengths[i] <= static_cast<double>(samples.shape[0]))) {
      fail_samples(path,
                   fmt::format("sequence {} has length {}, want 1 to {}", i, lengths[i], samples.shape[0]));
    }
    samples.lengths.push_back(static_cast<Index>(lengths[i]));
  }
}

TextLabels read_labels(const NpyArray& array, Index count, const std::string& path) {
  const Shape& y = array.shape();
  TextLabels part;
  const bool single = y.count() == count && (y.rank() == 1 || (y.rank() == 2 && (y[0] == 1 || y[1] == 1)));
  if (!single && y.rank() == 2 && y[0] == count && y[1] > 1 && array.kind() != NpyArray::Kind::text) {
    if (y[1] > static_cast<Index>(kMostNpyClasses))
      fail_samples(path, fmt::format("y of {} has too many classes", y.text()));
    auto labels = one_hot(array.doubles(), static_cast<std::size_t>(y[1]));
    if (!labels)
      fail_samples(
          path,
          fmt::format(
              "y of {} is not one-hot: want rows with a single 1, or one label each (--task labels takes "
              "several, --task regression numbers)",
              y.text()));
    part.labels = std::move(*labels);
    for (Index c = 0; c < y[1]; ++c) part.classes.push_back(std::to_string(c));
    return part;
  }
  if (!single) {
    fail_samples(path,
                 fmt::format("y of {} for {} samples: want one label each, (N) or (N,1), or one-hot rows",
                             y.text(), count));
  }
  std::map<std::string, std::int32_t> places;
  array.each_text([&](const std::string& text) {
    const auto [at, fresh] = places.try_emplace(text, static_cast<std::int32_t>(places.size()));
    if (fresh) part.classes.push_back(text);
    if (text.empty()) fail_samples(path, fmt::format("sample {} has an empty label", part.labels.size()));
    part.labels.push_back(at->second);
  });
  const bool nan = array.kind() == NpyArray::Kind::number &&
                   std::any_of(part.classes.begin(), part.classes.end(),
                               [](const std::string& c) { return c.ends_with("nan") || c.ends_with("inf"); });
  if (nan) fail_samples(path, "holds a label that is not finite");
  if (array.kind() != NpyArray::Kind::text && is_measure(part)) {
    fail_samples(
        path,
        fmt::format(
            "{} different numbers, which measure something: --task regression predicts numbers; for classes "
            "make some of them (as low, middle, high)",
            part.classes.size()));
  }
  if (part.classes.size() > kMostNpyClasses)
    fail_samples(path, fmt::format("{} different labels", part.classes.size()));
  return part;
}

std::vector<double> read_targets(const NpyArray& array, Index count, const std::string& path) {
  const Shape& y = array.shape();
  if (array.kind() == NpyArray::Kind::text) fail_samples(path, "holds texts: want numbers, (N) or (N,K)");
  if (y.rank() < 1 || y.rank() > 2 || y[0] != count || y.count() == 0) {
    fail_samples(path, fmt::format("y of {} for {} samples: want (N) or (N,K) numbers", y.text(), count));
  }
  std::vector<double> values = array.doubles();
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (!std::isfinite(values[k])) {
      fail_samples(path, fmt::format("sample {} (counted from 0) has a target that is not finite",
                                     k / static_cast<std::size_t>(y.count() / count)));
    }
  }
  return values;
}

DatasetPtr make_npy_set(const DataInfo& info, NpySamples samples, std::vector<std::int32_t> labels,
                        const std::string& file) {
  if (samples.kind == DataKind::tokens) {
    std::vector<Index> starts;
    for (Index i = 0; i <= samples.count; ++i) starts.push_back(i * samples.shape[0]);
    return make_tokens(info, std::move(samples.tokens), std::move(starts), std::move(labels));
  }
  if (samples.rows.file && samples.in_bytes)
    return make_file_images(info, std::move(samples.rows), std::move(labels), samples.white);
  if (samples.rows.file) {
    return make_file_numbers(info, std::move(samples.rows), samples.shape.count(), std::move(samples.lengths),
                             std::move(labels), samples_of(file));
  }
  if (!samples.bytes.empty())
    return make_byte_images(info, std::move(samples.bytes), std::move(labels), samples.white);
  if (samples.kind != DataKind::sequence)
    return make_numbers(info, std::move(samples.values), std::move(labels), samples_of(file));
  const Index steps = samples.shape[0];
  std::vector<Index> starts = {0};
  if (samples.lengths.empty()) {
    for (Index i = 0; i < samples.count; ++i) starts.push_back((i + 1) * steps);
  } else {
    // What lies behind a sequence's end is dropped, in place.
    const Index step = samples.shape[1];
    for (Index i = 0; i < samples.count; ++i) {
      const Index length = samples.lengths[static_cast<std::size_t>(i)];
      const auto from = samples.values.begin() + i * steps * step;
      std::copy(from, from + length * step, samples.values.begin() + starts.back() * step);
      starts.push_back(starts.back() + length);
    }
    samples.values.resize(static_cast<std::size_t>(starts.back() * step));
  }
  return make_sequences(info, std::move(samples.values), std::move(starts), std::move(labels),
                        samples_of(file));
}

}  // namespace firn
