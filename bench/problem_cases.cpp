#include "bench/problem_cases.h"

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>

#include "bench/problem_matrix_cases.h"
#include "bench/problems.h"
#include "engine/base/rng.h"
#include "engine/tensor/tensor.h"

namespace firn::problems {

namespace {

using Calls = std::function<void()>;
using Cases = std::vector<KernelCase>;

/// Numbers that copies share, to read and to write.
class Block {
 public:
  explicit Block(Index count) : tensor_(std::make_shared<Tensor>(Shape{std::max<Index>(1, count)})) {}
  real* data() const { return tensor_->data(); }
  std::span<real> values() const { return tensor_->values(); }

 private:
  std::shared_ptr<Tensor> tensor_;
};

/// Memory that is written first.
Block room(Index count) {
  return Block(count);
}

/// `count` numbers from -1 to 1.
Block random(Index count, std::string_view purpose) {
  const Block block(count);
  Random numbers(1, purpose);
  for (real& value : block.values()) value = static_cast<real>(numbers.uniform(-1, 1));
  return block;
}

std::vector<std::int32_t> labels(Index rows, Index classes) {
  std::vector<std::int32_t> all;
  Random numbers(1, "labels");
  for (Index r = 0; r < rows; ++r)
    all.push_back(static_cast<std::int32_t>(numbers.below(static_cast<std::uint32_t>(classes))));
  return all;
}

double bytes_of(Index count) {
  return static_cast<double>(count) * sizeof(real);
}

// --- products -------------------------------------------------------------------------------------------

/// c (m,n) = a * packed.
Gemm packed_product(Index m, Index n, Index k, const Block& a, const Block& packed, const Block& c) {
  Gemm call;
  call.m = m;
  call.n = n;
  call.k = k;
  call.a = a.data();
  call.ams = k;
  call.b = packed.data();
  call.c = c.data();
  call.ldc = n;
  return call;
}

Calls dense_forward(const Kernels& k, const DenseProblem& p) {
  const Block x = random(p.m * p.k, "x"), weight = random(p.k * p.n, "weight");
  const Block packed = room(k.gemm.packed_count(p.k, p.n)), y = room(p.m * p.n);
  k.gemm.pack(p.k, p.n, weight.data(), p.n, packed.data());
  return [&k, p, x, packed, y] { k.gemm.product(packed_product(p.m, p.n, p.k, x, packed, y)); };
}

/// dx (m,k) = dy (m,n) * weight^T (n,k).
Calls dense_dx(const Kernels& k, const DenseProblem& p) {
  const Block dy = random(p.m * p.n, "dy"), weight = random(p.k * p.n, "weight");
  const Block packed = room(k.gemm.packed_count(p.n, p.k)), dx = room(p.m * p.k);
  k.gemm.pack_transposed(p.n, p.k, weight.data(), p.n, packed.data());
  return [&k, p, dy, packed, dx] { k.gemm.product(packed_product(p.m, p.k, p.n, dy, packed, dx)); };
}

/// dweight (k,n) = x^T (k,m) * dy (m,n): both plain rows, as the dense layer calls it.
Calls dense_dw(const Kernels& k, const DenseProblem& p) {
  const Block x = random(p.m * p.k, "x"), dy = random(p.m * p.n, "dy"), dweight = room(p.k * p.n);
  return [&k, p, x, dy, dweight] {
    Gemm call = packed_product(p.k, p.n, p.m, x, dy, dweight);
    call.ams = 1;
    call.aks = p.k;
    call.ldb = p.n;
    k.gemm.product(call);
  };
}

/// Memory of one convolution.
struct ConvData {
  explicit ConvData(const ConvProblem& p)
      : g(p.geometry),
        n(p.batch),
        x(random(n * g.h * g.w * g.c, "x")),
        y(random(n * g.oh * g.ow * g.oc, "y")),
        weight(random(g.weight_count(), "weight")) {}
  ConvGeometry g;
  Index n;
  Block x, y, weight;
};

Calls conv_forward(const Kernels& k, const ConvProblem& p) {
  const ConvData d(p);
  const Block packed = room(k.conv.packed_count(d.g)), scratch = room(k.conv.forward_scratch(d.g, d.n));
  k.conv.pack(d.g, d.weight.data(), packed.data());
  return [&k, d, packed, scratch] {
    k.conv.forward(d.g, d.n, d.x.data(), packed.data(), {}, d.y.data(), scratch.data());
  };
}

Calls conv_dx(const Kernels& k, const ConvProblem& p) {
  const ConvData d(p);
  const Block packed = room(k.conv.packed_dx_count(d.g)), scratch = room(k.conv.dx_scratch(d.g, d.n));
  k.conv.pack_dx(d.g, d.weight.data(), packed.data());
  return [&k, d, packed, scratch] {
    k.conv.dx(d.g, d.n, d.y.data(), packed.data(), d.x.data(), scratch.data());
  };
}

Calls conv_dw(const Kernels& k, const ConvProblem& p) {
  const ConvData d(p);
  const Block scratch = room(k.conv.dw_scratch(d.g, d.n));
  return [&k, d, scratch] {
    k.conv.dw(d.g, d.n, d.x.data(), d.y.data(), d.weight.data(), false, 0, k.conv.dw_units(d.g),
              scratch.data());
  };
}

Calls winograd(const Kernels& k, const ConvProblem& p, Index tile) {
  const ConvData d(p);
  const Block transformed = room(k.winograd.weight_count(d.g, tile));
  const Block scratch = room(k.winograd.scratch(d.g, tile, d.n));
  k.winograd.transform(d.g, tile, d.weight.data(), transformed.data());
  return [&k, d, tile, transformed, scratch] {
    k.winograd.forward(d.g, tile, d.n, d.x.data(), transformed.data(), {}, d.y.data(), scratch.data());
  };
}

Calls lstm(const Kernels& k, const RecurrentProblem& p, bool backward) {
  const RecurrentGeometry g{p.steps, p.units, false};
  const Index h = p.units, rows = p.batch * p.steps;
  const RecurrentKernels& r = k.recurrent;
  const Block pre = random(rows * 4 * h, "pre"), dhidden = random(rows * h, "dhidden");
  const Block weight = random(4 * h * h, "weight");
  const Block packed = room(r.packed_count(4, h)), transposed = room(r.packed_transposed_count(4, h));
  const Block hidden = room(rows * h), cell = room(rows * h);
  const Block gates = room(rows * 4 * h), dpre = room(rows * 4 * h);
  const Block scratch = room(r.lstm_scratch(g, p.batch));
  r.pack(4, h, weight.data(), packed.data());
  r.pack_transposed(4, h, weight.data(), transposed.data());
  const auto forward = [=, &r] {
    r.lstm_forward(g, p.batch, nullptr, pre.data(), {packed.data()}, hidden.data(), gates.data(), cell.data(),
                   scratch.data());
  };
  if (!backward) return forward;
  forward();
  return [=, &r] {
    r.lstm_backward(g, p.batch, nullptr, dhidden.data(), gates.data(), cell.data(), {transposed.data()},
                    dpre.data(), scratch.data());
  };
}

Calls gru(const Kernels& k, const RecurrentProblem& p, bool backward) {
  const RecurrentGeometry g{p.steps, p.units, false};
  const Index h = p.units, rows = p.batch * p.steps;
  const RecurrentKernels& r = k.recurrent;
  const Block pre = random(rows * 3 * h, "pre"), dhidden = random(rows * h, "dhidden");
  const Block weight = random(3 * h * h, "weight"), bias = random(3 * h, "bias");
  const Block packed = room(r.packed_count(3, h)), transposed = room(r.packed_transposed_count(3, h));
  const Block hidden = room(rows * h), gates = room(rows * 4 * h);
  const Block dpre = room(rows * 3 * h), dq = room(rows * 3 * h);
  const Block scratch = room(r.gru_scratch(g, p.batch));
  r.pack(3, h, weight.data(), packed.data());
  r.pack_transposed(3, h, weight.data(), transposed.data());
  const auto forward = [=, &r] {
    r.gru_forward(g, p.batch, nullptr, pre.data(), {packed.data()}, bias.data(), hidden.data(), gates.data(),
                  scratch.data());
  };
  if (!backward) return forward;
  forward();
  return [=, &r] {
    r.gru_backward(g, p.batch, nullptr, dhidden.data(), hidden.data(), gates.data(), {transposed.data()},
                   dpre.data(), dq.data(), scratch.data());
  };
}

void add_products(Cases& cases) {
  const auto add = [&](const char* kernel, const char* size, double macs, const auto& prepare) {
    cases.push_back({kernel, size, macs, 0, prepare});
  };
  for (const DenseProblem& p : kDense) {
    const auto macs = static_cast<double>(p.m * p.n * p.k);
    add("dense", p.name, macs, [&p](const Kernels& k) { return dense_forward(k, p); });
    add("dense dx", p.name, macs, [&p](const Kernels& k) { return dense_dx(k, p); });
    add("dense dw", p.name, macs, [&p](const Kernels& k) { return dense_dw(k, p); });
  }
  for (const ConvProblem& p : kConv) {
    const ConvGeometry& g = p.geometry;
    const auto macs = static_cast<double>(g.macs() * p.batch);
    add("conv2d", p.name, macs, [&p](const Kernels& k) { return conv_forward(k, p); });
    add("conv2d dx", p.name, macs, [&p](const Kernels& k) { return conv_dx(k, p); });
    add("conv2d dw", p.name, macs, [&p](const Kernels& k) { return conv_dw(k, p); });
    if (!winograd_fits(g) || std::min(g.c, g.oc) < 16) continue;
    add("winograd2", p.name, macs, [&p](const Kernels& k) { return winograd(k, p, 2); });
    add("winograd4", p.name, macs, [&p](const Kernels& k) { return winograd(k, p, 4); });
  }
  for (const RecurrentProblem& p : kRecurrent) {
    const auto macs = static_cast<double>(p.batch * p.steps * p.units * p.units);
    for (const bool backward : {false, true}) {
      const std::string pass = backward ? "backward" : "forward";
      add(("lstm " + pass).c_str(), p.name, 4 * macs,
          [&p, backward](const Kernels& k) { return lstm(k, p, backward); });
      add(("gru " + pass).c_str(), p.name, 3 * macs,
          [&p, backward](const Kernels& k) { return gru(k, p, backward); });
    }
  }
}

// --- kernels bound by memory ----------------------------------------------------------------------------

void add_elements(Cases& cases) {
  for (const CountProblem& p : kElements) {
    const Index n = p.count;
    const auto activation = [&](const char* name, Activation a) {
      cases.push_back({name, p.name, 0, 2 * bytes_of(n), [a, n](const Kernels& k) -> Calls {
                         return [&k, a, n, x = random(n, "x"), y = room(n)] {
                           k.elementwise.activate(a, real(0.01), n, x.data(), y.data());
                         };
                       }});
      cases.push_back(
          {std::string(name) + " dx", p.name, 0, 3 * bytes_of(n), [a, n](const Kernels& k) -> Calls {
             return [&k, a, n, kept = random(n, "x"), dy = random(n, "dy"), dx = room(n)] {
               k.elementwise.activate_gradient(a, real(0.01), n, kept.data(), dy.data(), dx.data());
             };
           }});
    };
    activation("relu", Activation::relu);
    activation("tanh", Activation::tanh);
    activation("gelu", Activation::gelu);
    cases.push_back({"add", p.name, 0, 3 * bytes_of(n), [n](const Kernels& k) -> Calls {
                       return [&k, n, x1 = random(n, "x1"), x2 = random(n, "x2"), y = room(n)] {
                         k.elementwise.add(n, x1.data(), x2.data(), y.data());
                       };
                     }});
    cases.push_back({"dropout", p.name, 0, 2 * bytes_of(n), [n](const Kernels& k) -> Calls {
                       return [&k, n, x = random(n, "x"), y = room(n)] {
                         k.elementwise.dropout(n, 0, real(0.5), {1, 2}, 3, x.data(), y.data());
                       };
                     }});
  }
}

void add_pools(Cases& cases) {
  for (const PoolProblem& p : kPool) {
    const PoolGeometry& g = p.geometry;
    const Index inputs = p.batch * g.h * g.w * g.c, outputs = p.batch * g.oh * g.ow * g.c;
    const double bytes = bytes_of(inputs) + bytes_of(outputs) + static_cast<double>(outputs);
    const auto max = [&p, inputs, outputs](const Kernels& k, bool backward) -> Calls {
      const Block x = random(inputs, "x"), y = room(outputs);
      const auto position = std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(outputs));
      const auto forward = [&p, &k, x, y, position] {
        k.pool.max_forward(p.geometry, p.batch, x.data(), y.data(), position->data());
      };
      if (!backward) return forward;
      forward();
      return [&p, &k, x, y, position] {
        k.pool.max_gradient(p.geometry, p.batch, y.data(), position->data(), x.data());
      };
    };
    cases.push_back({"max_pool", p.name, 0, bytes, [max](const Kernels& k) { return max(k, false); }});
    cases.push_back({"max_pool dx", p.name, 0, bytes, [max](const Kernels& k) { return max(k, true); }});
  }
}

void add_norms(Cases& cases) {
  for (const RowsProblem& p : kNorm) {
    const Index rows = p.rows, columns = p.columns, n = rows * columns;
    const auto add = [&](const char* kernel, double passes, const auto& make) {
      cases.push_back({kernel, p.name, 0, passes * bytes_of(n), make});
    };
    add("moments", 1, [=](const Kernels& k) -> Calls {
      return [=, &k, x = random(n, "x"), mean = room(columns), rest = room(columns), m2 = room(columns)] {
        k.norm.moments(rows, columns, x.data(), mean.data(), rest.data(), m2.data());
      };
    });
    add("affine", 2, [=](const Kernels& k) -> Calls {
      return [=, &k, x = random(n, "x"), a = random(columns, "a"), b = random(columns, "b"), y = room(n)] {
        k.norm.affine(rows, columns, x.data(), a.data(), b.data(), nullptr, true, y.data());
      };
    });
    add("normalise", 2, [=](const Kernels& k) -> Calls {
      return [=, &k, x = random(n, "x"), m = random(columns, "m"), a = random(columns, "a"),
              b = random(columns, "b"), y = room(n)] {
        k.norm.normalise(rows, columns, x.data(), m.data(), a.data(), b.data(), nullptr, true, y.data());
      };
    });
    add("gradient_sums", 2, [=](const Kernels& k) -> Calls {
      return [=, &k, x = random(n, "x"), dy = random(n, "dy"), mean = random(columns, "mean"),
              scale = random(columns, "scale"), sums = room(2 * columns)] {
        k.norm.gradient_sums(rows, columns, x.data(), mean.data(), scale.data(), dy.data(), {}, sums.data(),
                             sums.data() + columns);
      };
    });
    add("gradient_apply", 3, [=](const Kernels& k) -> Calls {
      return [=, &k, x = random(n, "x"), dy = random(n, "dy"), a = random(3 * columns, "a"), dx = room(n)] {
        k.norm.gradient_apply(rows, columns, x.data(), dy.data(), {}, a.data(), a.data() + columns,
                              a.data() + 2 * columns, dx.data());
      };
    });
    add("layer_norm", 2, [=](const Kernels& k) -> Calls {
      return [=, &k, x = random(n, "x"), a = random(2 * columns, "a"), y = room(n), kept = room(2 * rows)] {
        k.norm.layer_norm(rows, columns, real(1e-5), x.data(), a.data(), a.data() + columns, y.data(),
                          kept.data(), kept.data() + rows);
      };
    });
    add("column_sum", 1, [=](const Kernels& k) -> Calls {
      return [=, &k, x = random(n, "x"), sum = room(columns)] {
        k.gemm.column_sum(rows, columns, x.data(), columns, sum.data(), false);
      };
    });
  }
}

void add_losses(Cases& cases) {
  for (const RowsProblem& p : kLogits) {
    const Index rows = p.rows, columns = p.columns, n = rows * columns;
    cases.push_back({"softmax", p.name, 0, 2 * bytes_of(n), [=](const Kernels& k) -> Calls {
                       return [=, &k, x = random(n, "x"), y = room(n)] {
                         k.norm.softmax(rows, columns, x.data(), y.data());
                       };
                     }});
    cases.push_back({"cross_entropy", p.name, 0, 2 * bytes_of(n), [=](const Kernels& k) -> Calls {
                       return [=, &k, x = random(n, "x"), label = labels(rows, columns), y = room(n),
                               sums = room(2 * rows)] {
                         k.loss.cross_entropy({}, rows, columns, x.data(), label.data(), sums.data(),
                                              sums.data() + rows, y.data());
                       };
                     }});
  }
}

void add_updates(Cases& cases) {
  for (const CountProblem& p : kWeights) {
    const Index n = p.count;
    cases.push_back({"sgd momentum", p.name, 0, 5 * bytes_of(n), [n](const Kernels& k) -> Calls {
                       return [&k, n, g = random(n, "gradient"), w = random(n, "value"), m = room(n)] {
                         SgdRule rule;
                         rule.rate = real(1e-4);
                         rule.momentum = real(0.9);
                         k.update.sgd(rule, n, g.data(), w.data(), m.data());
                       };
                     }});
    cases.push_back({"adam", p.name, 0, 7 * bytes_of(n), [n](const Kernels& k) -> Calls {
                       return [&k, n, g = random(n, "gradient"), w = random(n, "value"), first = room(n),
                               second = room(n)] {
                         AdamRule rule;
                         rule.rate = real(1e-4);
                         rule.beta1 = real(0.9);
                         rule.beta2 = real(0.999);
                         rule.epsilon = real(1e-8);
                         k.update.adam(rule, n, g.data(), w.data(), first.data(), second.data());
                       };
                     }});
  }
}

}  // namespace

std::vector<KernelCase> kernel_cases() {
  Cases cases;
  add_products(cases);
  add_matrix_cases(cases);
  add_elements(cases);
  add_pools(cases);
  add_norms(cases);
  add_losses(cases);
  add_updates(cases);
  return cases;
}

}  // namespace firn::problems
