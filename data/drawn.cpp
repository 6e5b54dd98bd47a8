#include "data/drawn.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "data/memory.h"
#include "engine/base/error.h"
#include "engine/base/rng.h"

namespace firn {

namespace {

constexpr Index kDrawnClasses = 60;
constexpr Index kDrawnTrain = 60, kDrawnTest = 15;  // of each class
constexpr Index kUsualSize = 28;
constexpr std::uint64_t kSeed = 2026;
constexpr double kPi = std::numbers::pi;
constexpr const char* kKinds[] = {"lines", "arc", "polygon", "cross", "blobs", "curves"};

/// In the square from -1 to 1, y downwards.
struct Point {
  double x = 0, y = 0;
};

/// A line through points, drawn with a pen of `width` times the usual one.
struct Stroke {
  std::vector<Point> points;
  double width = 1;
};

using Figure = std::vector<Stroke>;

Point somewhere(Random& random, double reach) {
  const double x = random.uniform(-reach, reach);
  return {x, random.uniform(-reach, reach)};
}

Point on_circle(Point centre, double radius, double angle) {
  return {centre.x + radius * std::cos(angle), centre.y + radius * std::sin(angle)};
}

Stroke through_centre(Point centre, double half, double angle) {
  return {{on_circle(centre, half, angle), on_circle(centre, -half, angle)}};
}

Stroke arc(Point centre, double radius, double from, double extent) {
  constexpr int kParts = 10;
  Stroke stroke;
  for (int i = 0; i <= kParts; ++i)
    stroke.points.push_back(on_circle(centre, radius, from + extent * i / kParts));
  return stroke;
}

/// A quadratic Bezier curve.
Stroke curve(Point a, Point control, Point b) {
  constexpr int kParts = 8;
  Stroke stroke;
  for (int i = 0; i <= kParts; ++i) {
    const double t = static_cast<double>(i) / kParts;
    const double u = 1 - t;
    stroke.points.push_back({u * u * a.x + 2 * u * t * control.x + t * t * b.x,
                             u * u * a.y + 2 * u * t * control.y + t * t * b.y});
  }
  return stroke;
}

Figure lines(Random& random) {
  Figure figure;
  const auto count = 1 + random.below(3);
  for (std::uint32_t i = 0; i < count; ++i)
    figure.push_back(
        through_centre(somewhere(random, 0.4), random.uniform(0.4, 0.8), random.uniform(0, kPi)));
  return figure;
}

Figure one_arc(Random& random) {
  const double from = random.uniform(0, 2 * kPi);
  const double extent = random.uniform(0.6, 2) * kPi;
  const double radius = random.uniform(0.4, 0.7);
  Figure figure{arc(somewhere(random, 0.15), radius, from, extent)};
  // Every second one has a tail, as 6 and 9 have.
  if (random.below(2) == 1) figure.push_back({{figure[0].points.back(), somewhere(random, 0.8)}});
  return figure;
}

Figure polygon(Random& random) {
  const auto corners = 3 + random.below(3);
  const double first = random.uniform(0, 2 * kPi);
  Stroke stroke;
  for (std::uint32_t i = 0; i <= corners; ++i) {
    const double angle = first + 2 * kPi * i / corners;
    stroke.points.push_back(on_circle({}, random.uniform(0.5, 0.8), angle));
  }
  stroke.points.back() = stroke.points.front();
  return {stroke};
}

Figure cross(Random& random) {
  const Point centre = somewhere(random, 0.3);
  const double angle = random.uniform(0, kPi);
  const double other = angle + random.uniform(0.3, 0.7) * kPi;
  Figure figure{through_centre(centre, random.uniform(0.5, 0.8), angle)};
  figure.push_back(through_centre(centre, random.uniform(0.4, 0.8), other));
  return figure;
}

Figure blobs(Random& random) {
  Figure figure;
  const auto count = 1 + random.below(3);
  for (std::uint32_t i = 0; i < count; ++i) {
    Stroke stroke = through_centre(somewhere(random, 0.5), random.uniform(0.02, 0.2), random.uniform(0, kPi));
    stroke.width = random.uniform(2, 3.5);
    figure.push_back(std::move(stroke));
  }
  return figure;
}

Figure curves(Random& random) {
  Figure figure;
  Point at = somewhere(random, 0.8);
  const auto count = 2 + random.below(3);
  for (std::uint32_t i = 0; i < count; ++i) {
    const Point control = somewhere(random, 0.9);
    const Point end = somewhere(random, 0.8);
    figure.push_back(curve(at, control, end));
    at = end;
  }
  return figure;
}

/// Moved to the middle and grown until it fills the square, as written characters are cut out.
Figure filling(Figure figure) {
  Point low{9, 9}, high{-9, -9};
  for (const Stroke& stroke : figure) {
    for (const Point& p : stroke.points) {
      low = {std::min(low.x, p.x), std::min(low.y, p.y)};
      high = {std::max(high.x, p.x), std::max(high.y, p.y)};
    }
  }
  const double grow = 1.6 / std::max(high.x - low.x, high.y - low.y);
  for (Stroke& stroke : figure) {
    for (Point& p : stroke.points)
      p = {grow * (p.x - (low.x + high.x) / 2), grow * (p.y - (low.y + high.y) / 2)};
  }
  return figure;
}

Figure figure_of(Index c) {
  static constexpr Figure (*kMakers[])(Random&) = {lines, one_arc, polygon, cross, blobs, curves};
  Random random(kSeed, "figure", static_cast<std::uint64_t>(c));
  const Figure figure = kMakers[c % 6](random);
  return c % 6 == 4 ? figure : filling(figure);
}

/// The figure as one hand draws it: an affine map, jitter.
Figure drawn(Figure figure, Random& random) {
  const double angle = random.uniform(-0.25, 0.25);
  const double wide = random.uniform(0.75, 1.1), high = random.uniform(0.75, 1.1);
  const double shear = random.uniform(-0.2, 0.2);
  const Point move = somewhere(random, 0.1);
  for (Stroke& stroke : figure) {
    const bool closed = stroke.points.size() > 2 && stroke.points.front().x == stroke.points.back().x &&
                        stroke.points.front().y == stroke.points.back().y;
    for (Point& p : stroke.points) {
      const double x = wide * (p.x + shear * p.y) + random.uniform(-0.04, 0.04);
      const double y = high * p.y + random.uniform(-0.04, 0.04);
      p = {std::cos(angle) * x - std::sin(angle) * y + move.x,
           std::sin(angle) * x + std::cos(angle) * y + move.y};
    }
    if (closed) stroke.points.back() = stroke.points.front();
  }
  return figure;
}

double distance(Point p, Point a, Point b) {
  const double dx = b.x - a.x, dy = b.y - a.y;
  const double length = dx * dx + dy * dy;
  const double along = length > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length, 0.0, 1.0) : 0;
  return std::hypot(p.x - a.x - along * dx, p.y - a.y - along * dy);
}

/// Ink of a pen of half width `pen` (in the square's units), its edge one pixel soft.
void rasterise(const Figure& figure, double pen, Index size, std::uint8_t* to) {
  const double pixel = 2.0 / static_cast<double>(size);
  for (Index row = 0; row < size; ++row) {
    for (Index column = 0; column < size; ++column) {
      const Point p{(static_cast<double>(column) + 0.5) * pixel - 1,
                    (static_cast<double>(row) + 0.5) * pixel - 1};
      double ink = 0;
      for (const Stroke& stroke : figure) {
        double nearest = 4;
        for (std::size_t i = 1; i < stroke.points.size(); ++i)
          nearest = std::min(nearest, distance(p, stroke.points[i - 1], stroke.points[i]));
        ink = std::max(ink, (pen * stroke.width - nearest) / pixel + 0.5);
      }
      *to++ = static_cast<std::uint8_t>(std::lround(255 * std::clamp(ink, 0.0, 1.0)));
    }
  }
}

DatasetPtr draw(Index each, const char* purpose, Index size) {
  DataInfo info;
  info.name = "drawn";
  info.kind = DataKind::image;
  info.shape = Shape({size, size, 1});
  for (Index c = 0; c < kDrawnClasses; ++c)
    info.classes.push_back(fmt::format("{} {}", kKinds[c % 6], c / 6 + 1));
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(kDrawnClasses * each * size * size));
  std::vector<std::int32_t> labels;
  for (Index i = 0; i < kDrawnClasses * each; ++i) {
    const Index c = i % kDrawnClasses;
    Random random(kSeed, purpose, static_cast<std::uint64_t>(i));
    const double thinnest = random.uniform(0.5, 0.9) * 2 / static_cast<double>(size);
    const double pen = std::max(thinnest, random.uniform(0.06, 0.16));
    rasterise(drawn(figure_of(c), random), pen, size, pixels.data() + i * size * size);
    labels.push_back(static_cast<std::int32_t>(c));
  }
  return make_byte_images(std::move(info), std::move(pixels), std::move(labels));
}

}  // namespace

DataParts open_drawn(const std::string&, const DataOptions& options) {
  const Index size = options.size > 0 ? options.size : kUsualSize;
  if (size < 6 || size > 256)
    throw Error(Fault::usage, "drawn", fmt::format("images of size {}: 6 to 256", size));
  return {.train = draw(kDrawnTrain, "drawn train", size), .test = draw(kDrawnTest, "drawn test", size)};
}

}  // namespace firn
