// The table `pictures` of a study.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/base/real.h"
#include "tools/app/record/sqlite.h"
#include "tools/app/report/effect_record.h"

namespace firn::cli::report {

struct CurvePoint {
  Index step = 0;
  double loss = 0, accuracy = 0;
};

/// What was seen inside a training of an arm (`pictures` in schema.h).
struct Pictured {
  std::string cell, arm;
  Index seed = 0, steps = 0;
  std::vector<CurvePoint> curve;
  struct Frozen {
    std::size_t block = 0;
    Index from = 0, to = 0;  ///< in steps
    bool whole = true;
  };
  std::vector<Frozen> frozen;
  Look look;
};

/// The way from the first of them to another.
struct PicturedWay {
  std::size_t to = 0;  ///< its position
  Way way;
};

struct PicturedTable {
  std::vector<Pictured> pictured;  ///< full tuning first; may be empty
  std::vector<PicturedWay> ways;
};

/// What is asked of an arm.
struct PicturedArm {
  std::string name, target, part;
};

/// Of `arms`, by key; trainings of others are passed over. Throws Error(data) naming the file for what is no
/// such content.
PicturedTable read_pictured(Database& database, const std::map<std::string, PicturedArm>& arms);

}  // namespace firn::cli::report
