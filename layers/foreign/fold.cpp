#include "layers/foreign/fold.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace firn {

namespace {

constexpr Index kMostFolded = Index{1} << 28;  // elements of a constant that is computed

using Inputs = std::span<const ForeignConstant* const>;

/// What is wrong, thrown from within this file alone.
struct FoldFault {
  std::string what;
};

Index place(Index axis, std::size_t rank) {
  const Index at = axis < 0 ? axis + static_cast<Index>(rank) : axis;
  if (at < 0 || at >= static_cast<Index>(rank))
    throw FoldFault{fmt::format("axis {} of {} is not there", axis, rank)};
  return at;
}

Index counted(const std::vector<Index>& sizes) {
  Index count = 1;
  for (const Index size : sizes) {
    if (size < 0 || (size > 0 && count > kMostFolded / size))
      throw FoldFault{fmt::format("gives ({}), which is too large", fmt::join(sizes, ","))};
    count *= size;
  }
  return count;
}

/// A constant like `like` of other sizes, whose element i is that of `like` at from(i).
ForeignConstant gathered(const ForeignConstant& like, std::vector<Index> sizes,
                         const std::function<Index(Index)>& from) {
  ForeignConstant made;
  made.name = like.name;
  made.same = like.same;
  made.trains = like.trains;
  made.parameter = like.parameter;
  made.whole = like.whole;
  made.sizes = std::move(sizes);
  const Index count = counted(made.sizes);
  for (Index i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(from(i));
    if (like.whole) {
      made.wholes.push_back(like.wholes.at(at));
    } else {
      made.reals.push_back(like.floats()[at]);
    }
  }
  return made;
}

std::vector<Index> wholes_of(const ForeignNode& node, Inputs inputs, const char* key, std::size_t input) {
  if (node.has(key) || input >= inputs.size() || inputs[input] == nullptr) return node.wholes(key);
  std::vector<Index> all;
  for (Index i = 0; i < inputs[input]->count(); ++i) all.push_back(whole_of(inputs[input]->number(i)));
  return all;
}

std::vector<Index> strides_of(const std::vector<Index>& sizes) {
  std::vector<Index> strides(sizes.size(), 1);
  for (std::size_t i = sizes.size(); i-- > 1;) strides[i - 1] = strides[i] * sizes[i];
  return strides;
}

ForeignConstant fold_permute(const ForeignConstant& x, const std::vector<Index>& order) {
  const std::vector<Index> strides = strides_of(x.sizes);
  std::vector<Index> sizes, steps;
  for (const Index axis : order) {
    const auto at = static_cast<std::size_t>(place(axis, x.sizes.size()));
    sizes.push_back(x.sizes[at]);
    steps.push_back(strides[at]);
  }
  if (sizes.size() != x.sizes.size()) throw FoldFault{"its order has another number of axes"};
  const std::vector<Index> out = strides_of(sizes);
  return gathered(x, sizes, [&](Index i) {
    Index from = 0;
    for (std::size_t a = 0; a < sizes.size(); ++a) from += i / out[a] % sizes[a] * steps[a];
    return from;
  });
}

ForeignConstant fold_expand(const ForeignConstant& x, std::vector<Index> sizes) {
  while (sizes.size() < x.sizes.size()) sizes.insert(sizes.begin(), 1);
  std::vector<Index> own = x.sizes;
  own.insert(own.begin(), sizes.size() - own.size(), 1);
  for (std::size_t a = 0; a < sizes.size(); ++a) {
    if (sizes[a] < 0 || sizes[a] == 1) sizes[a] = own[a];
    if (own[a] != sizes[a] && own[a] != 1)
      throw FoldFault{
          fmt::format("({}) does not spread to ({})", fmt::join(x.sizes, ","), fmt::join(sizes, ","))};
  }
  counted(sizes);
  const std::vector<Index> strides = strides_of(own), out = strides_of(sizes);
  ForeignConstant made = gathered(x, sizes, [&](Index i) {
    Index from = 0;
    for (std::size_t a = 0; a < sizes.size(); ++a)
      from += own[a] == 1 ? 0 : i / out[a] % sizes[a] * strides[a];
    return from;
  });
  // What is repeated is no parameter.
  if (made.count() != x.count()) made.name.clear(), made.same.clear();
  return made;
}

ForeignConstant fold_reshape(const ForeignConstant& x, std::vector<Index> sizes, bool zero_copies) {
  Index known = 1;
  std::size_t open = sizes.size();
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0 && zero_copies && i < x.sizes.size()) sizes[i] = x.sizes[i];
    if (sizes[i] < 0) {
      open = i;
    } else {
      known *= std::max<Index>(1, sizes[i]);
    }
  }
  if (open < sizes.size()) sizes[open] = x.count() / known;
  ForeignConstant made = x;
  made.sizes = std::move(sizes);
  if (counted(made.sizes) != x.count())
    throw FoldFault{fmt::format("({}) does not hold the {} numbers of ({})", fmt::join(made.sizes, ","),
                                x.count(), fmt::join(x.sizes, ","))};
  return made;
}

ForeignConstant fold_concat(Inputs inputs, Index axis) {
  if (inputs.empty() || inputs[0] == nullptr) throw FoldFault{"has no input"};
  const auto at = static_cast<std::size_t>(place(axis, inputs[0]->sizes.size()));
  ForeignConstant made;
  made.whole = inputs[0]->whole;
  made.trains = false;
  made.sizes = inputs[0]->sizes;
  made.sizes[at] = 0;
  for (const ForeignConstant* one : inputs) {
    if (one == nullptr || one->sizes.size() != made.sizes.size() || one->whole != made.whole)
      throw FoldFault{"joins constants of different kinds"};
    for (std::size_t i = 0; i < made.sizes.size(); ++i) {
      if (i != at && one->sizes[i] != inputs[0]->sizes[i])
        throw FoldFault{"joins constants of different sizes"};
    }
    made.sizes[at] += one->sizes[at];
    made.trains = made.trains || one->trains;
    if (made.name.empty()) made.name = one->name;
  }
  Index outer = 1, inner = 1;
  for (std::size_t i = 0; i < at; ++i) outer *= made.sizes[i];
  for (std::size_t i = at + 1; i < made.sizes.size(); ++i) inner *= made.sizes[i];
  counted(made.sizes);
  for (Index o = 0; o < outer; ++o) {
    for (const ForeignConstant* one : inputs) {
      const Index run = one->sizes[at] * inner;
      for (Index i = 0; i < run; ++i) {
        const auto from = static_cast<std::size_t>(o * run + i);
        if (made.whole) {
          made.wholes.push_back(one->wholes[from]);
        } else {
          made.reals.push_back(one->floats()[from]);
        }
      }
    }
  }
  return made;
}

ForeignConstant fold_slice(const ForeignConstant& x, Index axis, Index begin, Index end, Index step) {
  const auto at = static_cast<std::size_t>(place(axis, x.sizes.size()));
  const Index size = x.sizes[at];
  const auto bound = [&](Index i) { return std::clamp<Index>(i < 0 ? i + size : i, 0, size); };
  if (step < 1) throw FoldFault{"takes places backwards"};
  begin = bound(begin);
  end = bound(end);
  std::vector<Index> sizes = x.sizes;
  sizes[at] = begin < end ? (end - begin + step - 1) / step : 0;
  const std::vector<Index> strides = strides_of(x.sizes), out = strides_of(sizes);
  return gathered(x, sizes, [&, begin = begin](Index i) {
    Index from = begin * strides[at];
    for (std::size_t a = 0; a < sizes.size(); ++a)
      from += i / out[a] % sizes[a] * strides[a] * (a == at ? step : 1);
    return from;
  });
}

ForeignConstant fold_gather(const ForeignConstant& x, const ForeignConstant& indices, Index axis) {
  const auto at = static_cast<std::size_t>(place(axis, x.sizes.size()));
  std::vector<Index> sizes(x.sizes.begin(), x.sizes.begin() + static_cast<std::ptrdiff_t>(at));
  sizes.insert(sizes.end(), indices.sizes.begin(), indices.sizes.end());
  sizes.insert(sizes.end(), x.sizes.begin() + static_cast<std::ptrdiff_t>(at) + 1, x.sizes.end());
  Index inner = 1;
  for (std::size_t i = at + 1; i < x.sizes.size(); ++i) inner *= x.sizes[i];
  const Index size = x.sizes[at], many = std::max<Index>(1, indices.count());
  if (indices.count() < 1) throw FoldFault{"has no index"};
  return gathered(x, sizes, [&](Index i) {
    const Index index = whole_of(indices.number(i / inner % many));
    const Index from = index < 0 ? index + size : index;
    if (from < 0 || from >= size) throw FoldFault{fmt::format("index {} of {}", index, size)};
    return (i / inner / many * size + from) * inner + i % inner;
  });
}

/// a == b, element by element, as 1 or 0.
ForeignConstant fold_equal(const ForeignConstant& a, const ForeignConstant& b) {
  const std::vector<Index> sizes = a.sizes.size() < b.sizes.size() ? b.sizes : a.sizes;
  const ForeignConstant x = fold_expand(a, sizes), y = fold_expand(b, sizes);
  ForeignConstant made;
  made.whole = true;
  made.sizes = x.sizes;
  for (Index i = 0; i < x.count(); ++i) made.wholes.push_back(x.number(i) == y.number(i) ? 1 : 0);
  return made;
}

/// Of whole numbers, which shapes are: a where `chosen` is not 0, else b.
ForeignConstant fold_where(const ForeignConstant& chosen, const ForeignConstant& a,
                           const ForeignConstant& b) {
  if (!a.whole || !b.whole) throw FoldFault{"chooses between numbers that are no sizes"};
  const ForeignConstant x = fold_expand(a, chosen.sizes), y = fold_expand(b, chosen.sizes);
  ForeignConstant made = x;
  made.name.clear();
  for (Index i = 0; i < made.count(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (chosen.number(i) == 0) made.wholes[at] = y.wholes[at];
  }
  return made;
}

ForeignConstant fold_arithmetic(const std::string& op, const ForeignConstant& a, const ForeignConstant& b) {
  std::vector<Index> sizes(std::max(a.sizes.size(), b.sizes.size()), 1);
  for (const ForeignConstant* one : {&a, &b}) {
    for (std::size_t i = 0; i < one->sizes.size(); ++i) {
      Index& size = sizes[sizes.size() - one->sizes.size() + i];
      size = std::max(size, one->sizes[i]);
    }
  }
  const ForeignConstant x = fold_expand(a, sizes), y = fold_expand(b, sizes);
  ForeignConstant made = x;
  if (made.name.empty()) made.name = y.name;
  for (Index i = 0; i < x.count(); ++i) {
    const double p = x.number(i), q = y.number(i);
    const auto at = static_cast<std::size_t>(i);
    if (op == "divide" && q == 0 && x.whole) throw FoldFault{"divides by zero"};
    const double r = op == "add" ? p + q : op == "subtract" ? p - q : op == "multiply" ? p * q : p / q;
    if (x.whole) {
      made.wholes[at] = whole_of(r);
    } else {
      made.reals[at] = static_cast<real>(r);
    }
  }
  return made;
}

ForeignConstant fold_fill(const ForeignNode& node, Inputs inputs) {
  ForeignConstant made;
  made.trains = false;
  made.sizes = node.wholes("sizes");
  if (made.sizes.empty() && !inputs.empty() && inputs[0] != nullptr)
    made.sizes = node.has("of_shape") ? wholes_of(node, inputs, "", 0) : inputs[0]->sizes;
  made.whole = node.has("whole");
  const auto count = static_cast<std::size_t>(counted(made.sizes));
  if (made.whole) {
    made.wholes.assign(count, whole_of(node.number("value", 0)));
  } else {
    made.reals.assign(count, static_cast<real>(node.number("value", 0)));
  }
  return made;
}

ForeignConstant fold_cast(const ForeignConstant& x, bool whole) {
  if (whole == x.whole) return x;
  ForeignConstant made = x;
  made.whole = whole;
  made.wholes.clear();
  made.reals.clear();
  for (Index i = 0; i < x.count(); ++i) {
    if (whole) {
      made.wholes.push_back(whole_of(x.number(i)));
    } else {
      made.reals.push_back(static_cast<real>(x.number(i)));
    }
  }
  return made;
}

std::vector<ForeignConstant> folded(const ForeignNode& node, Inputs inputs) {
  const std::string& op = node.op;
  if (op == "fill") return {fold_fill(node, inputs)};
  if (op == "concat") return {fold_concat(inputs, node.whole("axis", 0))};
  if (inputs.empty() || inputs[0] == nullptr) throw FoldFault{"has no input"};
  const ForeignConstant& x = *inputs[0];
  const std::size_t rank = x.sizes.size();
  if (op == "identity") return {x};
  if (op == "cast") return {fold_cast(x, node.number("whole", 0) != 0)};
  if (op == "shape") {
    ForeignConstant sizes;
    sizes.whole = true;
    sizes.sizes = {static_cast<Index>(rank)};
    sizes.wholes.assign(x.sizes.begin(), x.sizes.end());
    return {sizes};
  }
  if (op == "reshape") return {fold_reshape(x, wholes_of(node, inputs, "sizes", 1), node.has("zero_copies"))};
  if (op == "repeat") {
    std::vector<Index> sizes = wholes_of(node, inputs, "repeats", 1);
    for (std::size_t i = 0; i < rank && i < sizes.size(); ++i)
      sizes[sizes.size() - 1 - i] *= x.sizes[rank - 1 - i];
    return {fold_expand(x, std::move(sizes))};
  }
  if (op == "expand") return {fold_expand(x, wholes_of(node, inputs, "sizes", 1))};
  if (op == "permute") {
    std::vector<Index> order = node.wholes("order");
    if (order.empty()) {
      for (std::size_t i = rank; i-- > 0;) order.push_back(static_cast<Index>(i));
    }
    return {fold_permute(x, order)};
  }
  if (op == "transpose") {
    std::vector<Index> order(rank);
    std::iota(order.begin(), order.end(), Index{0});
    const std::vector<Index> axes = node.wholes("axes");
    if (rank > 1)
      std::swap(order[static_cast<std::size_t>(place(axes.at(0), rank))],
                order[static_cast<std::size_t>(place(axes.at(1), rank))]);
    return {fold_permute(x, order)};
  }
  if (op == "squeeze" || op == "unsqueeze") {
    std::vector<Index> axes = wholes_of(node, inputs, "axes", 1), sizes = x.sizes;
    if (op == "unsqueeze") {
      for (Index& axis : axes) axis = place(axis, rank + axes.size());
      std::sort(axes.begin(), axes.end());
      for (const Index axis : axes) sizes.insert(sizes.begin() + axis, 1);
    } else {
      for (Index& axis : axes) axis = place(axis, rank);
      sizes.clear();
      for (std::size_t i = 0; i < rank; ++i) {
        const bool goes = axes.empty()
                              ? x.sizes[i] == 1
                              : std::find(axes.begin(), axes.end(), static_cast<Index>(i)) != axes.end();
        if (!goes) sizes.push_back(x.sizes[i]);
      }
    }
    return {fold_reshape(x, sizes, false)};
  }
  if (op == "slice") {
    const std::vector<Index> begin = wholes_of(node, inputs, "begin", 1),
                             end = wholes_of(node, inputs, "end", 2);
    std::vector<Index> axes = wholes_of(node, inputs, "axes", 3), step = wholes_of(node, inputs, "step", 4);
    ForeignConstant made = x;
    for (std::size_t i = 0; i < begin.size(); ++i)
      made = fold_slice(made, i < axes.size() ? axes[i] : static_cast<Index>(i), begin[i], end.at(i),
                        i < step.size() ? step[i] : 1);
    return {made};
  }
  if (op == "split") {
    const Index axis = place(node.whole("axis", 0), rank), size = x.sizes[static_cast<std::size_t>(axis)];
    std::vector<Index> sizes = wholes_of(node, inputs, "sizes", 1);
    const auto parts = static_cast<Index>(node.outputs.size());
    if (sizes.empty()) sizes.assign(node.outputs.size(), (size + parts - 1) / std::max<Index>(1, parts));
    std::vector<ForeignConstant> made;
    Index begin = 0;
    for (std::size_t i = 0; i < node.outputs.size() && i < sizes.size(); begin += sizes[i++])
      made.push_back(fold_slice(x, axis, begin, std::min(size, begin + sizes[i]), 1));
    return made;
  }
  if (op == "select") {
    const Index axis = node.whole("axis", 0), index = node.whole("index", 0);
    ForeignConstant one;
    one.whole = true;
    one.wholes = {index};
    return {fold_gather(x, one, axis)};
  }
  if (inputs.size() > 1 && inputs[1] != nullptr) {
    if (op == "equal") return {fold_equal(x, *inputs[1])};
    if (op == "where" && inputs.size() > 2 && inputs[2] != nullptr)
      return {fold_where(x, *inputs[1], *inputs[2])};
    if (op == "gather") return {fold_gather(x, *inputs[1], node.whole("axis", 0))};
    if (op == "add" || op == "subtract" || op == "multiply" || op == "divide")
      return {fold_arithmetic(op, x, *inputs[1])};
  } else if (node.has("other")) {
    ForeignConstant other;
    other.reals = {static_cast<real>(node.number("other", 0))};
    return {fold_arithmetic(op, x, other)};
  }
  throw FoldFault{"firn does not compute this from constants"};
}

}  // namespace

bool is_folded_alone(const std::string& op) {
  constexpr std::string_view kOps[] = {"fill", "cast", "expand", "repeat", "gather", "equal", "where"};
  return std::find(std::begin(kOps), std::end(kOps), op) != std::end(kOps);
}

std::string fold_constants(const ForeignNode& node, Inputs inputs, std::vector<ForeignConstant>& results) {
  try {
    results = folded(node, inputs);
  } catch (const FoldFault& fault) {
    return fault.what;
  } catch (const std::out_of_range&) {
    return "its numbers do not fit its sizes";
  }
  return {};
}

}  // namespace firn
