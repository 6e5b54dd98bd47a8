// Figures that firn draws itself: something to learn from that is no photograph and no download.
#pragma once

#include <string>

#include "data/dataset.h"
#include "data/options.h"

namespace firn {

/// Formula-driven pretraining (Kataoka et al., "Pre-training without natural images", ACCV 2020) with strokes
/// in the place of fractals. 60 classes of grey images (S,S,1), S = `options.size`, 28 where that is 0; 60 of
/// each to train, 15 to test. A class is a figure, drawn once: lines, an arc, a polygon, a cross, blobs, or a
/// chain of curved strokes. A sample is the figure turned by up to 14 degrees, scaled, sheared, moved, its
/// corners jittered, in a pen of its own width, never thinner than a pixel. All of it is a function of fixed
/// seeds (Philox). Throws Error(usage) for a size outside 6..256; the path is not used.
DataParts open_drawn(const std::string& path = {}, const DataOptions& options = {});

}  // namespace firn
