// Random changes of training images.
#pragma once

#include <cstdint>
#include <span>

#include "engine/base/real.h"
#include "engine/tensor/shape.h"

namespace firn {

/// A pure function of (seed, epoch, sample). Applied before `Preprocess`,
/// in this order: what is cut out and turned, flip, shift and crop, colours. Defaults change nothing.
struct Augment {
  bool flip = false;  ///< left and right are swapped, of each image in every other epoch
  Index shift = 0;    ///< moved by up to so many pixels in each direction, the border repeated
  Index crop = 0;     ///< padded by so many zeros on each side and cut back to size at a random place
  /// A rectangle of `resized` to 1 of the area, its sides as 3:4 to 4:3, brought to the image's size
  /// (bilinear): Szegedy et al. 2015, "Going deeper with convolutions", section 6. From 0 to 1.
  double resized = 1;
  double rotate = 0;  ///< turned about its middle by up to so many degrees either way, the border repeated
  /// Factors from 1 - b to 1 + b: of all numbers; of their distance from the image's mean grey; of that of
  /// each pixel from its own grey (of three channels, Rec. 601). What comes out lies within 0 and 1, or
  /// within the image's own numbers where these go beyond.
  double brightness = 0, contrast = 0, saturation = 0;

  bool any() const { return flip || shift > 0 || crop > 0 || resamples() || colours(); }
  /// Whether pixels are mixed of others.
  bool resamples() const { return resized < 1 || rotate > 0; }
  bool colours() const { return brightness > 0 || contrast > 0 || saturation > 0; }
  /// In so many ways an image is changed, in turn by epoch: a flip alone has two; 0: ever anew.
  Index views() const { return flip && shift == 0 && crop == 0 && !resamples() && !colours() ? 2 : 0; }
};

/// Throws Error(usage) where numbers are out of range or do not fit images of `shape` (H,W,C).
void check_augment(const Augment& augment, const Shape& shape);

/// Writes the changed `image` (H,W,C) to `to`, which must not overlap it.
void apply(const Augment& augment, const Shape& shape, std::uint64_t seed, std::uint64_t epoch, Index sample,
           std::span<const real> image, std::span<real> to);

}  // namespace firn
