// The weights of a study's sources, kept in its folder.
#pragma once

#include <optional>
#include <string>

#include "tools/app/study/cell.h"

namespace firn::cli {

/// As they lie in `folder`/origins; null where there are none that can be read.
ModelPtr load_origin(const Materials& materials, const Arm& arm, const Origin& origin,
                     const std::string& folder);

/// Learned and written there, as a whole file. Nothing when stopped.
std::optional<LearnedOrigin> make_origin(const Materials& materials, const Arm& arm, const Origin& origin,
                                         const std::string& folder, const Stop& stop);

/// "cnn learned drawn, seed 1: 87.5 %"
std::string learned_text(const Arm& arm, const Origin& origin, const OriginResult& result);

/// "cnn, drawn, 5 labels a class, first 2 frozen, seed 1: 93.1 %"
std::string trained_text(const Arm& arm, std::uint64_t seed, const CellResult& result);

}  // namespace firn::cli
