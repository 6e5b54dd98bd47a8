// What freezing did in a training run: pictures.json of its folder (run/freeze_pictures.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/json_read.h"
#include "engine/base/real.h"

namespace firn::cli::report {

/// Losses along a straight line of weights; may be empty.
struct Way {
  std::vector<double> places, on_train, on_held_out;
};
struct Effect {
  /// Pixels (H,W,C).
  struct Picture {
    Index height = 0, width = 0, channels = 1;
    std::vector<std::uint8_t> pixels;
  };
  struct Plane {
    std::vector<double> x, y;
    double share = 0;
  };
  struct Maps {
    Index block = 0;
    std::vector<Picture> maps;
  };
  Index train_samples = 0, held_out_samples = 0;
  Way way;                                        ///< from the beginning to what was kept
  Index probe_samples = 0;                        ///< that classifiers learned from
  std::vector<double> probe_before, probe_after;  ///< one a block; may be empty
  std::vector<Plane> planes;
  std::vector<Index> labels;  ///< of the points of the planes
  std::vector<Picture> filters_before, filters_after;
  Picture sample;
  Index sample_class = 0;
  std::vector<Maps> maps;
};

/// One network that was looked into while it trained.
struct Look {
  std::string name = {};  ///< "full tuning"; empty where it stands alone
  std::vector<std::string> blocks = {}, classes = {};
  std::string loss = {};                        ///< what it is, in words
  std::string time = {};                        ///< what `at` counts: "epoch", "step"
  std::vector<double> at = {};                  ///< when it was looked at
  std::vector<std::vector<double>> moved = {};  ///< how far each block was from its beginning then, over its
                                                ///< size; NaN for a block without weights
  Effect effect = {};
};

/// Throws Error(data) naming `path` where they are not of one length.
Way way_of(const JsonFields& line, const std::string& path);
/// The fields of pictures.json, wherever they stand.
Effect effect_of(const JsonFields& file, const std::string& path, std::size_t blocks, std::size_t classes);
/// Throws Error(data) naming the file for what is none, or not of so many blocks and classes.
Effect read_effect(const std::string& path, std::size_t blocks, std::size_t classes);

/// Bytes of lower-case hex digits; none where it is no such text.
std::vector<std::uint8_t> bytes_of_hex(const std::string& hex);

}  // namespace firn::cli::report
