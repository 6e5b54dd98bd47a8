#include "tests/engine/op_cases.h"

#include "engine/ops/arithmetic.h"
#include "engine/ops/batch_norm.h"
#include "engine/ops/channel_scale.h"
#include "engine/ops/conv2d.h"
#include "engine/ops/dense.h"
#include "engine/ops/dropout.h"
#include "engine/ops/embedding.h"
#include "engine/ops/layer_norm.h"
#include "engine/ops/local_response_norm.h"
#include "engine/ops/log_softmax.h"
#include "engine/ops/loss.h"
#include "engine/ops/pool.h"
#include "engine/ops/rearrange.h"
#include "engine/ops/recurrent.h"
#include "engine/ops/reduce.h"
#include "engine/ops/softmax.h"

namespace firn::test {

namespace {

using Values = std::span<const Value>;

}  // namespace

const std::vector<BadCase>& bad_cases() {
  static const std::vector<BadCase> all{
      {"dense",
       {{"x", {3, 4}}, {"w", {5, 2}, Kind::parameter}},
       [](Graph& g, Values v) { return dense(g, v[0], v[1]); },
       {"(3,4)", "(5,2)"}},
      {"dense",
       {{"x", {3, 4}}, {"w", {4, 2}, Kind::parameter}, {"b", {3}, Kind::parameter}},
       [](Graph& g, Values v) { return dense(g, v[0], v[1], v[2]); },
       {"(3)", "(4,2)"}},
      {"dense",
       {{"x", {3, 4}}, {"w", {4}, Kind::parameter}},
       [](Graph& g, Values v) { return dense(g, v[0], v[1]); },
       {"(4)"}},
      {"transposed_conv2d",
       {{"x", {2, 5, 5, 3}}, {"w", {3, 3, 3, 2}, Kind::parameter}},
       [](Graph& g, Values v) { return transposed_conv2d(g, v[0], v[1], {}, {}); },
       {"(2,5,5,3)", "(3,3,3,2)"}},
      {"transposed_conv2d",
       {{"x", {2, 5, 5, 3}}, {"w", {2, 2, 2, 3}, Kind::parameter}},
       [](Graph& g, Values v) {
         return transposed_conv2d(g, v[0], v[1], {}, {.stride_h = 2, .stride_w = 2, .more_h = -2});
       },
       {"(2,5,5,3)", "(2,2,2,3)", "stride 2x2"}},
      {"conv2d",
       {{"x", {2, 5, 5, 3}}, {"w", {3, 3, 4, 2}, Kind::parameter}},
       [](Graph& g, Values v) { return conv2d(g, v[0], v[1], {}, {}); },
       {"(2,5,5,3)", "3 channels", "4"}},
      {"conv2d",
       {{"x", {2, 2, 2, 3}}, {"w", {3, 3, 3, 2}, Kind::parameter}},
       [](Graph& g, Values v) { return conv2d(g, v[0], v[1], {}, {}); },
       {"(2,2,2,3)", "3x3"}},
      {"conv2d",
       {{"x", {2, 4, 4, 3}}, {"w", {3, 3, 1, 4}, Kind::parameter}},
       [](Graph& g, Values v) { return conv2d(g, v[0], v[1], {}, {.groups = 3}); },
       {"(2,4,4,3)", "(3,3,1,4)", "3 groups"}},
      {"conv2d",
       {{"x", {2, 12}}, {"w", {3, 3, 1, 4}, Kind::parameter}},
       [](Graph& g, Values v) { return conv2d(g, v[0], v[1], {}, {}); },
       {"(2,12)", "(3,3,1,4)"}},
      {"conv2d",
       {{"x", {2, 4, 4, 3}}, {"w", {3, 3, 3, 4}, Kind::parameter}, {"b", {5}, Kind::parameter}},
       [](Graph& g, Values v) { return conv2d(g, v[0], v[1], v[2], {}); },
       {"(5)", "(4)"}},
      {"conv2d",
       {{"x", {2, 4, 4, 3}}, {"w", {3, 3, 3, 4}, Kind::parameter}},
       [](Graph& g, Values v) { return conv2d(g, v[0], v[1], {}, {.winograd = 3}); },
       {"(2,4,4,3)", "(3,3,3,4)", "tiles of 3"}},
      {"conv2d",
       {{"x", {2, 9, 9, 3}}, {"w", {3, 3, 3, 4}, Kind::parameter}},
       [](Graph& g, Values v) {
         return conv2d(g, v[0], v[1], {}, {.stride_h = 2, .stride_w = 2, .winograd = 4});
       },
       {"(2,9,9,3)", "(3,3,3,4)", "stride 1"}},
      {"max_pool",
       {{"x", {2, 2, 2, 3}}},
       [](Graph& g, Values v) { return max_pool(g, v[0], {.kernel_h = 3, .kernel_w = 3}); },
       {"(2,2,2,3)", "3x3"}},
      {"max_pool",
       {{"x", {2, 6, 5, 3}}},
       [](Graph& g, Values v) { return max_pool(g, v[0], {.pad_h = 1, .pad_w = 1, .more_w = 1}); },
       {"(2,6,5,3)", "padding alone"}},
      {"average_pool",
       {{"x", {2, 6, 5, 3}}},
       [](Graph& g, Values v) { return average_pool(g, v[0], {.more_h = 1}); },
       {"both sides"}},
      {"adaptive_average_pool",
       {{"x", {2, 12}}},
       [](Graph& g, Values v) { return adaptive_average_pool(g, v[0], 2, 2); },
       {"(2,12)", "2x2"}},
      {"permute",
       {{"x", {2, 3, 4}}},
       [](Graph& g, Values v) {
         return permute(g, v[0], {0, 1, 1});
       },
       {"(2,3,4)", "0 1 1"}},
      {"permute",
       {{"x", {2, 3, 4}}},
       [](Graph& g, Values v) {
         return permute(g, v[0], {1, 0, 2});
       },
       {"(2,3,4)", "1 0 2"}},
      {"multiply_row",
       {{"x", {2, 3, 4}}, {"factor", {3}, Kind::parameter}},
       [](Graph& g, Values v) { return multiply_row(g, v[0], v[1]); },
       {"(2,3,4)", "(3)"}},
      {"multiply_channels",
       {{"x", {2, 3, 4}}, {"factor", {2, 3}}},
       [](Graph& g, Values v) { return multiply_channels(g, v[0], v[1]); },
       {"(2,3,4)", "(2,3)"}},
      {"average_pool",
       {{"x", {2, 12}}},
       [](Graph& g, Values v) { return average_pool(g, v[0], {}); },
       {"(2,12)"}},
      {"average_pool",
       {{"x", {2, 4, 4, 3}}},
       [](Graph& g, Values v) { return average_pool(g, v[0], {.pad_h = 2, .pad_w = 2}); },
       {"2x2", "pad"}},
      {"global_average_pool",
       {{"x", {2, 12}}},
       [](Graph& g, Values v) { return global_average_pool(g, v[0]); },
       {"(2,12)"}},
      {"max_over_time",
       {{"x", {2, 12}}},
       [](Graph& g, Values v) { return max_over_time(g, v[0]); },
       {"(2,12)"}},
      {"max_over_time",
       {{"x", {2, 3, 4}}, {"valid", {3}, Kind::indices, 1, 3}},
       [](Graph& g, Values v) { return max_over_time(g, v[0], v[1]); },
       {"(3)", "(2)"}},
      {"batch_norm",
       {{"x", {2, 4}}, {"gamma", {3}, Kind::parameter}},
       [](Graph& g, Values v) {
         return batch_norm_train(g, v[0], v[1], v[1], nullptr, nullptr, real(1e-5), real(0.1));
       },
       {"(2,4)", "(3)"}},
      {"layer_norm",
       {{"x", {2, 4}}, {"gamma", {3}, Kind::parameter}},
       [](Graph& g, Values v) { return layer_norm(g, v[0], v[1], v[1], real(1e-5)); },
       {"(2,4)", "(3)"}},
      {"add",
       {{"a", {2, 4}}, {"b", {2, 3}}},
       [](Graph& g, Values v) { return add(g, v[0], v[1]); },
       {"(2,4)", "(2,3)"}},
      {"add_row",
       {{"a", {2, 4}}, {"b", {3}, Kind::parameter}},
       [](Graph& g, Values v) { return add(g, v[0], v[1]); },
       {"(2,4)", "(3)"}},
      {"add",
       {{"a", {2, 4}}, {"b", {2, 4}, Kind::parameter}},
       [](Graph& g, Values v) { return add(g, v[0], v[1]); },
       {"(2,4)", "batch"}},
      {"subtract",
       {{"a", {2, 4}}, {"b", {4, 2}}},
       [](Graph& g, Values v) { return subtract(g, v[0], v[1]); },
       {"(2,4)", "(4,2)"}},
      {"multiply",
       {{"a", {2, 4}}, {"b", {2}}},
       [](Graph& g, Values v) { return multiply(g, v[0], v[1]); },
       {"(2,4)", "(2)"}},
      {"concatenate",
       {{"a", {2, 4, 3}}, {"b", {2, 5, 4}}},
       [](Graph& g, Values v) { return concatenate(g, v, 1); },
       {"(2,4,3)", "(2,5,4)"}},
      {"concatenate",
       {{"a", {2, 4}}, {"b", {2, 4}}},
       [](Graph& g, Values v) { return concatenate(g, v, 0); },
       {"axis 0", "(2,4)"}},
      {"reshape",
       {{"x", {2, 4}}},
       [](Graph& g, Values v) {
         return reshape(g, v[0], {2, 5});
       },
       {"(2,5)", "(2,4)"}},
      {"reshape",
       {{"x", {2, 4}}},
       [](Graph& g, Values v) {
         return reshape(g, v[0], {4, 2});
       },
       {"(4,2)", "(2,4)"}},
      {"slice",
       {{"x", {2, 4}}},
       [](Graph& g, Values v) { return slice(g, v[0], 1, 1, 5); },
       {"1 to 5", "(2,4)"}},
      {"pad", {{"x", {2, 4}}}, [](Graph& g, Values v) { return pad(g, v[0], 2, 1, 1); }, {"axis 2", "(2,4)"}},
      {"sum_over",
       {{"x", {2, 4}}},
       [](Graph& g, Values v) { return sum_over(g, v[0], 0); },
       {"axis 0", "(2,4)"}},
      {"dropout", {{"x", {2, 4}}}, [](Graph& g, Values v) { return dropout(g, v[0], 1); }, {"p = 1"}},
      {"embedding",
       {{"tokens", {2, 4}}, {"table", {3, 2}, Kind::parameter}},
       [](Graph& g, Values v) { return embedding(g, v[0], v[1]); },
       {"(2,4)", "indices"}},
      {"embedding",
       {{"tokens", {2}, Kind::indices, 0, 2}, {"table", {3, 2}, Kind::parameter}},
       [](Graph& g, Values v) { return embedding(g, v[0], v[1]); },
       {"(2)", "(3,2)"}},
      {"lstm",
       {{"x", {2, 3, 4}},
        {"wi", {5, 8}, Kind::parameter},
        {"wh", {2, 8}, Kind::parameter},
        {"b", {8}, Kind::parameter}},
       [](Graph& g, Values v) {
         return lstm(g, v[0], {v[1], v[2], v[3], v[3]});
       },
       {"(2,3,4)", "(5,8)", "(2,8)"}},
      {"gru",
       {{"x", {2, 3, 4}},
        {"wi", {4, 6}, Kind::parameter},
        {"wh", {2, 6}, Kind::parameter},
        {"b", {8}, Kind::parameter}},
       [](Graph& g, Values v) {
         return gru(g, v[0], {v[1], v[2], v[3], v[3]});
       },
       {"(8)", "(6)"}},
      {"mask_steps",
       {{"x", {2, 3, 4}}, {"lengths", {3}, Kind::indices, 1, 3}},
       [](Graph& g, Values v) { return mask_steps(g, v[0], v[1]); },
       {"(3)", "(2)"}},
      {"last_step", {{"x", {2, 4}}}, [](Graph& g, Values v) { return last_step(g, v[0]); }, {"(2,4)"}},
      {"softmax_cross_entropy",
       {{"x", {2, 4}}, {"labels", {3}, Kind::indices, 0, 3}},
       [](Graph& g, Values v) { return softmax_cross_entropy(g, v[0], v[1]); },
       {"(3)", "(2,4)"}},
      {"softmax_cross_entropy",
       {{"x", {2, 4}}, {"labels", {2}, Kind::indices, 0, 3}},
       [](Graph& g, Values v) {
         return softmax_cross_entropy(g, v[0], v[1], {.class_weights = {1, 2}});
       },
       {"2 class weights", "4 classes"}},
      {"binary_cross_entropy",
       {{"x", {2, 4}}, {"targets", {4, 2}, Kind::feed, 0, 1}},
       [](Graph& g, Values v) { return binary_cross_entropy(g, v[0], v[1]); },
       {"(2,4)", "(4,2)"}},
      {"softmax", {{"x", {3}}}, [](Graph& g, Values v) { return softmax(g, v[0]); }, {"(3)"}},
      {"log_softmax", {{"x", {3}}}, [](Graph& g, Values v) { return log_softmax(g, v[0]); }, {"(3)"}},
      {"local_response_norm",
       {{"x", {3, 4}}},
       [](Graph& g, Values v) { return local_response_norm(g, v[0], {.size = 0}); },
       {"(3,4)", "0 channels"}},
      {"ratio", {{"x", {2, 4}}}, [](Graph& g, Values v) { return ratio(g, v[0], v[0]); }, {"(2,4)", "()"}},
  };
  return all;
}

}  // namespace firn::test
