#include "tools/app/run/freeze_pictures.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <cstring>

#include "data/subset.h"
#include "optim/trainer/evaluate.h"
#include "tools/app/cost/linear_probe.h"
#include "tools/app/run/shown_samples.h"

namespace firn::cli {

namespace {

constexpr Index kPictureSamples = 256, kMostColumns = 512;  // of a part; means of a block's output
constexpr Index kMostFilters = 16, kMostMaps = 8, kMapSide = 32;
constexpr std::uint64_t kPictureOrder = 0x66726f7a656e;  // which samples: the same for every run on the data
constexpr double kLineFirst = -0.25, kLineLast = 1.25, kLineStep = 0.125;

/// What a block gives, one table a block.
using Features = std::vector<FeatureTable>;

DatasetPtr some(const DatasetPtr& data) {
  std::vector<Index> chosen =
      Loader(data, {.shuffle = true, .seed = kPictureOrder, .background = false}).order(0);
  if (static_cast<Index>(chosen.size()) > kPictureSamples) chosen.resize(kPictureSamples);
  return subset(data, std::move(chosen));
}

/// Means over all places of a sample's output, (rows, places, columns) to (rows, columns).
void add_means(FeatureTable& table, const real* output, Index rows, Index places, Index columns) {
  table.columns = std::min(columns, kMostColumns);
  table.rows += rows;
  for (Index row = 0; row < rows; ++row) {
    for (Index c = 0; c < table.columns; ++c) {
      double sum = 0;
      for (Index place = 0; place < places; ++place)
        sum += static_cast<double>(output[(row * places + place) * columns + c]);
      table.values.push_back(static_cast<real>(sum / static_cast<double>(places)));
    }
  }
}

std::unique_ptr<Program> block_program(const Model& model, const Batch& batch) {
  Graph::Options options;
  options.exact = true;
  auto program =
      Program::inference(model.inference_graph(batch.count, batch.x.shape().tail(1), options, true));
  program->feed("x", batch.x);
  if (model.input().lengths) program->feed("lengths", batch.lengths);
  program->run();
  return program;
}

Features features_of(const Model& model, const DatasetPtr& data, const LoaderOptions& judging) {
  const std::size_t blocks = model.blocks().size();
  Features out(blocks);
  Loader loader(data, judging);
  loader.start(0);
  while (const Batch* batch = loader.next()) {
    const auto program = block_program(model, *batch);
    for (const auto& [name, value] : program->graph().outputs()) {
      for (std::size_t b = 0; b < blocks; ++b) {
        if (name != Model::block_output(static_cast<int>(b))) continue;
        const Shape& shape = value.shape();
        const Index columns = shape[shape.rank() - 1];
        add_means(out[b], program->output_data(name), batch->count, shape.count() / batch->count / columns,
                  columns);
      }
    }
    for (FeatureTable& table : out)
      for (Index row = 0; row < batch->count; ++row) table.labels.push_back(batch->targets.indices()[row]);
  }
  return out;
}

/// Rows on their first two principal components, and the share of their variance that these hold.
JsonObject plane(const FeatureTable& table) {
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using RealMatrix = Eigen::Matrix<real, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Matrix x = Eigen::Map<const RealMatrix>(table.values.data(), table.rows, table.columns).cast<double>();
  x.rowwise() -= Eigen::RowVectorXd(x.colwise().mean());
  const Eigen::SelfAdjointEigenSolver<Matrix> solver(Matrix(x.transpose() * x));
  const Index n = table.columns, two = std::min<Index>(2, n);
  const Matrix places = x * solver.eigenvectors().rightCols(two);
  const double all = solver.eigenvalues().sum();
  std::vector<double> across, up;
  for (Index row = 0; row < table.rows; ++row) {
    across.push_back(places(row, two - 1));
    up.push_back(two > 1 ? places(row, 0) : 0);
  }
  return JsonObject()
      .add("x", across)
      .add("y", up)
      .add("share", all > 0 ? solver.eigenvalues().tail(two).sum() / all : 0.0);
}

/// Numbers as bytes: `low` black, `high` white.
std::string bytes_text(const std::vector<double>& values, double low, double high) {
  std::vector<std::uint8_t> bytes;
  const double span = high > low ? high - low : 1;
  for (const double value : values)
    bytes.push_back(static_cast<std::uint8_t>(std::lround(255 * std::clamp((value - low) / span, 0.0, 1.0))));
  return hex_text(bytes);
}

/// The first layer's weights as pictures of (height, width, channels), or none.
struct Filters {
  Index height = 0, width = 0, channels = 0;
  std::vector<std::vector<double>> pictures;
};

Filters filters_of(const std::vector<NamedParameter>& parameters, const InputSpec& input) {
  if (input.sample.rank() != 3) return {};
  const Index channels = input.sample[2];
  if (channels != 1 && channels != 3) return {};
  for (const NamedParameter& p : parameters) {
    if (p.parameter->role() != Role::weight) continue;
    const Tensor w = p.parameter->to_file();
    const Shape& s = w.shape();
    Filters out;
    if (s.rank() == 4 && s[1] == channels && s[2] > 1) {
      out = {s[2], s[3], channels, {}};
    } else if (s.rank() == 2 && s[1] == input.sample.count() && channels == 1) {
      out = {input.sample[0], input.sample[1], channels, {}};
    } else {
      return {};
    }
    const Index places = out.height * out.width;
    for (Index f = 0; f < std::min(s[0], kMostFilters); ++f) {
      std::vector<double> picture;
      for (Index place = 0; place < places; ++place)
        for (Index c = 0; c < channels; ++c)
          picture.push_back(static_cast<double>(w.data()[(f * channels + c) * places + place]));
      out.pictures.push_back(std::move(picture));
    }
    return out;
  }
  return {};
}

/// Grey stands for 0, so that before and after are read alike.
std::vector<std::string> filter_texts(const Filters& filters, double most) {
  std::vector<std::string> out;
  for (const auto& picture : filters.pictures) out.push_back(bytes_text(picture, -most, most));
  return out;
}

double greatest(const Filters& filters) {
  double most = 0;
  for (const auto& picture : filters.pictures)
    for (const double value : picture) most = std::max(most, std::abs(value));
  return most;
}

/// The first channels of each block's output for one sample.
JsonObject maps_of(const Model& model, const DatasetPtr& data, const LoaderOptions& judging) {
  LoaderOptions alone = judging;
  alone.batch = 1;
  Loader loader(data, alone);
  loader.start(0);
  const Batch* batch = loader.next();
  const auto program = block_program(model, *batch);
  std::vector<JsonObject> blocks;
  for (std::size_t b = 0; b < model.blocks().size(); ++b) {
    for (const auto& [name, value] : program->graph().outputs()) {
      const Shape& shape = value.shape();
      if (name != Model::block_output(static_cast<int>(b)) || shape.rank() != 4 || shape[1] * shape[2] < 2)
        continue;
      const Index height = shape[1], width = shape[2], channels = shape[3];
      if (std::max(height, width) > kMapSide * 8) continue;
      std::vector<std::string> maps;
      ShownSample one;
      for (Index c = 0; c < std::min(channels, kMostMaps); ++c) {
        std::vector<double> values;
        for (Index place = 0; place < height * width; ++place)
          values.push_back(static_cast<double>(program->output_data(name)[place * channels + c]));
        const auto [low, high] = std::minmax_element(values.begin(), values.end());
        one = {};
        one.height = height;
        one.width = width;
        one.channels = 1;
        const double least = *low, span = *high > *low ? *high - *low : 1;
        for (const double v : values)
          one.pixels.push_back(static_cast<std::uint8_t>(std::lround(255 * (v - least) / span)));
        shrink(one, kMapSide);
        maps.push_back(hex_text(one.pixels));
      }
      blocks.push_back(JsonObject()
                           .add("block", static_cast<std::int64_t>(b))
                           .add("height", one.height)
                           .add("width", one.width)
                           .add("maps", maps));
    }
  }
  ShownSample sample;
  show(*data, sample);
  shrink(sample, 48);
  JsonObject out;
  out.add("class", static_cast<std::int64_t>(data->label(0)))
      .add("height", sample.height)
      .add("width", sample.width);
  return out.add("channels", sample.channels).add("pixels", hex_text(sample.pixels)).add("blocks", blocks);
}

}  // namespace

/// Gives the model its weights back.
struct FreezePictures::WeightsBack {
  const FreezePictures& pictures;
  const Weights weights;
  ~WeightsBack() { pictures.set(weights); }
};

FreezePictures::FreezePictures(const Model& model) : model_(model), parameters_(model.parameters()) {
  begin_ = copy();
}

FreezePictures::Weights FreezePictures::copy() const {
  Weights out;
  for (const NamedParameter& p : parameters_) {
    Tensor value(p.parameter->value().shape(), p.parameter->value().type());
    std::memcpy(value.raw(), p.parameter->value().raw(), static_cast<std::size_t>(value.bytes()));
    out.values.push_back(std::move(value));
  }
  return out;
}

void FreezePictures::set(const Weights& weights) const {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& p = *parameters_[i].parameter;
    std::memcpy(p.mutable_value().raw(), weights.values[i].raw(),
                static_cast<std::size_t>(p.value().bytes()));
    p.touch();
  }
}

void FreezePictures::set_between(const Weights& from, const Weights& to, double a) const {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Parameter& p = *parameters_[i].parameter;
    const real *one = from.values[i].data(), *other = to.values[i].data();
    // Beyond the ends a running variance would be negative.
    const double at = p.role() == Role::statistic ? std::clamp(a, 0.0, 1.0) : a;
    for (Index k = 0; k < p.value().count(); ++k) {
      p.mutable_value().data()[k] =
          static_cast<real>((1 - at) * static_cast<double>(one[k]) + at * static_cast<double>(other[k]));
    }
    p.touch();
  }
}

JsonObject FreezePictures::line(const Weights& from, const Weights& to, const DatasetPtr& learned,
                                const DatasetPtr& other, const LoaderOptions& judging,
                                const TaskPtr& task) const {
  ProgramSettings settings;
  settings.task = task;
  settings.exact = true;
  std::vector<double> places, on_train, on_other;
  ProgramCache programs(model_, settings);
  Loader train_loader(learned, judging), other_loader(other, judging);
  for (double a = kLineFirst; a <= kLineLast; a += kLineStep) {
    set_between(from, to, a);
    places.push_back(a);
    on_train.push_back(evaluate(model_, programs, train_loader).loss);
    on_other.push_back(evaluate(model_, programs, other_loader).loss);
  }
  return JsonObject().add("places", places).add("train", on_train).add("held_out", on_other);
}

JsonObject FreezePictures::line_to(const FreezePictures& other, const DatasetPtr& train,
                                   const DatasetPtr& held_out, const LoaderOptions& judging,
                                   const TaskPtr& task) const {
  const WeightsBack back{*this, copy()};
  const Weights& own = end_.values.empty() ? back.weights : end_;
  return line(own, other.end_.values.empty() ? other.copy() : other.end_, some(train), some(held_out),
              judging, task);
}

std::vector<double> FreezePictures::moved() const {
  std::vector<double> blocks;
  for (int block = 0; block < static_cast<int>(model_.blocks().size()); ++block) {
    double moved = 0, size = 0;
    for (const NamedParameter& own : model_.block_parameters(block)) {
      if (own.parameter->role() == Role::statistic) continue;
      for (std::size_t i = 0; i < parameters_.size(); ++i) {
        if (parameters_[i].parameter != own.parameter) continue;
        const real *from = begin_.values[i].data(), *to = own.parameter->value().data();
        for (Index k = 0; k < own.parameter->value().count(); ++k) {
          const double start = static_cast<double>(from[k]), step = static_cast<double>(to[k]) - start;
          moved += step * step;
          size += start * start;
        }
      }
    }
    blocks.push_back(size > 0 ? std::sqrt(moved / size) : std::nan(""));
  }
  return blocks;
}

JsonObject FreezePictures::movement(Index epoch, Index step) const {
  return json_line("movement").add("epoch", epoch).add("step", step).add("blocks", moved());
}

void FreezePictures::take_end() {
  end_ = copy();
}

JsonObject FreezePictures::json(const DatasetPtr& train, const DatasetPtr& held_out,
                                const LoaderOptions& judging, const TaskPtr& task,
                                const DatasetPtr& known) const {
  const WeightsBack back{*this, copy()};
  const Weights& end = end_.values.empty() ? back.weights : end_;
  const DatasetPtr learned = some(train), other = some(held_out), shown = known ? some(known) : learned;
  JsonObject out = json_line("pictures");
  out.add("train_samples", learned->size()).add("held_out_samples", other->size());

  out.add("line", line(begin_, end, learned, other, judging, task));

  set(begin_);
  const Filters before = filters_of(parameters_, model_.input());
  const DataInfo& info = train->info();
  const bool probed = info.targets == TargetKind::classes && !info.label_each_step && !model_.each_step();
  std::vector<double> first, last;
  const auto probe = [&](std::vector<double>& shares) {
    const Features by = features_of(model_, shown, judging), on = features_of(model_, other, judging);
    for (std::size_t b = 0; b < by.size(); ++b)
      shares.push_back(linear_probe(by[b], on[b], train->class_count()));
    return on;
  };
  if (probed) probe(first);
  set(end);
  const Filters after = filters_of(parameters_, model_.input());
  if (probed) {
    const Features on = probe(last);
    std::vector<JsonObject> planes;
    for (const FeatureTable& table : on) planes.push_back(plane(table));
    std::vector<std::int64_t> labels(on[0].labels.begin(), on[0].labels.end());
    out.add("probes", JsonObject().add("samples", shown->size()).add("before", first).add("after", last));
    out.add("planes", planes).add("labels", labels);
    if (info.kind == DataKind::image) out.add("maps", maps_of(model_, other, judging));
  }
  if (!before.pictures.empty()) {
    const double most = std::max(greatest(before), greatest(after));
    out.add("filters", JsonObject()
                           .add("height", before.height)
                           .add("width", before.width)
                           .add("channels", before.channels)
                           .add("before", filter_texts(before, most))
                           .add("after", filter_texts(after, most)));
  }
  return out;
}

}  // namespace firn::cli
