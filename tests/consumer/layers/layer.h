// A header of this project that is called as one of firn's is.
#pragma once

namespace layers {
constexpr int kOwn = 6;
}
