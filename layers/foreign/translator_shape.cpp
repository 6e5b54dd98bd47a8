// How numbers lie: the file's axes are channels first, firn's memory has them last.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "layers/foreign/translator.h"

namespace firn {

namespace {

std::string text_of(const std::vector<Index>& sizes) {
  return fmt::format("({})", fmt::join(sizes, ","));
}

}  // namespace

Shape Translator::memory_sizes(const Stream& s) const {
  std::vector<Index> sizes;
  for (std::size_t i = 1; i < s.memory.size() && i < static_cast<std::size_t>(Shape::kMaxRank); ++i)
    sizes.push_back(s.size(s.memory[i]));
  if (sizes.empty()) sizes.push_back(1);  // a sample of one number still has a dimension
  return Shape(std::span<const Index>(sizes));
}

int Translator::axis_of(const ForeignNode& node, const Stream& s, Index axis) const {
  const Index at = axis < 0 ? axis + s.rank() : axis;
  if (at < 0 || at >= s.rank()) fail(node, fmt::format("axis {} of {}", axis, text_of(s.sizes)));
  return static_cast<int>(at);
}

Stream Translator::viewed(const ForeignNode& node, Stream s) {
  const Shape sample = memory_sizes(s);
  int from = s.layer;
  while (from >= 0 && out_.layers[static_cast<std::size_t>(from)].spec.kind == "reshape")
    from = out_.layers[static_cast<std::size_t>(from)].inputs[0];
  if (shape_of(from) == sample) {
    s.layer = from;
    return s;
  }
  s.layer = from;
  return emit(node, LayerSpec("reshape").bare("sample", fmt::format("{}", fmt::join(sample.sizes(), "x"))),
              s);
}

Shape Translator::shape_of(int layer) const {
  return layer < 0 ? out_.sample : shapes_[static_cast<std::size_t>(layer)];
}

Stream Translator::settled(const ForeignNode& node, Stream s) {
  if (s.states_of >= 0)
    fail(node, "reads the last states of a recurrent layer other than by taking the last one's");
  if (s.image.rank() == 0) return s;
  const Shape image = s.image;
  s.image = {};
  s = emit(node, LayerSpec("reshape").bare("sample", fmt::format("{}", fmt::join(image.sizes(), "x"))), s, {},
           image);
  const Shape turned{image[2], image[0], image[1]};
  s = emit(node, LayerSpec("permute").option("order", "3 1 2", ""), s, {}, turned);
  return viewed(node, s);
}

Stream Translator::ordered(const ForeignNode& node, Stream s, std::vector<int> memory) {
  s = settled(node, s);
  if (s.memory == memory) return s;
  if (memory[0] != s.memory[0]) fail(node, "mixes the samples of a batch, which firn keeps apart");
  const auto held = [](const std::vector<int>& list, int axis) {
    return std::find(list.begin(), list.end(), axis) != list.end();
  };
  // The axes of more than one place, as they lie and as they are wanted.
  std::vector<int> now, then;
  for (const int axis : s.memory) {
    if (axis == s.memory[0] || s.size(axis) > 1) now.push_back(axis);
  }
  for (const int axis : memory) {
    if (axis == s.memory[0] || s.size(axis) > 1) then.push_back(axis);
  }
  for (const int axis : now) {
    if (!held(then, axis)) fail(node, fmt::format("cannot leave out axis {} of {}", axis, text_of(s.sizes)));
  }
  if (now != then) {
    s.memory = now;
    s = viewed(node, s);
    std::string order;
    for (std::size_t i = 1; i < then.size(); ++i) {
      const auto at = std::find(now.begin(), now.end(), then[i]) - now.begin();
      order += (i > 1 ? " " : "") + std::to_string(at);
    }
    s.memory = then;
    s = emit(node, LayerSpec("permute").option("order", order, ""), s);
  }
  s.memory = std::move(memory);
  return viewed(node, s);
}

Stream Translator::channels_last(const ForeignNode& node, Stream s) {
  std::vector<int> memory{0};
  for (int axis = 2; axis < s.rank(); ++axis) memory.push_back(axis);
  memory.push_back(1);
  return ordered(node, std::move(s), std::move(memory));
}

Stream Translator::permuted(const ForeignNode& node, Stream s, const std::vector<int>& order) {
  if (std::is_sorted(order.begin(), order.end())) return s;
  s = settled(node, s);
  std::vector<Index> sizes;
  std::vector<int> place(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    sizes.push_back(s.size(order[i]));
    place[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
  }
  for (int& axis : s.memory) axis = place[static_cast<std::size_t>(axis)];
  s.sizes = std::move(sizes);
  return s;
}

Stream Translator::reshaped(const ForeignNode& node, Stream s, const std::vector<Index>& sizes) {
  if (sizes == s.sizes) return s;
  const std::vector<Index> before = s.sizes;
  const auto refuse = [&](const char* why) {
    fail(node, fmt::format("makes {} of {}, {}", text_of(sizes), text_of(before), why));
  };
  // Groups of axes of the same number of elements, as small as can be.
  struct Group {
    std::vector<int> old, fresh;
  };
  std::vector<Group> groups;
  for (std::size_t i = 0, j = 0; i < before.size() || j < sizes.size();) {
    Group group;
    const bool old_one = i < before.size() && before[i] == 1, new_one = j < sizes.size() && sizes[j] == 1;
    const bool old_batch = i < before.size() && static_cast<int>(i) == s.memory[0];
    if (old_one && !old_batch && !new_one) {
      group.old.push_back(static_cast<int>(i++));
    } else if (new_one && !(old_one && i < before.size())) {
      group.fresh.push_back(static_cast<int>(j++));
    } else {
      if (i >= before.size() || j >= sizes.size()) refuse("which has another number of elements");
      Index a = before[i], b = sizes[j];
      group.old.push_back(static_cast<int>(i++));
      group.fresh.push_back(static_cast<int>(j++));
      while (a != b) {
        if (a < b) {
          if (i >= before.size()) refuse("which has another number of elements");
          a *= before[i];
          group.old.push_back(static_cast<int>(i++));
        } else {
          if (j >= sizes.size()) refuse("which has another number of elements");
          b *= sizes[j];
          group.fresh.push_back(static_cast<int>(j++));
        }
      }
    }
    groups.push_back(std::move(group));
  }
  const auto wide = [](const std::vector<int>& axes, const std::vector<Index>& of) {
    std::vector<int> kept;
    for (const int axis : axes) {
      if (of[static_cast<std::size_t>(axis)] > 1) kept.push_back(axis);
    }
    return kept;
  };
  const int batch = s.memory[0];
  for (const Group& group : groups) {
    const bool holds_batch = std::find(group.old.begin(), group.old.end(), batch) != group.old.end();
    if (holds_batch && (wide(group.old, before).size() > 1 || wide(group.fresh, sizes).size() > 1))
      refuse("which mixes the samples of a batch; firn keeps them apart");
  }
  // A whole image in a row, channels first: what reads it may know that its memory has them last.
  if (s.image.rank() == 0 && s.rank() == 4 && sizes.size() == 2 && s.memory == std::vector<int>{0, 2, 3, 1} &&
      sizes[0] == before[0] && before[1] > 1 && before[2] * before[3] > 1) {
    const Shape image{before[2], before[3], before[1]};
    s.sizes = sizes;
    s.memory = {0, 1};
    s = emit(node, LayerSpec("flatten"), s);
    s.image = image;
    return s;
  }
  s = settled(node, s);
  // Axes that become one lie side by side in the file's order.
  std::vector<int> memory;
  for (const int axis : s.memory) {
    if (std::find(memory.begin(), memory.end(), axis) != memory.end()) continue;
    if (axis != batch && s.size(axis) == 1) continue;
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) {
      return std::find(g.old.begin(), g.old.end(), axis) != g.old.end();
    });
    if (axis == batch) {
      memory.push_back(axis);
      continue;
    }
    for (const int one : wide(group->old, before)) memory.push_back(one);
  }
  s = ordered(node, s, memory);
  // In the memory each group's old axes give way to its new ones.
  std::vector<int> after;
  for (const int axis : s.memory) {
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const Group& g) {
      return std::find(g.old.begin(), g.old.end(), axis) != g.old.end();
    });
    const std::vector<int> old = wide(group->old, before), fresh = wide(group->fresh, sizes);
    if (axis == batch) {
      after.push_back(fresh.empty() ? group->fresh[0] : fresh[0]);
    } else if (axis == old[0]) {
      after.insert(after.end(), fresh.begin(), fresh.end());
    }
  }
  s.sizes = sizes;
  s.memory = after;
  // A sample of one number still has a dimension.
  for (int axis = 0; axis < s.rank() && s.memory.size() < 2; ++axis) {
    if (axis != s.memory[0]) s.memory.push_back(axis);
  }
  return viewed(node, s);
}

Stream Translator::sliced(const ForeignNode& node, Stream s, int axis, Index begin, Index end, Index step) {
  s = settled(node, s);
  if (axis == s.memory[0]) fail(node, "takes samples out of the batch");
  if (begin == 0 && end == s.size(axis) && step == 1) return s;
  if (begin < 0 || begin >= end || end > s.size(axis) || step < 1)
    fail(node, fmt::format("takes places {} to {} by {} of {}", begin, end, step, s.size(axis)));
  const auto at = std::find(s.memory.begin(), s.memory.end(), axis) - s.memory.begin();
  LayerSpec spec("slice");
  spec.option("axis", static_cast<Index>(at), -1)
      .option("begin", begin, 0)
      .option("end", end, -1)
      .option("step", step, 1);
  s.sizes[static_cast<std::size_t>(axis)] = (end - begin + step - 1) / step;
  return emit(node, std::move(spec), s);
}

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
    fail(node, fmt::format("pads {} by {}", text_of(s.sizes), text_of(pads)));
  for (std::size_t i = 0; i < half; ++i) {
    const Index which = from_last       ? -1 - static_cast<Index>(i)
                        : named.empty() ? static_cast<Index>(i)
                                        : named[i];
    const auto axis = static_cast<std::size_t>(axis_of(node, s, which));
    before[axis] = from_last ? pads[2 * i] : pads[i];
    behind[axis] = from_last ? pads[2 * i + 1] : pads[half + i];
    if (before[axis] < 0 || behind[axis] < 0)
      fail(node, fmt::format("pads by {}, firn pads by 0 or more", text_of(pads)));
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
  if (axes != 4) fail(node, fmt::format("enlarges {}, firn enlarges images", text_of(s.sizes)));
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
      fail(node, fmt::format("makes {} of {}", text_of(sizes), text_of(s.sizes)));
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
      fail(node, fmt::format("joins {} and {}", text_of(s.sizes), text_of(sizes)));
    total += sizes[static_cast<std::size_t>(axis)];
    sizes[static_cast<std::size_t>(axis)] = s.size(axis);
    if (sizes != s.sizes) fail(node, fmt::format("joins {} and {}", text_of(s.sizes), text_of(part.sizes)));
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
    fail(node, fmt::format("takes places {}, firn takes some of one axis", text_of(indices.sizes)));
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
    s = sliced(node, s, axis, bound(begin[i]), bound(end[i]), i < step.size() ? step[i] : 1);
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
