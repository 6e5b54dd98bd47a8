// Labels as texts become classes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/base/real.h"

namespace firn {

/// The labels of one part: which of `classes` each sample has.
struct TextLabels {
  std::vector<std::int32_t> labels;
  std::vector<std::string> classes;
};

/// Gives all parts the same classes. Where all of them are numbers, equal values are one class ("1", "1.0",
/// "01"), written in the shortest way and sorted as numbers; else they are sorted by name. `point` parts the
/// whole from the fraction.
std::vector<std::string> merge_classes(std::span<TextLabels* const> parts, char point = '.');

/// Whether these labels measure something, so that they are no classes: numbers of which many differ and few
/// recur, or that are not whole.
bool is_measure(const TextLabels& part, char point = '.');

/// "3 classes: setosa 50, versicolor 50, virginica 50"; of more than ten the least and the most.
std::string classes_text(const std::vector<std::string>& classes, const std::vector<Index>& counts);

}  // namespace firn
