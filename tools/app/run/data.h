// The data that a run was trained on, for verbs that are given a run alone.
#pragma once

#include <string>

#include "tools/app/run/session.h"

namespace firn::cli {

/// The folder of the run that `weights` means or lies in; empty where there is none (no config.json).
std::string run_of(const std::string& weights);

/// What config.json in the run's folder says of its data: the set, its parts (with the seed and the number of
/// labels that drew them) and how it is read; what `session` has already stays. False where there is no run
/// or it names no data. Throws Error(data) for a config.json that is none.
bool take_run_data(const std::string& weights, SessionChoice& session);
/// For data that is named: read and divided as the run's own where it is that; of other tables the header,
/// the column of the text and its label are where the run's were. Nothing where there is no run.
void take_run_reading(const std::string& weights, SessionChoice& session);

/// Makes the word that stands for a run, where there is one, the weights. Throws Error(usage) for both.
void take_run_word(const std::string& word, ModelChoice& model, const std::string& verb);

}  // namespace firn::cli
