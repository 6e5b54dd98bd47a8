#include "tools/app/run/adapt.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/error.h"

namespace firn::cli {

namespace {

/// Passes everything on; views override what they change.
class View : public Dataset {
 public:
  View(DataInfo info, DatasetPtr data) : Dataset(std::move(info)), data_(std::move(data)) {}

  Index size() const override { return data_->size(); }
  std::int32_t label(Index i) const override { return data_->label(i); }
  Index length(Index i) const override { return data_->length(i); }
  std::string place(Index i) const override { return data_->place(i); }
  void fill_numbers(Index i, std::span<real> to) const override { data_->fill_numbers(i, to); }
  void fill_tokens(Index i, std::span<std::int32_t> to) const override { data_->fill_tokens(i, to); }
  void fill_labels(Index i, std::span<std::int32_t> to) const override { data_->fill_labels(i, to); }
  void fill_targets(Index i, std::span<double> to) const override { data_->fill_targets(i, to); }

 protected:
  const Dataset& data() const { return *data_; }

 private:
  DatasetPtr data_;
};

class Colour : public View {
 public:
  using View::View;
  void fill_numbers(Index i, std::span<real> to) const override {
    const std::size_t pixels = to.size() / 3;
    const std::span<real> grey = to.first(pixels);
    data().fill_numbers(i, grey);
    for (std::size_t p = pixels; p-- > 0;) to[3 * p] = to[3 * p + 1] = to[3 * p + 2] = grey[p];
  }
};

class Grey : public View {
 public:
  using View::View;
  void fill_numbers(Index i, std::span<real> to) const override {
    // A view is read by several threads; the colours have no room in `to`.
    static thread_local std::vector<real> colours;
    colours.resize(3 * to.size());
    data().fill_numbers(i, colours);
    for (std::size_t p = 0; p < to.size(); ++p) {
      const real* c = &colours[3 * p];
      to[p] = real(0.299) * c[0] + real(0.587) * c[1] + real(0.114) * c[2];
    }
  }
};

class Relabelled : public View {
 public:
  Relabelled(DataInfo info, DatasetPtr data, std::vector<std::int32_t> new_label)
      : View(std::move(info), std::move(data)), new_label_(std::move(new_label)) {}
  std::int32_t label(Index i) const override { return new_label_[static_cast<std::size_t>(data().label(i))]; }
  void fill_labels(Index i, std::span<std::int32_t> to) const override {
    data().fill_labels(i, to);
    for (std::int32_t& label : to) label = new_label_[static_cast<std::size_t>(label)];
  }

 private:
  std::vector<std::int32_t> new_label_;
};

}  // namespace

DatasetPtr with_channels(DatasetPtr data, Index channels) {
  DataInfo info = data->info();
  const Index own = info.shape[-1];
  if (own == channels) return data;
  info.shape = info.shape.with(2, channels);
  if (own == 1 && channels == 3) return std::make_shared<Colour>(std::move(info), std::move(data));
  if (own == 3 && channels == 1) return std::make_shared<Grey>(std::move(info), std::move(data));
  throw Error(Fault::usage, "data",
              fmt::format("{}: images of {} channels, the model wants {}", info.name, own, channels));
}

DatasetPtr with_labels(DatasetPtr data, std::vector<std::string> classes,
                       std::vector<std::int32_t> new_label) {
  DataInfo info = data->info();
  info.classes = std::move(classes);
  return std::make_shared<Relabelled>(std::move(info), std::move(data), std::move(new_label));
}

}  // namespace firn::cli
