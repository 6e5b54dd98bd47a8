#include "tools/app/report/effect.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "tools/app/report/heat_map.h"
#include "tools/app/report/png.h"
#include "tools/app/report/training_words.h"

namespace firn::cli::report {

namespace {

using Anchor = Svg::Anchor;

constexpr std::size_t kMostMoving = 8, kMostPlanes = 8, kMostPoints = 160, kClassColours = 8;

std::string block_name(const TrainingRecord& run, std::size_t block) {
  return block < run.blocks.size() ? run.blocks[block].name : fmt::format("block {}", block);
}

void add_movement(Page& page, const TrainingRecord& run) {
  if (run.movement.empty()) return;
  const std::size_t blocks = run.movement.front().blocks.size();
  PageTable table{.caption = "How far each block is from where it began, over its own size",
                  .heads = {"epoch"}};
  for (std::size_t b = 0; b < blocks; ++b) table.heads.push_back(block_name(run, b));
  for (const auto& m : run.movement) {
    table.rows.push_back({fmt::format("{}", m.epoch)});
    for (const double moved : m.blocks)
      table.rows.back().push_back(std::isfinite(moved) ? fmt::format("{:.4f}", moved) : "–");
  }
  const char* reading =
      "A block that is frozen stays at 0, or where it was when it froze; how steep a line is says how much "
      "the block still "
      "learns. Read it after Zhang, Bengio and Singer: Are all layers created equal?, 2019.";
  if (blocks <= kMostMoving) {
    Plot plot = epoch_plot("How far each block moved",
                           "Relative distance of each block from where it began, by epoch.",
                           "distance / size", Unit::plain);
    plot.y.from_zero = true;
    for (std::size_t b = 0; b < blocks; ++b) {
      Series series{.name = block_name(run, b), .marks = run.movement.size() <= 30};
      series.points.push_back({0, 0});
      for (const auto& m : run.movement) series.points.push_back({static_cast<double>(m.epoch), m.blocks[b]});
      plot.series.push_back(std::move(series));
    }
    return page.figure(draw(plot), reading, table);
  }
  HeatMap map{.title = "How far each block moved",
              .description = "Rows are blocks from the input, columns epochs.",
              .row_title = "block",
              .column_title = "epoch"};
  map.cell_width = 34;
  map.cell_height = 18;
  const std::size_t every = (run.movement.size() + 11) / 12;
  for (std::size_t b = 0; b < blocks; ++b) map.rows.push_back(block_name(run, b));
  for (std::size_t e = every - 1; e < run.movement.size(); e += every)
    map.columns.push_back(fmt::format("{}", run.movement[e].epoch));
  for (std::size_t b = 0; b < blocks; ++b)
    for (std::size_t e = every - 1; e < run.movement.size(); e += every)
      map.values.push_back(run.movement[e].blocks[b]);
  page.figure(draw(map), reading, table);
}

void add_probes(Page& page, const TrainingRecord& run) {
  const Effect& e = run.effect;
  if (e.probe_after.empty()) return;
  Plot plot{
      .title = "What a linear classifier answers behind each block",
      .description =
          "Share of held-out samples answered rightly from each block's output, before and after training."};
  plot.x.title = "behind block";
  plot.y = {.title = "answered rightly", .unit = Unit::percent};
  plot.height = 300;
  PageTable table{.caption = "A linear classifier behind each block", .heads = {"<block", "before", "after"}};
  Series before{.name = "before", .colour = 7}, after{.name = "after", .colour = 0};
  for (std::size_t b = 0; b < e.probe_after.size(); ++b) {
    plot.x.names.push_back(block_name(run, b));
    before.points.push_back({static_cast<double>(b), e.probe_before[b]});
    after.points.push_back({static_cast<double>(b), e.probe_after[b]});
    table.rows.push_back({block_name(run, b), percent(e.probe_before[b]), percent(e.probe_after[b])});
  }
  plot.series = {std::move(before), std::move(after)};
  page.figure(
      draw(plot),
      fmt::format(
          "Ridge regression on the means of a block's output over places, learned from {} samples, judged on "
          "{} others. Where a frozen block answers as well before as after, training it had little to give. "
          "Alain and Bengio: Understanding intermediate layers using linear classifier probes, 2016.",
          e.train_samples, e.held_out_samples),
      table);
}

Svg plane_svg(const TrainingRecord& run, std::size_t block) {
  constexpr double kSide = 220, kEdge = 8, kHead = 34;
  const Effect::Plane& plane = run.effect.planes[block];
  Svg svg(kSide, kSide + kHead, "Behind " + block_name(run, block),
          "Held-out samples on the first two principal components of this block's output, a sign a class.");
  svg.text(0, 13, block_name(run, block), Anchor::start, "strong");
  svg.text(0, 28, fmt::format("{:.0f} % of the variance", 100 * plane.share), Anchor::start, "muted small");
  const auto [left, right] = std::minmax_element(plane.x.begin(), plane.x.end());
  const auto [low, high] = std::minmax_element(plane.y.begin(), plane.y.end());
  const auto place = [&](double v, double least, double most) {
    return kEdge + (most > least ? (v - least) / (most - least) : 0.5) * (kSide - 2 * kEdge);
  };
  const double x0 = *left, x1 = *right, y0 = *low, y1 = *high;
  svg.rectangle(0.5, kHead + 0.5, kSide - 1, kSide - 1, "block");
  std::size_t drawn = 0;
  for (std::size_t i = 0; i < plane.x.size() && drawn < kMostPoints; ++i) {
    const auto label = static_cast<std::size_t>(run.effect.labels[i]);
    if (label >= kClassColours || !std::isfinite(plane.x[i]) || !std::isfinite(plane.y[i])) continue;
    ++drawn;
    svg.marker(place(plane.x[i], x0, x1), kHead + kSide - place(plane.y[i], y0, y1), static_cast<int>(label),
               label < run.classes.size() ? run.classes[label] : "");
  }
  return svg;
}

void add_planes(Page& page, const TrainingRecord& run) {
  const std::size_t blocks = run.effect.planes.size();
  if (blocks == 0 || run.effect.labels.empty()) return;
  page.heading("What the blocks make of held-out samples");
  std::string legend = "<p class=\"legend\">";
  for (std::size_t c = 0; c < std::min(run.classes.size(), kClassColours); ++c) {
    Svg sign(14, 14, run.classes[c], {});
    sign.marker(7, 7, static_cast<int>(c));
    legend += "<span>" + sign.decoration() + " " + escape(run.classes[c]) + "</span>\n";
  }
  page.markup(legend + "</p>\n");
  std::vector<Svg> panels;
  const std::size_t shown = std::min(blocks, kMostPlanes);
  for (std::size_t k = 0; k < shown; ++k)
    panels.push_back(plane_svg(run, shown > 1 ? k * (blocks - 1) / (shown - 1) : blocks - 1));
  page.panels(panels, 0);
  page.paragraph(
      fmt::format("A sign a sample, its colour and shape its class{}: the two directions in which a block's "
                  "output varies most (principal "
                  "components; Pearson 1901). Where classes lie apart, a layer behind can tell them; what is "
                  "not seen here may still be "
                  "told in further directions, which the classifier above sees.",
                  run.classes.size() > kClassColours ? fmt::format(" (the first {})", kClassColours) : ""));
}

/// Pictures of one size beside and below each other, grey between them.
Page::Picture mosaic(const std::vector<Effect::Picture>& parts, std::string caption,
                     std::string description) {
  constexpr Index kColumns = 4;
  const Index height = parts[0].height, width = parts[0].width, channels = parts[0].channels;
  const Index count = static_cast<Index>(parts.size()), columns = std::min(count, kColumns);
  const Index rows = (count + columns - 1) / columns;
  const Index whole = columns * (width + 1) - 1, tall = rows * (height + 1) - 1;
  std::vector<real> pixels(static_cast<std::size_t>(whole * tall * channels), real(0.5));
  for (Index p = 0; p < count; ++p) {
    const Index top = p / columns * (height + 1), left = p % columns * (width + 1);
    for (Index y = 0; y < height; ++y) {
      for (Index i = 0; i < width * channels; ++i) {
        pixels[static_cast<std::size_t>(((top + y) * whole + left) * channels + i)] =
            static_cast<real>(parts[static_cast<std::size_t>(p)]
                                  .pixels[static_cast<std::size_t>(y * width * channels + i)]) /
            255;
      }
    }
  }
  return {png(pixels, tall, whole, channels), std::move(caption), std::move(description)};
}

void add_filters(Page& page, const TrainingRecord& run) {
  const Effect& e = run.effect;
  if (e.filters_before.empty() || e.filters_after.empty()) return;
  page.heading("The first filters, before and after");
  page.pictures({mosaic(e.filters_before, "before", "the first layer's filters before training"),
                 mosaic(e.filters_after, "after", "the first layer's filters after training")},
                true);
  page.paragraph(
      "Grey is 0, on both sides the same scale. Alike: the layer was frozen, or had nothing to learn; edges "
      "and blobs are "
      "what first layers learn on photographs. Zeiler and Fergus: Visualizing and understanding "
      "convolutional networks, 2014.");
}

void add_maps(Page& page, const TrainingRecord& run) {
  const Effect& e = run.effect;
  if (e.maps.empty()) return;
  const auto name = static_cast<std::size_t>(e.sample_class);
  const std::string what = name < run.classes.size() ? run.classes[name] : "a sample";
  page.heading("One sample on its way through the blocks");
  std::vector<Page::Picture> pictures;
  if (!e.sample.pixels.empty())
    pictures.push_back(mosaic({e.sample}, what, "the sample, of the class " + what));
  for (const Effect::Maps& maps : e.maps) {
    const std::string block = block_name(run, static_cast<std::size_t>(maps.block));
    if (!maps.maps.empty())
      pictures.push_back(mosaic(maps.maps, block, "the first channels that " + block + " gives for it"));
  }
  page.pictures(pictures, true);
  page.paragraph(
      "The first channels of each block's output, each from its least (black) to its greatest (white). Early "
      "blocks keep the "
      "picture, late ones answer to what they know in it. Yosinski et al.: Understanding neural networks "
      "through deep "
      "visualization, 2015.");
}

void add_line(Page& page, const TrainingRecord& run) {
  const Effect& e = run.effect;
  if (e.places.empty()) return;
  Plot plot{
      .title = "The loss between the beginning and the end",
      .description =
          "Loss on training and held-out samples along the straight line of weights from the beginning, 0, "
          "to those that were kept, 1."};
  plot.x = {.title = "0: weights of the beginning, 1: those that were kept"};
  plot.y = {.title = loss_words(run)};
  plot.height = 300;
  PageTable table{.caption = "Loss along the line", .heads = {"place", "training", "held out"}};
  Series train{.name = "training"}, other{.name = "held out"};
  for (std::size_t i = 0; i < e.places.size(); ++i) {
    train.points.push_back({e.places[i], e.on_train[i]});
    other.points.push_back({e.places[i], e.on_held_out[i]});
    table.rows.push_back({fmt::format("{:.3f}", e.places[i]), fmt::format("{:.4f}", e.on_train[i]),
                          fmt::format("{:.4f}", e.on_held_out[i])});
  }
  plot.series = {std::move(train), std::move(other)};
  page.figure(draw(plot),
              "A slope without a hill: what trains went straight down, what is frozen barred no way. A flat "
              "place at 1: small "
              "changes of the weights cost little. Goodfellow, Vinyals and Saxe: Qualitatively "
              "characterizing neural network "
              "optimization problems, 2015; Li et al.: Visualizing the loss landscape of neural nets, 2018.",
              table);
}

}  // namespace

void add_effect(Page& page, const TrainingRecord& run) {
  if (run.movement.empty() && run.effect.places.empty()) return;
  page.section("What freezing did", "effect");
  page.begin_row();
  add_movement(page, run);
  add_probes(page, run);
  page.end_row();
  add_planes(page, run);
  add_filters(page, run);
  add_maps(page, run);
  add_line(page, run);
}

}  // namespace firn::cli::report
