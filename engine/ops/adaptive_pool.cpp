// The part of engine/ops/pool.h whose windows share the image as evenly as they can.
#include <algorithm>

#include "engine/ops/check.h"
#include "engine/ops/pool.h"
#include "engine/ops/registry_rows.h"

namespace firn {

namespace {

/// The places [first, last) of window i of `windows` over `size` places.
struct Span {
  Index first, last;
};
Span span_of(Index i, Index size, Index windows) {
  return {i * size / windows, ((i + 1) * size + windows - 1) / windows};
}

class AdaptiveAverage final : public Op {
 public:
  AdaptiveAverage(Shape image, Index height, Index width, bool backward)
      : image_(image), height_(height), width_(width), backward_(backward) {}
  Description describe() const override {
    return {
        backward_ ? "adaptive_average_pool_gradient" : "adaptive_average_pool",
        backward_ ? "dx[n,h,w,c] = Σ of dy[n,i,j,c] / its places over the windows that hold (h,w)"
                  : "y[n,i,j,c] = the mean of x[n,h,w,c] over h from ⌊i H/OH⌋ to ⌈(i+1) H/OH⌉, w alike",
        Attributes().add("size", std::vector<Index>{height_, width_}, fmt::format("{}x{}", height_, width_))};
  }
  std::vector<Spec> infer(std::span<const Spec> inputs, const std::string&) const override {
    const Index n = inputs[0].shape[0];
    return {{backward_ ? image_.with(0, n) : Shape{n, height_, width_, image_[3]}, DType::number,
             inputs[0].axis}};
  }
  void run(const Call& call) const override {
    const Index h = image_[1], w = image_[2], c = image_[3];
    std::fill_n(call.out(), call.out_count(), real(0));
    for (Index row = 0; row < call.rows * height_; ++row) {
      const Span rows = span_of(row % height_, h, height_);
      for (Index j = 0; j < width_; ++j) {
        const Span columns = span_of(j, w, width_);
        const real share =
            real(1) / static_cast<real>((rows.last - rows.first) * (columns.last - columns.first));
        const Index window = (row * width_ + j) * c;
        for (Index a = rows.first; a < rows.last; ++a) {
          for (Index b = columns.first; b < columns.last; ++b) {
            const Index place = ((row / height_ * h + a) * w + b) * c;
            const real* from = call.in(0) + (backward_ ? window : place);
            real* to = call.out() + (backward_ ? place : window);
            for (Index k = 0; k < c; ++k) to[k] += share * from[k];
          }
        }
      }
    }
  }
  void gradient(Gradients& g) const override {
    g.set(0, g.graph().add(std::make_shared<AdaptiveAverage>(image_, height_, width_, true), {g.dy()}));
  }

 private:
  Shape image_;
  Index height_, width_;
  bool backward_;
};

}  // namespace

void add_adaptive_pool_kinds(std::vector<OperationKind>& rows) {
  rows.push_back(
      {"adaptive_average_pool", [](Graph& graph, const Attributes& a, std::span<const Value> inputs) {
         const std::vector<Index> size = a.get<std::vector<Index>>("size");
         return adaptive_average_pool(graph, inputs[0], size.at(0), size.at(1));
       }});
}

Value adaptive_average_pool(Graph& graph, Value x, Index height, Index width) {
  const Shape& shape = x.shape();
  if (shape.rank() != 4 || shape[1] < 1 || shape[2] < 1 || height < 1 || width < 1) {
    shape_error("adaptive_average_pool", graph.label(),
                fmt::format("input {} must be (N,H,W,C), the windows {}x{} at least one", shape.text(),
                            height, width));
  }
  return graph.add(std::make_shared<AdaptiveAverage>(shape, height, width, false), {x});
}

}  // namespace firn
