#include "engine/program/place.h"

#include <algorithm>

namespace firn {

namespace {

constexpr int kForever = 1 << 30;

/// One stretch of memory: a value, and those that later take its place.
struct Buffer {
  Index bytes = 0;
  bool local = false;
  int group = 0;  // of a local buffer; its times count the group's steps, a shared one's the groups
  int first = 0;
  int last = 0;
  Index offset = 0;
  ValueKey holds;  // the latest of its values
};

/// First fit by decreasing size: each buffer at the lowest offset where nothing that lives at the same time
/// lies.
Index pack(std::vector<Buffer*> buffers) {
  std::stable_sort(buffers.begin(), buffers.end(),
                   [](const Buffer* a, const Buffer* b) { return a->bytes > b->bytes; });
  std::vector<const Buffer*> placed;
  Index top = 0;
  for (Buffer* buffer : buffers) {
    std::vector<const Buffer*> rivals;
    for (const Buffer* other : placed) {
      const bool together = buffer->local ? buffer->group == other->group : true;
      if (together && buffer->first <= other->last && other->first <= buffer->last) rivals.push_back(other);
    }
    std::sort(rivals.begin(), rivals.end(),
              [](const Buffer* a, const Buffer* b) { return a->offset < b->offset; });
    Index offset = 0;
    for (const Buffer* other : rivals) {
      if (offset + buffer->bytes <= other->offset) break;
      offset = std::max(offset, other->offset + other->bytes);
    }
    buffer->offset = offset;
    top = std::max(top, offset + buffer->bytes);
    placed.push_back(buffer);
  }
  return top;
}

class Placer {
 public:
  Placer(const Plan& plan, const std::vector<Value>& keep, const std::map<ValueKey, Index>& sources)
      : plan_(plan), sources_(sources) {
    for (std::size_t g = 0; g < plan.groups.size(); ++g) {
      for (std::size_t s = 0; s < plan.groups[g].steps.size(); ++s) {
        const Step& step = plan.steps[static_cast<std::size_t>(plan.groups[g].steps[s])];
        const Moment now{static_cast<int>(g), static_cast<int>(s)};
        made_[step.node->id()] = now;
        nodes_[step.node->id()] = step.node;
        for (const Value& input : step.node->inputs()) reads_[key_of(behind_views(input))].push_back(now);
      }
    }
    for (const Value& value : keep) reads_[key_of(behind_views(value))].push_back({kForever, 0});
  }

  /// Values that get places of one buffer, in their order.
  void set_gradients(const std::vector<Value>& gradients) {
    for (const Value& gradient : gradients) {
      const Value value = behind_views(gradient);
      const auto made = made_.find(value.node->id());
      // What is computed once or fed lies elsewhere; what two parameters share has one place.
      if (made == made_.end() || part_of_.contains(key_of(value))) continue;
      const Node& node = *value.node;
      if (node.assigns() && value.output == 0) continue;
      if (!gradients_)
        gradients_ = std::make_unique<Buffer>(Buffer{0, false, 0, made->second.group, kForever, 0, {}});
      gradients_->first = std::min(gradients_->first, made->second.group);
      part_of_[key_of(value)] = gradients_->bytes;
      gradients_->bytes += bytes(value.spec(), false);
    }
  }

  /// The places of all values; sets the sizes of the memories.
  std::map<ValueKey, Operand> place(Plan& plan) {
    for (const Group& group : plan_.groups) {
      for (const int index : group.steps)
        place_outputs(*plan_.steps[static_cast<std::size_t>(index)].node, group);
    }
    std::vector<Buffer*> shared;
    std::vector<Buffer*> local;
    for (const auto& buffer : buffers_) (buffer->local ? local : shared).push_back(buffer.get());
    if (gradients_) shared.push_back(gradients_.get());
    plan.shared_bytes = pack(shared);
    plan.local_bytes = pack(local);
    plan.gradient_offset = gradients_ ? gradients_->offset : 0;
    plan.gradient_bytes = gradients_ ? gradients_->bytes : 0;
    std::map<ValueKey, Operand> places;
    for (const auto& [k, entry] : sources_) {
      const Value value = plan_.sources[static_cast<std::size_t>(entry)];
      places[k] = {Operand::Base::absolute, entry, stride(value.spec())};
    }
    for (const auto& [k, buffer] : buffer_of_) {
      const auto base = buffer->local ? Operand::Base::local : Operand::Base::shared;
      places[k] = {base, buffer->offset, buffer->local ? 0 : strides_.at(k)};
    }
    for (const auto& [k, offset] : part_of_)
      places[k] = {Operand::Base::shared, gradients_->offset + offset, strides_.at(k)};
    return places;
  }

 private:
  struct Moment {
    int group, step;
  };

  Index row_bytes(const Spec& spec) const { return spec.shape.count_from(1) * type_size(spec.type); }

  Index stride(const Spec& spec) const {
    if (spec.axis == Axis::batch) return plan_.slice_rows * row_bytes(spec);
    return spec.axis == Axis::slice ? aligned_part(spec) : 0;
  }
  /// Parts of a sliced sum stand one behind the other, as `reduce_parts` reads them.
  Index aligned_part(const Spec& spec) const { return spec.shape.count() * type_size(spec.type); }

  Index bytes(const Spec& spec, bool local) const {
    if (local) return aligned(plan_.slice_rows * row_bytes(spec));
    const Index count = spec.axis == Axis::slice ? plan_.slices : 1;
    return aligned(count * spec.shape.count() * type_size(spec.type));
  }

  void place_outputs(const Node& node, const Group& group) {
    for (int i = 0; i < static_cast<int>(node.outputs().size()); ++i) {
      const Value value{const_cast<Node*>(&node), i};
      if (node.assigns() && i == 0) continue;  // lies in the parameter
      const auto found = reads_.find(key_of(value));
      if (found == reads_.end()) continue;
      const Moment made = made_.at(node.id());
      Moment last = made;
      bool local = group.per_slice && value.spec().axis == Axis::batch;
      for (const Moment& read : found->second) {
        if (read.group != made.group) local = false;
        if (read.group > last.group || (read.group == last.group && read.step > last.step)) last = read;
      }
      const int first = local ? made.step : made.group;
      const int end = local ? last.step : last.group;
      strides_[key_of(value)] = stride(value.spec());
      if (part_of_.contains(key_of(value))) continue;
      Buffer* taken = reusable(node, i, value, local, made);
      if (taken == nullptr && group.per_slice && !local) taken = finished(value, made);
      if (taken != nullptr) {
        taken->last = std::max(taken->last, end);
        taken->holds = key_of(value);
        buffer_of_[key_of(value)] = taken;
        continue;
      }
      buffers_.push_back(std::make_unique<Buffer>(
          Buffer{bytes(value.spec(), local), local, made.group, first, end, 0, key_of(value)}));
      buffer_of_[key_of(value)] = buffers_.back().get();
    }
  }

  /// The buffer of a value of the same layout that a region has read for the last time in an earlier step:
  /// its slice's bytes are free, on this slice's thread.
  Buffer* finished(Value value, Moment now) {
    if (value.spec().axis != Axis::batch) return nullptr;
    for (const auto& buffer : buffers_) {
      if (buffer->local || buffer->bytes != bytes(value.spec(), false)) continue;
      const auto& [id, output] = buffer->holds;
      const Spec& spec = nodes_.at(id)->outputs()[static_cast<std::size_t>(output)];
      if (spec.axis == Axis::batch && stride(spec) == stride(value.spec()) && ended(buffer->holds, now))
        return buffer.get();
    }
    return nullptr;
  }

  /// Whether a value's last reading stands in the same group, in an earlier step.
  bool ended(const ValueKey& k, Moment now) const {
    const std::vector<Moment>& reads = reads_.at(k);
    return std::all_of(reads.begin(), reads.end(),
                       [&](const Moment& read) {
                         return read.group < now.group || (read.group == now.group && read.step < now.step);
                       }) &&
           std::any_of(reads.begin(), reads.end(),
                       [&](const Moment& read) { return read.group == now.group; });
  }

  /// The buffer of an input that this step is the last to read, when the operation may write over it.
  Buffer* reusable(const Node& node, int output, Value value, bool local, Moment now) {
    for (int i = 0; i < static_cast<int>(node.inputs().size()); ++i) {
      if (!node.op()->traits().in_place.allows(i, output)) continue;
      const Value input = behind_views(node.inputs()[static_cast<std::size_t>(i)]);
      const auto found = buffer_of_.find(key_of(input));
      if (found == buffer_of_.end() || found->second->local != local) continue;
      if (bytes(input.spec(), local) != bytes(value.spec(), local) || input.spec().axis != value.spec().axis)
        continue;
      const auto count = std::count_if(node.inputs().begin(), node.inputs().end(),
                                       [&](const Value& v) { return behind_views(v) == input; });
      const std::vector<Moment>& reads = reads_.at(key_of(input));
      const bool last = std::all_of(reads.begin(), reads.end(), [&](const Moment& read) {
        if (read.group != now.group) return read.group < now.group;
        // Parallel tasks have no order among each other.
        return read.step == now.step ||
               (plan_.groups[static_cast<std::size_t>(now.group)].per_slice && read.step < now.step);
      });
      if (count == 1 && last) return found->second;
    }
    return nullptr;
  }

  const Plan& plan_;
  const std::map<ValueKey, Index>& sources_;
  std::map<int, Moment> made_;
  std::map<int, const Node*> nodes_;
  std::map<ValueKey, std::vector<Moment>> reads_;
  std::map<ValueKey, Buffer*> buffer_of_;
  std::map<ValueKey, Index> strides_;
  std::unique_ptr<Buffer> gradients_;
  std::map<ValueKey, Index> part_of_;  // of that buffer: where a gradient begins
  std::vector<std::unique_ptr<Buffer>> buffers_;
};

}  // namespace

void place_values(Plan& plan, const std::vector<Value>& keep, const std::vector<Value>& gradients,
                  const std::map<ValueKey, Index>& sources) {
  Placer placer(plan, keep, sources);
  placer.set_gradients(gradients);
  plan.places = placer.place(plan);
}

}  // namespace firn
