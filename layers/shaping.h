// Layers that only give the numbers another shape.
#pragma once

#include "layers/layer.h"

namespace firn {

/// (N,...) to (N, rest).
class Flatten final : public Layer {
 public:
  LayerSpec spec() const override { return LayerSpec("flatten"); }
  Flow build(Graph& graph, Flow in) const override;
};

/// (N,...) to (N, sample), which has as many elements.
class Reshape final : public Layer {
 public:
  explicit Reshape(Shape sample) : sample_(sample) {}
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Shape sample_;
};

/// The axes of a sample in another order, counted from 1: "3 1 2" makes (C,H,W) of (H,W,C).
class Permute final : public Layer {
 public:
  explicit Permute(std::vector<Index> order) : order_(std::move(order)) {}
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  std::vector<Index> order_;
};

/// The places begin, begin + step, ... below end of an axis of a sample, counted from 1.
class Slice final : public Layer {
 public:
  struct Options {
    Index axis = 1, begin = 0, end = 0, step = 1;
  };
  explicit Slice(Options options) : options_(options) {}
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Options options_;
};

/// Zeros before and behind the places of an axis of a sample, counted from 1.
class ZeroPad final : public Layer {
 public:
  struct Options {
    Index axis = 1, before = 0, behind = 0;
  };
  explicit ZeroPad(Options options) : options_(options) {}
  LayerSpec spec() const override;
  Flow build(Graph& graph, Flow in) const override;

 private:
  Options options_;
};

/// An image read row by row: (N,H,W,C) to (N,H,W*C).
class RowsToSequence final : public Layer {
 public:
  LayerSpec spec() const override { return LayerSpec("rows"); }
  Flow build(Graph& graph, Flow in) const override;
};

}  // namespace firn
