#include "bench/problem_matrix_cases.h"

#include <memory>

#include "bench/problems.h"
#include "engine/base/rng.h"
#include "engine/tensor/tensor.h"

namespace firn::problems {

namespace {

/// Memory that copies share.
Tensor numbers(Index count) {
  Tensor all(Shape{count + 1});
  Random random(1, "matrix cases");
  for (real& value : all.values()) value = static_cast<real>(random.uniform(-1, 1));
  return all;
}

using Halves = std::shared_ptr<std::vector<Bf16>>;

Halves halves(const Kernels& k, Index count) {
  auto all = std::make_shared<std::vector<Bf16>>(static_cast<std::size_t>(count) + 1);
  k.bf16.narrow(count, numbers(count).data(), all->data());
  return all;
}

/// A convolution or, of one pixel, a dense layer.
struct Case {
  MatrixConvolution c;
  Index images;
};

std::function<void()> product(const Kernels& k, const Case& p) {
  const ConvGeometry& g = p.c.g;
  const Index inputs = (g.h + p.c.spread_h - 1) / p.c.spread_h * ((g.w + p.c.spread_w - 1) / p.c.spread_w);
  const Halves x = halves(k, p.images * inputs * g.c), y = halves(k, p.images * g.oh * g.ow * g.oc);
  Tensor packed = numbers(k.matrix.weight_count(g)), scratch = numbers(k.matrix.scratch(p.c, p.images));
  k.matrix.pack(g, numbers(g.weight_count()).data(), packed.data());
  return [=, &k]() mutable {
    k.matrix.forward(matrix_unit(), p.c, p.images, {x->data(), true}, packed.data(), {}, y->data(), true,
                     scratch.data());
  };
}

/// Rows of a dense layer are the pixels of one image.
std::function<void()> weight_gradient(const Kernels& k, const ConvGeometry& g, Index images) {
  const Halves x = halves(k, images * g.h * g.w * g.c), dy = halves(k, images * g.oh * g.ow * g.oc);
  Tensor dweight = numbers(g.weight_count()), scratch = numbers(k.matrix.gradient_scratch(g, images));
  return [=, &k]() mutable {
    MatrixGradient call;
    call.g = g;
    call.n = images;
    call.x = {x->data(), true};
    call.dy = {dy->data(), true};
    call.x_pixel = g.c;
    call.x_image = g.h * g.w * g.c;
    call.dy_pixel = g.oc;
    call.dy_image = g.oh * g.ow * g.oc;
    call.last = k.matrix.gradient_units(g);
    call.dweight = dweight.data();
    call.row = g.oc;
    k.matrix.gradient(matrix_unit(), call, scratch.data());
  };
}

ConvGeometry rows_of(Index in, Index out, Index width) {
  ConvGeometry g;
  g.h = g.oh = 1;
  g.w = g.ow = width;
  g.c = in;
  g.oc = out;
  return g;
}

/// The input gradient as a convolution of dy.
Case input_gradient(const ConvGeometry& g, Index images) {
  Case p{{g, g.stride_h, g.stride_w}, images};
  ConvGeometry& d = p.c.g;
  d.h = (g.oh - 1) * g.stride_h + 1;
  d.w = (g.ow - 1) * g.stride_w + 1;
  d.c = g.oc;
  d.oc = g.c;
  d.oh = g.h;
  d.ow = g.w;
  d.pad_h = g.kh - 1 - g.pad_h;
  d.pad_w = g.kw - 1 - g.pad_w;
  d.stride_h = d.stride_w = 1;
  return p;
}

std::function<void()> lstm_product(const Kernels& k, const RecurrentProblem& p, bool backward) {
  const RecurrentGeometry g{p.steps, p.units, false};
  const Index h = p.units, rows = p.batch * p.steps;
  const ConvGeometry weight = backward ? rows_of(4 * h, h, 1) : rows_of(h, 4 * h, 1);
  const RecurrentKernels& r = k.recurrent;
  Tensor packed = numbers(k.matrix.weight_count(weight));
  Tensor scratch = numbers(r.lstm_scratch(g, p.batch) + r.unit_scratch(4, g, p.batch));
  Tensor pre = numbers(rows * 4 * h), hidden = numbers(rows * h), cell = numbers(rows * h),
         gates = numbers(rows * 4 * h), result = numbers(rows * 4 * h);
  k.matrix.pack(weight, numbers(4 * h * h).data(), packed.data());
  return [=, &r]() mutable {
    const RecurrentWeight by_unit{packed.data(), &matrix_unit()};
    if (backward) {
      r.lstm_backward(g, p.batch, nullptr, hidden.data(), gates.data(), cell.data(), by_unit, result.data(),
                      scratch.data());
    } else {
      r.lstm_forward(g, p.batch, nullptr, pre.data(), by_unit, hidden.data(), gates.data(), cell.data(),
                     scratch.data());
    }
  };
}

}  // namespace

void add_matrix_cases(std::vector<KernelCase>& cases) {
  if (amx_unit() == nullptr && pairs_unit() == nullptr) return;
  const auto add = [&](const char* kernel, const char* size, double macs, const auto& prepare) {
    cases.push_back({kernel, size, macs, 0, prepare});
  };
  for (const DenseProblem& p : kDense) {
    const auto macs = static_cast<double>(p.m * p.n * p.k);
    add("dense bf16", p.name, macs, [&p](const Kernels& k) {
      return product(k, {{rows_of(p.k, p.n, 1), 1, 1}, p.m});
    });
    add("dense dx bf16", p.name, macs, [&p](const Kernels& k) {
      return product(k, {{rows_of(p.n, p.k, 1), 1, 1}, p.m});
    });
    add("dense dw bf16", p.name, macs,
        [&p](const Kernels& k) { return weight_gradient(k, rows_of(p.k, p.n, p.m), 1); });
  }
  for (const ConvProblem& p : kConv) {
    const ConvGeometry& g = p.geometry;
    if (!matrix_fits(g)) continue;
    const auto macs = static_cast<double>(g.macs() * p.batch);
    add("conv2d bf16", p.name, macs, [&p](const Kernels& k) {
      return product(k, {{p.geometry, 1, 1}, p.batch});
    });
    add("conv2d dx bf16", p.name, macs,
        [&p](const Kernels& k) { return product(k, input_gradient(p.geometry, p.batch)); });
    add("conv2d dw bf16", p.name, macs,
        [&p](const Kernels& k) { return weight_gradient(k, p.geometry, p.batch); });
  }
  for (const RecurrentProblem& p : kRecurrent) {
    const auto macs = static_cast<double>(4 * p.batch * p.steps * p.units * p.units);
    add("lstm forward bf16", p.name, macs, [&p](const Kernels& k) { return lstm_product(k, p, false); });
    add("lstm backward bf16", p.name, macs, [&p](const Kernels& k) { return lstm_product(k, p, true); });
  }
}

}  // namespace firn::problems
