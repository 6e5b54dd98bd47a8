#include "engine/ops/epilogue.h"

#include "engine/graph/graph.h"

namespace firn {

Attributes EpilogueForm::attributes() const {
  Attributes list;
  if (scale >= 0) list.add("scale", true, "*scale");
  if (shift >= 0) list.add("shift", true, scale >= 0 ? "+shift" : "+bias");
  if (residual >= 0) list.add("residual", true, "+residual");
  if (activation == Activation::none) return list;
  const std::string name(activation_name(activation));
  list.add("activation", name, name);
  return list.add("slope", static_cast<double>(slope));
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

bool EpilogueForm::take(const EpilogueTerm& term, int first) {
  if (activation != Activation::none) return false;
  switch (term.kind) {
    case EpilogueTerm::Kind::activation:
      activation = term.activation;
      slope = term.slope;
      return true;
    case EpilogueTerm::Kind::affine:
      if (scale >= 0 || shift >= 0 || residual >= 0) return false;
      scale = first;
      shift = first + 1;
      return true;
    case EpilogueTerm::Kind::residual:
      if (residual >= 0) return false;
      residual = first;
      return true;
  }
  return false;
}

bool WithEpilogue::takes(const EpilogueForm&) const {
  return true;
}

}  // namespace firn
