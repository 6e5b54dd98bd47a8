// Selecting parts of parameters: output channels, rows of an embedding, gates.
#pragma once

#include <string>
#include <vector>

#include "layers/selection.h"

namespace firn {

/// Units of one parameter; all of them where a pattern names the whole.
struct SelectedUnits {
  ParameterPtr parameter;
  std::vector<UnitRange> units;
};

/// The parameters among `all` that `pattern` names as `select` understands it, or parts of them: "NAME[8:16]"
/// their units 8 to 15 (`Parameter::units`), "NAME[:8+32:]" the first eight and those from 32 on, "NAME[i+f]"
/// gates by name. NAME is a name or glob; of what it matches, statistics are passed over: they freeze as a
/// whole. A bracket without `:` and `+` belongs to the glob where that matches something. Throws what
/// `select` throws, and Error(usage) with the shape for units that are not there or none at all.
std::vector<SelectedUnits> select_units(const std::vector<NamedParameter>& all, const std::string& pattern);

/// Freezes or thaws units; the others stay as they are.
void set_trainable(const SelectedUnits& selected, bool trainable);

}  // namespace firn
