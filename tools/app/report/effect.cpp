#include "tools/app/report/effect.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/app/report/heat_map.h"
#include "tools/app/report/plot.h"
#include "tools/app/report/png.h"

namespace firn::cli::report {

namespace {

using Anchor = Svg::Anchor;
using ManyLooks = std::span<const Look>;

constexpr std::size_t kMostMoving = 8, kClassColours = 8;
constexpr std::size_t kMostPlanes = 8, kMostPoints = 160;  // of one look
constexpr std::size_t kFewPlanes = 4, kFewPoints = 100;    // of each of several
constexpr std::size_t kMostMarks = 12;                     // on a line that has a sign at each point

std::string block_name(const Look& look, std::size_t block) {
  return block < look.blocks.size() ? look.blocks[block] : fmt::format("block {}", block);
}

/// "How far each block moved: full tuning"
std::string title_of(const char* what, const Look& look) {
  return look.name.empty() ? what : fmt::format("{}: {}", what, look.name);
}

bool any(ManyLooks looks, bool (*has)(const Look&)) {
  return std::any_of(looks.begin(), looks.end(), has);
}

/// Of one look all is seen at once, of several what follows the first row is there to unfold.
void begin_part(Page& page, ManyLooks looks, std::string_view heading) {
  if (looks.size() > 1) {
    page.begin_fold(heading);
  } else {
    page.heading(heading);
  }
}

void end_part(Page& page, ManyLooks looks) {
  if (looks.size() > 1) page.end_fold();
}

PageTable movement_table(const Look& look) {
  PageTable table{.caption = title_of("How far each block is from where it began, over its own size", look),
                  .heads = {look.time}};
  for (std::size_t b = 0; b < look.moved.front().size(); ++b) table.heads.push_back(block_name(look, b));
  for (std::size_t i = 0; i < look.moved.size(); ++i) {
    table.rows.push_back({fmt::format("{:.4g}", look.at[i])});
    for (const double moved : look.moved[i])
      table.rows.back().push_back(std::isfinite(moved) ? fmt::format("{:.4f}", moved) : "–");
  }
  return table;
}

Svg movement_lines(const Look& look, double most) {
  Plot plot{
      .title = title_of("How far each block moved", look),
      .description = fmt::format("Relative distance of each block from where it began, by {}.", look.time)};
  plot.x = {.title = look.time, .from_zero = true, .whole = true};
  plot.y = {.title = "distance / size", .from_zero = true, .covers = {most}};
  plot.height = 300;
  for (std::size_t b = 0; b < look.moved.front().size(); ++b) {
    Series series{.name = block_name(look, b), .marks = look.moved.size() <= kMostMarks};
    for (std::size_t i = 0; i < look.moved.size(); ++i)
      series.points.push_back({look.at[i], look.moved[i][b]});
    plot.series.push_back(std::move(series));
  }
  return draw(plot);
}

Svg movement_map(const Look& look, double most) {
  HeatMap map{.title = title_of("How far each block moved", look),
              .description = fmt::format("Rows are blocks from the input, columns {}s.", look.time),
              .row_title = "block",
              .column_title = look.time};
  map.cell_width = 34;
  map.cell_height = 18;
  map.high = most;
  const std::size_t every = (look.moved.size() + 11) / 12;
  for (std::size_t b = 0; b < look.moved.front().size(); ++b) map.rows.push_back(block_name(look, b));
  for (std::size_t e = every - 1; e < look.moved.size(); e += every)
    map.columns.push_back(fmt::format("{:.3g}", look.at[e]));
  for (std::size_t b = 0; b < map.rows.size(); ++b)
    for (std::size_t e = every - 1; e < look.moved.size(); e += every) map.values.push_back(look.moved[e][b]);
  return draw(map);
}

constexpr const char* kMovementText =
    "How to read it: 0.1 means that the block's weights are a tenth of their own length away from "
    "where they began. A frozen block stays where it was; the steeper a line, the more the block "
    "still learns. After Zhang, Bengio and Singer: Are all layers created equal?, 2019.";

void add_movement(Page& page, ManyLooks looks) {
  double most = 0;
  for (const Look& look : looks)
    for (const auto& blocks : look.moved)
      for (const double moved : blocks) most = std::isfinite(moved) ? std::max(most, moved) : most;
  for (const Look& look : looks) {
    if (look.moved.empty()) continue;
    const bool few = look.moved.front().size() <= kMostMoving;
    page.figure(few ? movement_lines(look, most) : movement_map(look, most),
                looks.size() == 1 ? kMovementText : "", movement_table(look));
  }
}

void add_probes(Page& page, ManyLooks looks) {
  const Look& one = looks.front();
  const Effect& e = one.effect;
  if (e.probe_after.empty()) return;
  Plot plot{.title = "What a linear classifier can tell behind each block",
            .description =
                "Share of held-out samples answered rightly from each block's output, before and "
                "after training."};
  plot.x.title = "behind block";
  plot.y = {.title = "answered rightly", .unit = Unit::percent};
  plot.height = 300;
  PageTable table{.caption = "A linear classifier behind each block", .heads = {"<block", "before"}};
  Series before{.name = "before", .colour = 7};
  for (std::size_t b = 0; b < e.probe_after.size(); ++b) {
    plot.x.names.push_back(block_name(one, b));
    before.points.push_back({static_cast<double>(b), e.probe_before[b]});
    table.rows.push_back({block_name(one, b), number_text(e.probe_before[b], Unit::percent, 0.001)});
  }
  plot.series.push_back(std::move(before));
  int colour = 0;
  for (const Look& look : looks) {
    const std::string name = look.name.empty() ? "after" : "after " + look.name;
    Series after{.name = name, .colour = colour++};
    table.heads.push_back(name);
    for (std::size_t b = 0; b < look.effect.probe_after.size() && b < table.rows.size(); ++b) {
      after.points.push_back({static_cast<double>(b), look.effect.probe_after[b]});
      table.rows[b].push_back(number_text(look.effect.probe_after[b], Unit::percent, 0.001));
    }
    plot.series.push_back(std::move(after));
  }
  page.figure(draw(plot),
              fmt::format("How to read it: where a block answers as well before as after, training it had "
                          "little to give. Ridge regression on the means of a block's output over places, "
                          "learned from {} samples, judged on {} others. Alain and Bengio: Understanding "
                          "intermediate layers using linear classifier probes, 2016.",
                          e.probe_samples, e.held_out_samples),
              table);
}

Svg plane_svg(const Look& look, std::size_t block, std::size_t most) {
  constexpr double kSide = 220, kEdge = 8, kHead = 34;
  const Effect::Plane& plane = look.effect.planes[block];
  Svg svg(kSide, kSide + kHead, title_of(("Behind " + block_name(look, block)).c_str(), look),
          "Held-out samples on the first two principal components of this block's output, a sign a class.");
  svg.text(0, 13, block_name(look, block), Anchor::start, "strong");
  svg.text(0, 28, fmt::format("{:.0f} % of the variance", 100 * plane.share), Anchor::start, "muted small");
  const auto [left, right] = std::minmax_element(plane.x.begin(), plane.x.end());
  const auto [low, high] = std::minmax_element(plane.y.begin(), plane.y.end());
  const auto place = [&](double v, double least, double greatest) {
    return kEdge + (greatest > least ? (v - least) / (greatest - least) : 0.5) * (kSide - 2 * kEdge);
  };
  const double x0 = *left, x1 = *right, y0 = *low, y1 = *high;
  svg.rectangle(0.5, kHead + 0.5, kSide - 1, kSide - 1, "block");
  std::size_t drawn = 0;
  for (std::size_t i = 0; i < plane.x.size() && drawn < most; ++i) {
    const auto label = static_cast<std::size_t>(look.effect.labels[i]);
    if (label >= kClassColours || !std::isfinite(plane.x[i]) || !std::isfinite(plane.y[i])) continue;
    ++drawn;
    svg.marker(place(plane.x[i], x0, x1), kHead + kSide - place(plane.y[i], y0, y1), static_cast<int>(label),
               label < look.classes.size() ? look.classes[label] : "");
  }
  return svg;
}

void add_planes(Page& page, ManyLooks looks) {
  if (!any(looks, [](const Look& l) { return !l.effect.planes.empty() && !l.effect.labels.empty(); })) return;
  const Look& one = looks.front();
  begin_part(page, looks, "What the blocks make of held-out samples");
  std::string legend = "<p class=\"legend\">";
  for (std::size_t c = 0; c < std::min(one.classes.size(), kClassColours); ++c) {
    Svg sign(14, 14, one.classes[c], {});
    sign.marker(7, 7, static_cast<int>(c));
    legend += "<span>" + sign.decoration() + " " + escape(one.classes[c]) + "</span>\n";
  }
  page.markup(legend + "</p>\n");
  const bool alone = looks.size() == 1;
  for (const Look& look : looks) {
    const std::size_t blocks = look.effect.planes.size();
    if (blocks == 0 || look.effect.labels.empty()) continue;
    if (!look.name.empty()) page.markup("<h4>" + escape(look.name) + "</h4>\n");
    std::vector<Svg> panels;
    const std::size_t shown = std::min(blocks, alone ? kMostPlanes : kFewPlanes);
    for (std::size_t k = 0; k < shown; ++k)
      panels.push_back(plane_svg(look, shown > 1 ? k * (blocks - 1) / (shown - 1) : blocks - 1,
                                 alone ? kMostPoints : kFewPoints));
    page.panels(panels, 0);
  }
  page.paragraph(fmt::format(
      "How to read it: a sign is a sample, its colour and shape its class{}, its place the two directions in "
      "which the block's output varies most (principal components, Pearson 1901). Where classes lie apart a "
      "layer behind can tell them; what is not seen here may still lie apart in further directions, which "
      "the "
      "classifier above sees. A frozen block makes of a sample what it made of it before.",
      one.classes.size() > kClassColours
          ? fmt::format(" (the first {} of {})", kClassColours, one.classes.size())
          : ""));
  end_part(page, looks);
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

void add_filters(Page& page, ManyLooks looks) {
  if (!any(looks, [](const Look& l) { return !l.effect.filters_before.empty(); })) return;
  begin_part(page, looks, "The first filters, before and after");
  std::vector<Page::Picture> pictures;
  for (const Look& look : looks) {
    const Effect& e = look.effect;
    if (e.filters_before.empty() || e.filters_after.empty()) continue;
    if (pictures.empty())
      pictures.push_back(mosaic(e.filters_before, "before", "the first layer's filters before training"));
    const std::string name = look.name.empty() ? "after" : "after " + look.name;
    pictures.push_back(mosaic(e.filters_after, name, "the first layer's filters " + name));
  }
  page.pictures(pictures, true);
  page.paragraph(
      "How to read it: grey is 0, darker is below and lighter above. Where before and after are alike the "
      "layer was frozen or had nothing to learn; edges and blobs are what first layers learn on photographs. "
      "Zeiler and Fergus: Visualizing and understanding convolutional networks, 2014.");
  end_part(page, looks);
}

void add_maps(Page& page, ManyLooks looks) {
  if (!any(looks, [](const Look& l) { return !l.effect.maps.empty(); })) return;
  begin_part(page, looks, "One sample on its way through the blocks");
  for (const Look& look : looks) {
    const Effect& e = look.effect;
    if (e.maps.empty()) continue;
    const auto number = static_cast<std::size_t>(e.sample_class);
    const std::string what = number < look.classes.size() ? look.classes[number] : "a sample";
    if (!look.name.empty()) page.markup("<h4>" + escape(look.name) + "</h4>\n");
    std::vector<Page::Picture> pictures;
    if (!e.sample.pixels.empty())
      pictures.push_back(mosaic({e.sample}, "class " + what, "the sample, of the class " + what));
    for (const Effect::Maps& maps : e.maps) {
      const std::string block = block_name(look, static_cast<std::size_t>(maps.block));
      if (!maps.maps.empty())
        pictures.push_back(mosaic(maps.maps, "behind " + block,
                                  title_of(("the first channels behind " + block).c_str(), look)));
    }
    page.pictures(pictures, true);
  }
  page.paragraph(
      "How to read it: the first channels of each block's output, each from its least (black) to its "
      "greatest "
      "(white). Early blocks keep the picture, late ones answer to what they know in it. Yosinski et al.: "
      "Understanding neural networks through deep visualization, 2015.");
  end_part(page, looks);
}

void way_figure(Page& page, const Way& way, Plot plot, const std::string& loss, const std::string& caption) {
  plot.y = {.title = loss};
  plot.height = 300;
  PageTable table{.caption = plot.title, .heads = {"place", "training", "held out"}};
  Series train{.name = "training"}, other{.name = "held out"};
  for (std::size_t i = 0; i < way.places.size(); ++i) {
    train.points.push_back({way.places[i], way.on_train[i]});
    other.points.push_back({way.places[i], way.on_held_out[i]});
    table.rows.push_back({fmt::format("{:.3f}", way.places[i]), fmt::format("{:.4f}", way.on_train[i]),
                          fmt::format("{:.4f}", way.on_held_out[i])});
  }
  plot.series = {std::move(train), std::move(other)};
  page.figure(draw(plot), caption, table);
}

void add_ways(Page& page, ManyLooks looks) {
  if (!any(looks, [](const Look& l) { return !l.effect.way.places.empty(); })) return;
  if (looks.size() > 1) page.begin_fold("The loss from the beginning to the end");
  const std::string text =
      "How to read it: a slope without a hill means that nothing stood between the beginning and the "
      "end; a flat stretch around 1 that small changes of the weights cost little. Goodfellow, "
      "Vinyals and Saxe: Qualitatively characterizing neural network optimization problems, 2015; Li "
      "et al.: Visualizing the loss landscape of neural nets, 2018.";
  page.begin_row();
  for (const Look& look : looks) {
    if (look.effect.way.places.empty()) continue;
    Plot plot{.title = title_of("The loss from the beginning to the end", look),
              .description =
                  "Loss on training and held-out samples along the straight line of weights from "
                  "the beginning, 0, to those that were kept, 1."};
    plot.x = {.title = "0: weights of the beginning, 1: those that were kept"};
    way_figure(page, look.effect.way, std::move(plot), look.loss, looks.size() == 1 ? text : "");
  }
  page.end_row();
  if (looks.size() > 1) page.paragraph(text);
  end_part(page, looks);
}

/// How much higher the greatest loss between the ends lies than the straight line between theirs.
double hill_of(const std::vector<double>& places, const std::vector<double>& losses) {
  double first = std::nan(""), last = first, hill = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i] == 0) first = losses[i];
    if (places[i] == 1) last = losses[i];
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (places[i] <= 0 || places[i] >= 1) continue;
    hill = std::max(hill, losses[i] - ((1 - places[i]) * first + places[i] * last));
  }
  return std::isfinite(first) && std::isfinite(last) ? hill : std::nan("");
}

}  // namespace

void add_effect(Page& page, std::span<const Look> looks) {
  page.begin_row();
  add_movement(page, looks);
  add_probes(page, looks);
  page.end_row();
  if (looks.size() > 1 && any(looks, [](const Look& l) { return !l.moved.empty(); }))
    page.paragraph(kMovementText);
  add_planes(page, looks);
  add_filters(page, looks);
  add_maps(page, looks);
  add_ways(page, looks);
}

void add_way(Page& page, const Way& way, const std::string& from, const std::string& to,
             const std::string& loss) {
  Plot plot{
      .title = fmt::format("The loss between {} and {}", from, to),
      .description = fmt::format("Loss on training and held-out samples along the straight line of weights "
                                 "from those of {}, 0, to those of {}, 1.",
                                 from, to)};
  plot.x = {.title = fmt::format("0: {}, 1: {}", from, to)};
  const double hill = hill_of(way.places, way.on_train);
  way_figure(
      page, way, std::move(plot), loss,
      fmt::format(
          "How to read it: where no hill stands between them both solutions lie in one valley, "
          "and freezing only chose another place in it; a hill means that they are different "
          "solutions.{} Frankle et al.: Linear mode connectivity and the lottery ticket "
          "hypothesis, 2020.",
          std::isfinite(hill) ? fmt::format(" On the training samples the hill is {:.3f} high.", hill) : ""));
}

}  // namespace firn::cli::report
