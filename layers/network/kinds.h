// The kinds of layers that a network's text knows: one row each.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "layers/extent.h"
#include "layers/layer.h"

namespace firn {

/// One option of a kind of layer.
struct LayerOption {
  enum class Type {
    count,   ///< "32", from 1; "classes", "in" (channels or features of what the layer reads)
    place,   ///< the same from 0
    extent,  ///< "3", "3x3", "1x5", from 1
    margin,  ///< the same from 0
    number,  ///< "0.5", "1e-5"
    word,    ///< of `text`
    shape,   ///< "7x7x32"
    counts,  ///< "3 4 5"
    flag,    ///< there or not
  };
  std::string name;
  Type type = Type::count;
  bool bare = false;  ///< read by its place; else behind its name
  std::string usual;  ///< empty: it must be given, or what `text` says is taken
  std::string text;   ///< for the list of kinds
};

/// What is known where a layer is made.
struct LayerSite {
  Shape sample;          ///< what it reads, without the batch
  Shape image;           ///< (H,W,C) where `sample` is an image's numbers in a row; else of rank 0
  Index vocabulary = 0;  ///< of the tokens that it reads; 0: it reads numbers
  Index classes = 0;
};

/// The options of one layer, checked and as numbers. Each throws Error(usage) naming the place of the layer.
class LayerArguments {
 public:
  LayerArguments(const LayerSpec& spec, const LayerSite& site, const std::string& source);

  Index count(const std::string& name) const;
  Extent extent(const std::string& name) const;
  real number(const std::string& name) const;
  std::string word(const std::string& name) const;
  Shape shape(const std::string& name) const;
  std::vector<Index> counts(const std::string& name) const;
  bool flag(const std::string& name) const;
  bool given(const std::string& name) const { return spec_.find(name) != nullptr; }

  const LayerSpec& spec() const { return spec_; }
  const LayerSite& site() const { return site_; }
  /// The last size of what the layer reads: its channels or features. Throws for a sample of another rank,
  /// naming `wanted` ("images (H,W,C)"); rank 0: any.
  Index width(int rank, const std::string& wanted) const;
  [[noreturn]] void fail(const std::string& what) const;

 private:
  const LayerOption& option(const std::string& name) const;
  const std::string& value(const std::string& name) const;
  const LayerSpec& spec_;
  const LayerSite& site_;
  const std::string& source_;
};

struct LayerKind {
  std::string name;
  std::string text;  ///< a line
  std::vector<LayerOption> options;
  /// Makes the layer; `bodies` are the layers of its braces, made already.
  std::function<LayerPtr(const LayerArguments&, std::vector<LayerPtr> bodies)> make;
  /// Bodies wanted: none, or at least so many and at most so many; names that those behind the first may
  /// have.
  int least_bodies = 0, most_bodies = 0;
  std::vector<std::string> body_names = {};
  bool begins_block = false;  ///< where blocks are not said, one begins at it
};

/// All kinds, in the order of the documentation.
const std::vector<LayerKind>& layer_kinds();
/// Null where none has this name.
const LayerKind* find_layer_kind(const std::string& name);

/// "[network] SOURCE, line 2, column 5: what"
[[noreturn]] void fail_at(const std::string& source, int line, int column, const std::string& what);

}  // namespace firn
