#include "engine/ops/epilogue.h"

#include "engine/graph/graph.h"

namespace firn {

std::string EpilogueForm::text() const {
  std::string s;
  if (scale >= 0) s += " *scale";
  if (shift >= 0) s += scale >= 0 ? " +shift" : " +bias";
  if (residual >= 0) s += " +residual";
  if (activation != Activation::none) s += " " + std::string(activation_name(activation));
  return s;
}

Epilogue EpilogueForm::bind(const Call& call) const {
  Epilogue epilogue;
  if (scale >= 0) epilogue.scale = call.in(scale);
  if (shift >= 0) epilogue.shift = call.in(shift);
  if (residual >= 0) epilogue.residual = call.in(residual);
  epilogue.activation = activation;
  epilogue.slope = slope;
  return epilogue;
}

bool EpilogueForm::pull(const Node& self, const Node& next, std::vector<Value>& extra) {
  const auto term = next.op()->epilogue_term(next, Value{const_cast<Node*>(&self), 0});
  if (!term || activation != Activation::none) return false;
  const int first = static_cast<int>(self.inputs().size());
  switch (term->kind) {
    case EpilogueTerm::Kind::activation:
      activation = term->activation;
      slope = term->slope;
      return true;
    case EpilogueTerm::Kind::affine:
      if (scale >= 0 || shift >= 0 || residual >= 0) return false;
      scale = first;
      shift = first + 1;
      break;
    case EpilogueTerm::Kind::residual:
      if (residual >= 0) return false;
      residual = first;
      break;
  }
  extra = term->inputs;
  return true;
}

}  // namespace firn
