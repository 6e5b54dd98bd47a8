// Links what an installed copy of firn brings and uses a little of it.
#include <firn/firn.h>
#include <cstdio>

#include "layers/layer.h"

int main() {
  firn::Random random(1, "consumer");
  firn::Tensor t(firn::Shape{2, 3});
  for (firn::real& value : t.values()) value = static_cast<firn::real>(random.uniform());
  const firn::ModelPtr model =
      firn::make_network("own", firn::parse_network("conv 4 3x3, relu, dense", "main.cpp"), "main.cpp",
                         {firn::Shape{8, 8, 1}}, 10);
  std::printf("%s %s %zu\n", t.shape().text().c_str(), t.reshaped({3, 2}).shape().text().c_str(),
              model->parameters().size());
  return t.count() == layers::kOwn ? 0 : 1;
}
