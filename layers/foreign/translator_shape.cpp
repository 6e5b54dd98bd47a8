// How numbers lie: the file's axes are channels first, firn's memory has them last.
#include <fmt/format.h>

#include <algorithm>

#include "layers/foreign/translator.h"

namespace firn {

std::string sizes_text(const std::vector<Index>& sizes) {
  return fmt::format("({})", fmt::join(sizes, ","));
}

Shape Translator::memory_sizes(const Stream& s) const {
  std::vector<Index> sizes;
  for (std::size_t i = 1; i < s.memory.size() && i < static_cast<std::size_t>(Shape::kMaxRank); ++i)
    sizes.push_back(s.size(s.memory[i]));
  if (sizes.empty()) sizes.push_back(1);  // a sample of one number still has a dimension
  return Shape(std::span<const Index>(sizes));
}

int Translator::axis_of(const ForeignNode& node, const Stream& s, Index axis) const {
  const Index at = axis < 0 ? axis + s.rank() : axis;
  if (at < 0 || at >= s.rank()) fail(node, fmt::format("axis {} of {}", axis, sizes_text(s.sizes)));
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
    if (!held(then, axis))
      fail(node, fmt::format("cannot leave out axis {} of {}", axis, sizes_text(s.sizes)));
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
    fail(node, fmt::format("makes {} of {}, {}", sizes_text(sizes), sizes_text(before), why));
  };
  // Groups of axes of the same number of elements, as small as can be.
  struct AxisGroup {
    std::vector<int> old, fresh;
  };
  std::vector<AxisGroup> groups;
  for (std::size_t i = 0, j = 0; i < before.size() || j < sizes.size();) {
    AxisGroup group;
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
  for (const AxisGroup& group : groups) {
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
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const AxisGroup& g) {
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
    const auto group = std::find_if(groups.begin(), groups.end(), [&](const AxisGroup& g) {
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

}  // namespace firn
