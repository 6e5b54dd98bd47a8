// Links what an installed copy of firn brings and uses a little of it.
#include <cstdio>

#include "engine/base/rng.h"
#include "engine/tensor/tensor.h"

int main() {
  firn::Random random(1, "consumer");
  firn::Tensor t(firn::Shape{2, 3});
  for (firn::real& value : t.values()) value = static_cast<firn::real>(random.uniform());
  std::printf("%s %s\n", t.shape().text().c_str(), t.reshaped({3, 2}).shape().text().c_str());
  return t.count() == 6 ? 0 : 1;
}
