#include "data/augment.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "engine/base/error.h"
#include "engine/base/rng.h"

namespace firn {

namespace {

/// Numbers from 0 to 1 for one kind of change, four a sample.
class Drawn {
 public:
  Drawn(std::string_view purpose, std::uint64_t seed, std::uint64_t epoch, Index sample)
      : random_(seed, purpose, epoch), first_(static_cast<std::uint64_t>(sample) * 4) {}
  double operator()(std::uint64_t which) const { return random_.at(first_ + which) * 0x1p-32; }

 private:
  Random random_;
  std::uint64_t first_;
};

/// Where the pixel of column 0, row 0 lies in an image, and how far the next column and the next row are.
struct Cut {
  double x = 0, y = 0;
  double column_x = 1, column_y = 0;
  double row_x = 0, row_y = 1;
};

/// A rectangle within an image that is turned about its middle.
Cut draw_cut(const Augment& augment, const Shape& shape, std::uint64_t seed, std::uint64_t epoch,
             Index sample) {
  const auto height = static_cast<double>(shape[0]), width = static_cast<double>(shape[1]);
  double cut_width = width, cut_height = height, left = 0, top = 0;
  if (augment.resized < 1) {
    const Drawn drawn("augment resized", seed, epoch, sample);
    const double area = (augment.resized + (1 - augment.resized) * drawn(0)) * width * height;
    const double reach = std::log(4.0 / 3.0);
    const double sides = std::exp(-reach + 2 * reach * drawn(1));
    cut_width = std::min(width, std::sqrt(area * sides));
    cut_height = std::min(height, std::sqrt(area / sides));
    left = (width - cut_width) * drawn(2);
    top = (height - cut_height) * drawn(3);
  }
  constexpr double kPi = 3.14159265358979323846;
  const double angle = augment.rotate / 180 * kPi * (2 * Drawn("augment rotate", seed, epoch, sample)(0) - 1);
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const double step_x = cut_width / width, step_y = cut_height / height;
  // The middle of the first pixel, seen from the middle of the image, before it is turned.
  const double x = left + step_x / 2 - width / 2, y = top + step_y / 2 - height / 2;
  return {.x = cosine * x - sine * y + width / 2 - 0.5,
          .y = sine * x + cosine * y + height / 2 - 0.5,
          .column_x = cosine * step_x,
          .column_y = sine * step_x,
          .row_x = -sine * step_y,
          .row_y = cosine * step_y};
}

/// Of the four pixels about a place; beyond the border those of the border.
void mix(const Cut& cut, const Shape& shape, std::span<const real> image, Index row, Index column, real* to) {
  const Index height = shape[0], width = shape[1], channels = shape[2];
  const double c = static_cast<double>(column), r = static_cast<double>(row);
  const double x = std::clamp(cut.x + c * cut.column_x + r * cut.row_x, 0.0, static_cast<double>(width - 1));
  const double y = std::clamp(cut.y + c * cut.column_y + r * cut.row_y, 0.0, static_cast<double>(height - 1));
  const auto x0 = static_cast<Index>(x), y0 = static_cast<Index>(y);
  const Index x1 = std::min(x0 + 1, width - 1), y1 = std::min(y0 + 1, height - 1);
  const auto right = static_cast<real>(x - static_cast<double>(x0));
  const auto below = static_cast<real>(y - static_cast<double>(y0));
  const auto pixel = [&](Index at_y, Index at_x) { return image.data() + (at_y * width + at_x) * channels; };
  const real *a = pixel(y0, x0), *b = pixel(y0, x1), *d = pixel(y1, x0), *e = pixel(y1, x1);
  for (Index k = 0; k < channels; ++k) {
    const real above_k = a[k] + (b[k] - a[k]) * right;
    const real below_k = d[k] + (e[k] - d[k]) * right;
    to[k] = above_k + (below_k - above_k) * below;
  }
}

double grey(const real* pixel, Index channels) {
  if (channels == 3) return 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
  double sum = 0;
  for (Index k = 0; k < channels; ++k) sum += pixel[k];
  return sum / static_cast<double>(channels);
}

void colour(const Augment& augment, Index channels, std::uint64_t seed, std::uint64_t epoch, Index sample,
            std::span<real> image) {
  const Drawn drawn("augment colour", seed, epoch, sample);
  const auto factor = [&](std::uint64_t which, double strength) {
    return 1 + strength * (2 * drawn(which) - 1);
  };
  const auto brightness = static_cast<real>(factor(0, augment.brightness));
  const auto contrast = static_cast<real>(factor(1, augment.contrast));
  const auto saturation = static_cast<real>(channels == 3 ? factor(2, augment.saturation) : 1.0);
  const auto width = static_cast<std::size_t>(channels);
  real low = 0, high = 1;
  double sum = 0;
  for (std::size_t at = 0; at + width <= image.size(); at += width) {
    sum += grey(image.data() + at, channels);
    for (std::size_t k = 0; k < width; ++k) {
      low = std::min(low, image[at + k]);
      high = std::max(high, image[at + k]);
    }
  }
  const auto mean =
      static_cast<real>(sum * static_cast<double>(width) / static_cast<double>(image.size())) * brightness;
  for (std::size_t at = 0; at + width <= image.size(); at += width) {
    real* pixel = image.data() + at;
    for (std::size_t k = 0; k < width; ++k) pixel[k] = (pixel[k] * brightness - mean) * contrast + mean;
    const auto own = static_cast<real>(grey(pixel, channels));
    for (std::size_t k = 0; k < width; ++k)
      pixel[k] = std::clamp(own + (pixel[k] - own) * saturation, low, high);
  }
}

}  // namespace

void check_augment(const Augment& augment, const Shape& shape) {
  const auto refuse = [](const std::string& what) { throw Error(Fault::usage, "augment", what); };
  const Index most = std::min(shape[0], shape[1]);
  if (augment.shift < 0 || augment.shift >= most || augment.crop < 0 || augment.crop >= most)
    refuse(fmt::format("shift {}, crop {} on images of {}", augment.shift, augment.crop, shape.text()));
  if (!(augment.resized > 0 && augment.resized <= 1))
    refuse(fmt::format("resized {}: want a share of the area above 0, up to 1", augment.resized));
  if (!(augment.rotate >= 0 && augment.rotate <= 180))
    refuse(fmt::format("rotate {}: want 0 to 180 degrees", augment.rotate));
  for (const double strength : {augment.brightness, augment.contrast, augment.saturation}) {
    if (!(strength >= 0 && strength <= 1))
      refuse(fmt::format("a strength of colour of {}, want 0 to 1", strength));
  }
}

void apply(const Augment& augment, const Shape& shape, std::uint64_t seed, std::uint64_t epoch, Index sample,
           std::span<const real> image, std::span<real> to) {
  const Random random(seed, "augment", epoch);
  const auto draw = [&](std::uint64_t which, Index reach) {
    const std::uint64_t bits = random.at(static_cast<std::uint64_t>(sample) * 8 + which);
    return static_cast<Index>(bits * static_cast<std::uint64_t>(2 * reach + 1) >> 32) - reach;
  };
  // Which of the two comes first is the image's own coin; then it is their turn.
  const std::uint64_t coin = Random(seed, "flip").at(static_cast<std::uint64_t>(sample));
  const bool flip = augment.flip && ((coin + epoch) & 1) != 0;
  const Index shift_y = draw(1, augment.shift);
  const Index shift_x = draw(2, augment.shift);
  const Index crop_y = draw(3, augment.crop);
  const Index crop_x = draw(4, augment.crop);

  const Index height = shape[0];
  const Index width = shape[1];
  const Index channels = shape[2];
  const bool resamples = augment.resamples();
  const Cut cut = resamples ? draw_cut(augment, shape, seed, epoch, sample) : Cut();
  real* out = to.data();
  for (Index y = 0; y < height; ++y) {
    for (Index x = 0; x < width; ++x, out += channels) {
      const Index cropped_y = y + crop_y;
      const Index cropped_x = x + crop_x;
      if (cropped_y < 0 || cropped_y >= height || cropped_x < 0 || cropped_x >= width) {
        std::fill_n(out, channels, real{0});
        continue;
      }
      const Index from_y = std::clamp(cropped_y + shift_y, Index{0}, height - 1);
      const Index from_x = std::clamp(cropped_x + shift_x, Index{0}, width - 1);
      const Index column = flip ? width - 1 - from_x : from_x;
      if (resamples) {
        mix(cut, shape, image, from_y, column, out);
      } else {
        std::copy_n(image.data() + (from_y * width + column) * channels, channels, out);
      }
    }
  }
  if (augment.colours()) colour(augment, channels, seed, epoch, sample, to);
}

}  // namespace firn
