#include "engine/ops/registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/glob.h"
#include "engine/kernels/activation.h"
#include "engine/ops/activation.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/channel_scale.h"
#include "engine/ops/dense.h"
#include "engine/ops/dropout.h"
#include "engine/ops/embedding.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/local_response_norm.h"
#include "engine/ops/log_softmax.h"
#include "engine/ops/parts.h"
#include "engine/ops/pool.h"
#include "engine/ops/rearrange.h"
#include "engine/ops/reduce.h"
#include "engine/ops/registry_rows.h"
#include "engine/ops/softmax.h"

namespace firn {

namespace {

using Inputs = std::span<const Value>;

real number(const Attributes& a, std::string_view name) {
  return static_cast<real>(a.get<double>(name));
}

int axis(const Attributes& a) {
  return static_cast<int>(a.get<Index>("axis"));
}

Value or_none(Inputs in, std::size_t i) {
  return i < in.size() ? in[i] : Value{};
}

template <Activation kActivation>
OperationKind activation_kind() {
  return {std::string(activation_name(kActivation)), [](Graph& g, const Attributes& a, Inputs in) {
            return activate(g, kActivation, in[0], number(a, "slope"));
          }};
}

std::vector<OperationKind> make_kinds() {
  using A = Activation;
  std::vector<OperationKind> rows{
      activation_kind<A::relu>(),
      activation_kind<A::leaky_relu>(),
      activation_kind<A::gelu>(),
      activation_kind<A::silu>(),
      activation_kind<A::sigmoid>(),
      activation_kind<A::tanh>(),
      activation_kind<A::relu_to>(),
      activation_kind<A::hard_sigmoid>(),
      activation_kind<A::hard_swish>(),
      activation_kind<A::gelu_tanh>(),
      {"add", [](Graph& g, const Attributes&, Inputs in) { return add(g, in[0], in[1]); }},
      {"add_row", [](Graph& g, const Attributes&, Inputs in) { return add(g, in[0], in[1]); }},
      {"subtract", [](Graph& g, const Attributes&, Inputs in) { return subtract(g, in[0], in[1]); }},
      {"multiply", [](Graph& g, const Attributes&, Inputs in) { return multiply(g, in[0], in[1]); }},
      {"scale",
       [](Graph& g, const Attributes& a, Inputs in) { return scale(g, in[0], number(a, "factor")); }},
      {"multiply_row", [](Graph& g, const Attributes&, Inputs in) { return multiply_row(g, in[0], in[1]); }},
      {"multiply_channels",
       [](Graph& g, const Attributes&, Inputs in) { return multiply_channels(g, in[0], in[1]); }},
      {"dense",
       [](Graph& g, const Attributes&, Inputs in) { return dense(g, in[0], in[1], or_none(in, 2)); }},
      {"dropout", [](Graph& g, const Attributes& a, Inputs in) { return dropout(g, in[0], number(a, "p")); }},
      {"embedding", [](Graph& g, const Attributes&, Inputs in) { return embedding(g, in[0], in[1]); }},
      {"layer_norm", [](Graph& g, const Attributes& a,
                        Inputs in) { return layer_norm(g, in[0], in[1], in[2], number(a, "epsilon")); }},
      {"local_response_norm",
       [](Graph& g, const Attributes& a, Inputs in) {
         return local_response_norm(g, in[0],
                                    {.size = a.get<Index>("size"),
                                     .alpha = number(a, "alpha"),
                                     .beta = number(a, "beta"),
                                     .k = number(a, "k")});
       }},
      {"softmax", [](Graph& g, const Attributes&, Inputs in) { return softmax(g, in[0]); }},
      {"log_softmax", [](Graph& g, const Attributes&, Inputs in) { return log_softmax(g, in[0]); }},
      {"global_average_pool",
       [](Graph& g, const Attributes&, Inputs in) { return global_average_pool(g, in[0]); }},
      {"max_over_time",
       [](Graph& g, const Attributes& a, Inputs in) {
         return max_over_time(g, in[0], or_none(in, 1), a.get<Index>("window"));
       }},
      {"reshape",
       [](Graph& g, const Attributes& a, Inputs in) {
         return reshape(g, in[0], Shape(std::span<const Index>(a.get<std::vector<Index>>("shape"))));
       }},
      {"concatenate", [](Graph& g, const Attributes& a, Inputs in) { return concatenate(g, in, axis(a)); }},
      {"slice",
       [](Graph& g, const Attributes& a, Inputs in) {
         return slice(g, in[0], axis(a), a.get<Index>("begin"), a.get<Index>("end"), a.get<Index>("step"));
       }},
      {"mask_steps", [](Graph& g, const Attributes&, Inputs in) { return mask_steps(g, in[0], in[1]); }},
      {"permute",
       [](Graph& g, const Attributes& a, Inputs in) {
         const std::vector<Index> order = a.get<std::vector<Index>>("order");
         return permute(g, in[0], std::vector<int>(order.begin(), order.end()));
       }},
      {"sum_over", [](Graph& g, const Attributes& a, Inputs in) { return sum_over(g, in[0], axis(a)); }},
      {"ratio", [](Graph& g, const Attributes&, Inputs in) { return ratio(g, in[0], in[1]); }},
      {"reduce_parts", [](Graph& g, const Attributes&, Inputs in) { return reduce_parts(g, in[0]); }},
  };
  add_adaptive_pool_kinds(rows);
  add_convolution_kinds(rows);
  add_loss_kinds(rows);
  add_norm_kinds(rows);
  add_pool_kinds(rows);
  add_rearranging_kinds(rows);
  add_recurrent_kinds(rows);
  add_reducing_kinds(rows);
  std::sort(rows.begin(), rows.end(),
            [](const OperationKind& a, const OperationKind& b) { return a.name < b.name; });
  return rows;
}

}  // namespace

const std::vector<OperationKind>& operation_kinds() {
  static const std::vector<OperationKind> kinds = make_kinds();
  return kinds;
}

Value build_operation(Graph& graph, std::string_view name, const Attributes& attributes,
                      std::span<const Value> inputs) {
  std::vector<std::string> names;
  for (const OperationKind& kind : operation_kinds()) {
    if (kind.name == name) return kind.build(graph, attributes, inputs);
    names.push_back(kind.name);
  }
  throw Error(Fault::usage, "operation",
              fmt::format("there is none of the name '{}'{}", name, did_you_mean(std::string(name), names)));
}

}  // namespace firn
