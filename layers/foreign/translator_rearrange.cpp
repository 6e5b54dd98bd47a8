// Rules of what rearranges numbers: padding, reshaping, joining, taking some of them.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "layers/foreign/translator.h"

namespace firn {

void Translator::pad(const ForeignNode& node) {
  Stream s = settled(node, stream(node, 0));
  std::vector<Index> pads = numbers_of(node, "pads", 1);
  const double value = !node.has("value") && node.inputs.size() > 2 && node.inputs[2] >= 0
                           ? wanted_constant(node, 2, "value").number(0)
                           : node.number("value", 0);
  if (value != 0) fail(node, fmt::format("pads with {}, firn pads with 0", value));
  // For each axis that it names: all of them, some, or as PyTorch says it from the last on.
  std::vector<Index> before(s.sizes.size(), 0), behind(s.sizes.size(), 0);
  const std::vector<Index> named = numbers_of(node, "axes", 3);
  const std::size_t half = pads.size() / 2;
  const bool from_last = node.has("from_last");
  if (pads.size() % 2 != 0 || half > s.sizes.size() || (!named.empty() && named.size() != half))
    fail(node, fmt::format("pads {} by {}", sizes_text(s.sizes), sizes_text(pads)));
  for (std::size_t i = 0; i < half; ++i) {
    const Index which = from_last       ? -1 - static_cast<Index>(i)
                        : named.empty() ? static_cast<Index>(i)
                                        : named[i];
    const auto axis = static_cast<std::size_t>(axis_of(node, s, which));
    before[axis] = from_last ? pads[2 * i] : pads[i];
    behind[axis] = from_last ? pads[2 * i + 1] : pads[half + i];
    if (before[axis] < 0 || behind[axis] < 0)
      fail(node, fmt::format("pads by {}, firn pads by 0 or more", sizes_text(pads)));
  }
  Padded all{s.layer, {}, {}};
  for (std::size_t axis = 0; axis < s.sizes.size(); ++axis) {
    if (before[axis] + behind[axis] == 0) continue;
    if (static_cast<int>(axis) == s.memory[0]) fail(node, "pads the batch");
    if (std::find(s.memory.begin(), s.memory.end(), static_cast<int>(axis)) == s.memory.end()) {
      std::vector<int> memory = s.memory;
      memory.insert(memory.begin() + 1, static_cast<int>(axis));
      s = ordered(node, s, memory);
      all.source = s.layer;
    }
  }
  for (std::size_t i = 0; i < s.memory.size(); ++i) {
    const auto axis = static_cast<std::size_t>(s.memory[i]);
    all.before.push_back(before[axis]);
    all.behind.push_back(behind[axis]);
    if (before[axis] + behind[axis] == 0) continue;
    s.sizes[axis] += before[axis] + behind[axis];
    LayerSpec spec("zero_pad");
    spec.option("axis", static_cast<Index>(i), -1)
        .option("before", before[axis], 0)
        .option("behind", behind[axis], 0);
    s = emit(node, std::move(spec), s);
  }
  if (s.layer != all.source) padded_[s.layer] = std::move(all);
  give(node, std::move(s));
}

void Translator::resize(const ForeignNode& node) {
  if (node.has("interpolates")) fail(node, "interpolates between places, firn repeats them (nearest)");
  Stream s = channels_last(node, stream(node, 0));
  const auto axes = s.sizes.size();
  if (axes != 4) fail(node, fmt::format("enlarges {}, firn enlarges images", sizes_text(s.sizes)));
  std::vector<double> factors;
  if (const auto found = node.numbers.find("factors"); found != node.numbers.end()) factors = found->second;
  const bool scales = factors.empty() && !node.has("sizes") && node.inputs.size() > 1 && node.inputs[1] >= 0;
  if (scales) {
    const ForeignConstant& given = wanted_constant(node, 1, "scales");
    for (Index i = 0; i < given.count(); ++i) factors.push_back(given.number(i));
  }
  if (factors.empty()) {
    const std::vector<Index> sizes = numbers_of(node, "sizes", 2);  // of all axes or of the image's
    const std::size_t less = axes - std::min(axes, sizes.size());
    for (std::size_t i = 0; i < axes; ++i)
      factors.push_back(i < less || sizes.empty()
                            ? 1
                            : static_cast<double>(sizes[i - less]) / static_cast<double>(s.sizes[i]));
  }
  const bool whole = factors.size() == axes && factors[0] == 1 && factors[1] == 1 &&
                     std::all_of(factors.begin(), factors.end(), [](double f) {
                       return f >= 1 && f <= (1 << 10) && f == static_cast<double>(static_cast<Index>(f));
                     });
  if (!whole || node.has("other_places"))
    fail(node, fmt::format("enlarges by {}{}: firn's upsample repeats each place a whole number of times",
                           fmt::join(factors, " x "), node.has("other_places") ? " from other places" : ""));
  const Index h = static_cast<Index>(factors[2]), w = static_cast<Index>(factors[3]);
  if (h == 1 && w == 1) return give(node, std::move(s));
  s.sizes[2] *= h;
  s.sizes[3] *= w;
  const std::string factor = h == w ? std::to_string(h) : fmt::format("{}x{}", h, w);
  give(node, emit(node, LayerSpec("upsample").bare("factor", factor), s));
}

void Translator::reshape(const ForeignNode& node) {
  const Stream s = stream(node, 0);
  std::vector<Index> sizes = numbers_of(node, "sizes", 1);
  Index known = 1, all = 1, open = -1;
  for (const Index size : s.sizes) all *= size;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0 && node.has("zero_copies") && i < s.sizes.size()) sizes[i] = s.sizes[i];
    if (sizes[i] == -1) {
      if (open >= 0) fail(node, "leaves two sizes open");
      open = static_cast<Index>(i);
    } else if (sizes[i] < 1 || known > all / sizes[i]) {
      fail(node, fmt::format("makes {} of {}", sizes_text(sizes), sizes_text(s.sizes)));
    } else {
      known *= sizes[i];
    }
  }
  if (open >= 0) sizes[static_cast<std::size_t>(open)] = all / known;
  give(node, reshaped(node, s, sizes));
}

void Translator::flatten(const ForeignNode& node) {
  const Stream s = stream(node, 0);
  std::vector<Index> sizes;
  if (node.has("before")) {  // ONNX: two dimensions, the first of the axes before this one
    const Index axis =
        node.whole("before", 1) < 0 ? node.whole("before", 1) + s.rank() : node.whole("before", 1);
    sizes = {1, 1};
    for (int i = 0; i < s.rank(); ++i) sizes[i < axis ? 0 : 1] *= s.size(i);
  } else {
    const int first = axis_of(node, s, node.whole("first", 0)),
              last = axis_of(node, s, node.whole("last", -1));
    for (int i = 0; i < s.rank(); ++i) {
      if (i > first && i <= last) {
        sizes.back() *= s.size(i);
      } else {
        sizes.push_back(s.size(i));
      }
    }
  }
  give(node, reshaped(node, s, sizes));
}

void Translator::permute(const ForeignNode& node) {
  const Stream s = stream(node, 0);
  std::vector<int> order;
  for (const Index axis : node.wholes("order")) order.push_back(axis_of(node, s, axis));
  if (order.empty()) {
    for (int axis = s.rank(); axis-- > 0;) order.push_back(axis);
  }
  std::vector<int> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (int i = 0; i < static_cast<int>(sorted.size()); ++i) {
    if (sorted[static_cast<std::size_t>(i)] != i) fail(node, "its order names an axis twice");
  }
  if (static_cast<int>(order.size()) != s.rank()) fail(node, "its order has another number of axes");
  give(node, permuted(node, s, order));
}

void Translator::transpose(const ForeignNode& node) {
  const Stream s = stream(node, 0);
  std::vector<int> order(static_cast<std::size_t>(s.rank()));
  std::iota(order.begin(), order.end(), 0);
  const std::vector<Index> axes = node.wholes("axes");
  if (axes.size() != 2) fail(node, "exchanges other than two axes");
  std::swap(order[static_cast<std::size_t>(axis_of(node, s, axes[0]))],
            order[static_cast<std::size_t>(axis_of(node, s, axes[1]))]);
  give(node, permuted(node, s, order));
}

void Translator::squeeze(const ForeignNode& node) {
  const Stream s = stream(node, 0);
  std::set<int> axes;
  for (const Index axis : numbers_of(node, "axes", 1)) axes.insert(axis_of(node, s, axis));
  if (axes.empty()) {
    for (int axis = 0; axis < s.rank(); ++axis) {
      if (axis != s.memory[0]) axes.insert(axis);
    }
  }
  if (s.states_of >= 0 && s.size(0) == 1 && axes == std::set<int>{0}) return give(node, last_of(node, s));
  give(node, without(node, s, axes));
}

/// Axes of one place are left out.
Stream Translator::without(const ForeignNode& node, Stream s, const std::set<int>& axes) {
  std::vector<Index> sizes;
  std::vector<int> place;
  for (int axis = 0; axis < s.rank(); ++axis) {
    const bool goes = axes.contains(axis) && s.size(axis) == 1;
    if (goes && axis == s.memory[0]) fail(node, "leaves out the batch");
    place.push_back(goes ? -1 : static_cast<int>(sizes.size()));
    if (!goes) sizes.push_back(s.size(axis));
  }
  if (sizes.size() == s.sizes.size()) return s;
  s = settled(node, s);
  std::vector<int> memory;
  for (const int axis : s.memory) {
    if (place[static_cast<std::size_t>(axis)] >= 0) memory.push_back(place[static_cast<std::size_t>(axis)]);
  }
  s.sizes = std::move(sizes);
  s.memory = std::move(memory);
  for (int axis = 0; axis < s.rank() && s.memory.size() < 2; ++axis) {
    if (axis != s.memory[0]) s.memory.push_back(axis);
  }
  return viewed(node, s);
}

void Translator::unsqueeze(const ForeignNode& node) {
  Stream s = settled(node, stream(node, 0));
  std::vector<Index> axes = numbers_of(node, "axes", 1);
  const Index rank = s.rank() + static_cast<Index>(axes.size());
  for (Index& axis : axes) {
    if (axis < 0) axis += rank;
    if (axis < 0 || axis >= rank) fail(node, fmt::format("axis {} of {}", axis, rank));
  }
  std::sort(axes.begin(), axes.end());
  for (const Index axis : axes) {
    s.sizes.insert(s.sizes.begin() + axis, 1);
    for (int& one : s.memory) one += one >= axis ? 1 : 0;
  }
  give(node, std::move(s));
}

void Translator::concat(const ForeignNode& node) {
  std::vector<Stream> parts;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) parts.push_back(settled(node, stream(node, i)));
  if (parts.empty()) fail(node, "joins nothing");
  if (parts.size() == 1) return give(node, parts[0]);
  Stream s = parts[0];
  const int axis = axis_of(node, s, node.whole("axis", 0));
  if (axis == s.memory[0]) fail(node, "joins batches");
  if (std::find(s.memory.begin(), s.memory.end(), axis) == s.memory.end()) {
    std::vector<int> memory = s.memory;
    memory.push_back(axis);
    s = ordered(node, s, memory);
  }
  std::vector<int> inputs;
  Index total = 0;
  for (const Stream& part : parts) {
    std::vector<Index> sizes = part.sizes;
    if (sizes.size() != s.sizes.size())
      fail(node, fmt::format("joins {} and {}", sizes_text(s.sizes), sizes_text(sizes)));
    total += sizes[static_cast<std::size_t>(axis)];
    sizes[static_cast<std::size_t>(axis)] = s.size(axis);
    if (sizes != s.sizes)
      fail(node, fmt::format("joins {} and {}", sizes_text(s.sizes), sizes_text(part.sizes)));
    inputs.push_back(ordered(node, part, s.memory).layer);
  }
  const auto at = std::find(s.memory.begin(), s.memory.end(), axis) - s.memory.begin();
  LayerSpec spec("concat");
  if (at + 1 < static_cast<std::ptrdiff_t>(s.memory.size())) spec.option("axis", static_cast<Index>(at), -1);
  s.sizes[static_cast<std::size_t>(axis)] = total;
  give(node, emit(node, std::move(spec), s, inputs));
}

Stream Translator::last_of(const ForeignNode& node, const Stream& states) {
  Stream s = sequences_.at(states.states_of);
  const Index features = states.sizes[2], samples = states.sizes[1];
  s.sizes = {samples, features};
  s.memory = {0, 1};
  return emit(node, LayerSpec("last"), s);
}

void Translator::select(const ForeignNode& node) {
  Stream s = stream(node, 0);
  const int axis = axis_of(node, s, node.whole("axis", 0));
  Index index = node.whole("index", 0);
  if (node.op == "gather") index = whole_of(wanted_constant(node, 1, "index").number(0));
  if (index < 0) index += s.size(axis);
  if (index < 0 || index >= s.size(axis))
    fail(node, fmt::format("takes place {} of {}", index, s.size(axis)));
  if (s.states_of >= 0 && axis == 0 && index == s.size(0) - 1) return give(node, last_of(node, s));
  s = settled(node, s);
  if (s.memory.size() == 3 && s.memory[1] == axis && index == s.size(axis) - 1) {
    s.memory.erase(s.memory.begin() + 1);
    s.sizes[static_cast<std::size_t>(axis)] = 1;
    s = emit(node, LayerSpec("last"), s);
  } else {
    s = sliced(node, s, axis, index, index + 1, 1);
  }
  give(node, without(node, s, {axis}));
}

void Translator::gather(const ForeignNode& node) {
  if (!node.inputs.empty() && constant(node.inputs[0]) != nullptr) return embedding(node);
  const ForeignConstant& indices = wanted_constant(node, 1, "index");
  if (indices.count() == 1 && indices.sizes.empty()) return select(node);
  // Several places are runs of neighbours, one behind the other.
  constexpr Index kMostPlaces = 256;
  if (indices.sizes.size() != 1 || indices.count() < 1 || indices.count() > kMostPlaces)
    fail(node, fmt::format("takes places {}, firn takes some of one axis", sizes_text(indices.sizes)));
  Stream s = settled(node, stream(node, 0));
  const int axis = axis_of(node, s, node.whole("axis", 0));
  const Index size = s.size(axis), many = indices.count();
  std::vector<Index> places;
  for (Index i = 0; i < many; ++i) {
    const Index place = whole_of(indices.number(i));
    places.push_back(place < 0 ? place + size : place);
  }
  std::vector<int> runs;
  for (std::size_t i = 0, end = 0; i < places.size(); i = end) {
    for (end = i + 1; end < places.size() && places[end] == places[end - 1] + 1;) ++end;
    runs.push_back(sliced(node, s, axis, places[i], places[end - 1] + 1, 1).layer);
  }
  s.sizes[static_cast<std::size_t>(axis)] = many;
  if (runs.size() == 1) {
    s.layer = runs[0];
    return give(node, std::move(s));
  }
  const auto at = std::find(s.memory.begin(), s.memory.end(), axis) - s.memory.begin();
  give(node, emit(node, LayerSpec("concat").option("axis", static_cast<Index>(at), -1), s, runs));
}

void Translator::slice(const ForeignNode& node) {
  Stream s = stream(node, 0);
  const std::vector<Index> begin = numbers_of(node, "begin", 1), end = numbers_of(node, "end", 2);
  const std::vector<Index> axes = numbers_of(node, "axes", 3), step = numbers_of(node, "step", 4);
  if (begin.size() != end.size()) fail(node, "has other numbers of beginnings and ends");
  for (std::size_t i = 0; i < begin.size(); ++i) {
    const int axis = axis_of(node, s, i < axes.size() ? axes[i] : static_cast<Index>(i));
    const Index size = s.size(axis);
    const auto bound = [&](Index at) { return std::clamp<Index>(at < 0 ? at + size : at, 0, size); };
    const Index by = i < step.size() ? step[i] : 1;
    // "all of it", as x[:, -1] has for the batch: an end that no batch reaches.
    if (begin[i] == 0 && end[i] >= std::numeric_limits<std::int32_t>::max() && by == 1) continue;
    s = sliced(node, s, axis, bound(begin[i]), bound(end[i]), by);
  }
  give(node, std::move(s));
}

void Translator::split(const ForeignNode& node) {
  const Stream s = stream(node, 0);
  const int axis = axis_of(node, s, node.whole("axis", 0));
  const Index size = s.size(axis);
  std::vector<Index> sizes = numbers_of(node, "sizes", 1);
  if (sizes.empty()) {
    const Index parts = node.whole("parts", static_cast<Index>(node.outputs.size()));
    const Index each = node.whole("each", parts > 0 ? (size + parts - 1) / parts : 0);
    if (each < 1) fail(node, fmt::format("splits {} places into {}", size, parts));
    for (Index begin = 0; begin < size; begin += each) sizes.push_back(std::min(each, size - begin));
  }
  Index begin = 0;
  for (std::size_t i = 0; i < sizes.size() && i < node.outputs.size(); ++i) {
    if (uses(node.outputs[i]) > 0) give(node, sliced(node, s, axis, begin, begin + sizes[i], 1), i);
    begin += sizes[i];
  }
}

}  // namespace firn
