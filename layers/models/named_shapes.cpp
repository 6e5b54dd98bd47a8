#include "layers/models/named_shapes.h"

#include <fmt/core.h>

#include "layers/weights.h"

namespace firn {

NamedShapes::NamedShapes(std::span<const NamedTensor> tensors) {
  for (const NamedTensor& t : tensors) {
    const auto sizes = t.tensor.shape().sizes();
    shapes_[unwrapped(t.name)].assign(sizes.begin(), sizes.end());
  }
}

Index NamedShapes::size(const std::string& name, int axis, int rank) const {
  const auto found = shapes_.find(name);
  if (found == shapes_.end() || found->second.size() != static_cast<std::size_t>(rank)) return 0;
  return found->second[static_cast<std::size_t>(axis)];
}

std::string NamedShapes::conv(const std::string& path, Index& channels, Index stride,
                              const std::string& more) const {
  const std::string weight = path + ".weight";
  const Index own = size(weight, 1, 4), groups = own > 0 ? channels / own : 0;
  std::string text =
      fmt::format("{}: conv {} {}x{}", path, outputs(path), size(weight, 2, 4), size(weight, 3, 4));
  if (stride > 1) text += fmt::format(" stride {}", stride);
  text += more;
  if (groups > 1) text += fmt::format(" groups {}", groups);
  if (!has(path + ".bias")) text += " no_bias";
  channels = outputs(path);
  return text;
}

std::string inverted_residual(const NamedShapes& shapes, const std::string& name,
                              const std::vector<BlockPart>& parts, const BlockStyle& style, Index stride,
                              Index& channels) {
  const Index entering = channels;
  std::string text = fmt::format("[{}] _: graph {{ ", name), last;
  int number = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const BlockPart& part = parts[i];
    if (part.conv.empty()) {
      Index inner = channels;
      const std::string squeeze = shapes.conv(part.squeeze, inner), excite = shapes.conv(part.excite, inner);
      text += fmt::format(
          "pool{0}: adaptive_pool 1, {1}, inner{0}: {2}, {3}, gate{0}: {4}, scaled{0}: multiply from {5} "
          "gate{0}, ",
          ++number, squeeze, style.inner, excite, style.gate, last);
      last = fmt::format("scaled{}", number);
      continue;
    }
    const bool depthwise = shapes.size(part.conv + ".weight", 1, 4) == 1 && channels > 1;
    text += fmt::format("{}, {}: {}", shapes.conv(part.conv, channels, depthwise ? stride : 1), part.norm,
                        style.norm);
    last = part.norm;
    if (i + 1 < parts.size()) {
      last = fmt::format("act{}", ++number);
      text += fmt::format(", {}: {}", last, style.activation);
    }
    text += ", ";
  }
  if (stride == 1 && channels == entering) text += fmt::format("sum: add from {} in, ", last);
  text.resize(text.size() - 2);
  return text + " }\n";
}

}  // namespace firn
