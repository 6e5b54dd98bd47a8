// Grids: experiments as data, and the cells that they stand for.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "tools/app/cli/setting.h"
#include "tools/app/study/material.h"

namespace firn::cli {

/// One experiment: each of its lists multiplies the others, but for `freeze` and `policies`, which stand one
/// after the other. In `freeze` "*" is every cut 0, 1, ..., blocks - 1; in a policy a "*" is each of
/// 1, ..., blocks - 1.
struct Grid {
  std::string name;
  std::string title;
  std::string question;
  Index claim = 0;                   ///< of docs/study.md; 0: none
  std::string target = "digits";     ///< as `open_data` takes it
  std::vector<std::string> models;   ///< empty: usual ones for the data
  std::vector<std::string> sources;  ///< "drawn", "half", "self", "random", data; empty: usual ones
  std::vector<Index> labels{0};
  std::vector<std::string> freeze{"*"};
  std::vector<std::string> policies;
  std::vector<std::string> bn{"frozen"};
  std::vector<std::string> dropout{"off"};
  std::vector<double> freeze_at{0};
  std::vector<std::string> precision{"fp32"};  ///< of all of the network; each with its own full tuning
  bool scratch = true;                         ///< also new weights of which everything trains
  bool random_frozen = false;                  ///< also new weights with every `freeze`
  Index seeds = 3;
  std::uint64_t first_seed = 1;
  Budget budget = {};
};

/// What a grid says, each written once: the fields of files, their ranges, and the options of firn study that
/// read them.
Settings arm_settings(Grid& grid);
Settings budget_settings(Grid& grid);
/// Both, in the order of files.
Settings grid_settings(Grid& grid);

/// A grid of which nothing is said: all is zero, false or empty.
Grid empty_grid();

/// What the command line says of every grid.
struct GridChanges {
  Grid grid = empty_grid();  ///< what is not said of it leaves a grid as it is
  std::string weights;       ///< a file: the source in the place of others than "random" and "self"
};
void change(Grid& grid, const GridChanges& changes);

/// Fills in models and sources where none are given, by the kind of the target, and drops sources that such
/// data cannot have while others are left: figures can be drawn for images alone, half of the classes learned
/// only where there are four. Where none is left new weights alone are studied. Gives back what the reader
/// should be told of that.
std::vector<std::string> complete(Grid& grid, const DataInfo& target);

/// Throws Error(usage) for empty lists, numbers out of range, unknown words, with the nearest one.
void check(const Grid& grid);

/// Grids of a JSON file: {"experiments": [{"name": ..., "models": [...], "labels": [5, 20, "all"], ...}]},
/// the fields as in `Grid` with the budget's beside them; or one such object alone. Throws Error(usage)
/// naming the file and the field, with the nearest one for an unknown name; Error(data) where it cannot be
/// read or is no JSON.
std::vector<Grid> read_grids(const std::string& path);
/// The same of a file's content; `path` is what errors name.
std::vector<Grid> parse_grids(std::span<const std::byte> bytes, const std::string& path);
/// One grid in that form.
std::string grid_json(const Grid& grid);

/// What is to be done: no cell, arm or origin stands in it twice.
struct Plan {
  struct Experiment {
    std::string name, title, question;
    int claim = 0;
    std::vector<std::size_t> cells;
  };
  std::vector<Arm> arms;
  std::vector<std::string> arm_keys;
  std::vector<Cell> cells;
  std::vector<Origin> origins;
  std::vector<Experiment> experiments;
};

/// Prepares the materials of all arms. Throws what `check` and `Materials::prepare` throw.
Plan expand(const std::vector<Grid>& grids, Materials& materials);

}  // namespace firn::cli
