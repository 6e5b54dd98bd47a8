// What freezing did in a study, looked at from inside: the table `pictures`.
#pragma once

#include <string>
#include <vector>

#include "tools/app/study/answers.h"
#include "tools/app/study/cell.h"
#include "tools/app/study/costs.h"

namespace firn::cli {

/// What is looked at for an answer: full tuning, the best arm of a fixed cut and the best policy, all from
/// the source of the answer (where that is new weights, from that of the best arm that freezes what was
/// copied); full tuning first. Fewer where there are no such arms; none where nothing freezes.
std::vector<const Outcome*> pictured_arms(const Answer& answer, const Outcomes& outcomes);

/// So many forward passes of a sample the pictures of an arm take, beside its training.
inline constexpr double kPictureForwards = 2 * (2 * 13 + 4) * 256.0;

/// Trains the arms of the first answer again, with the first seed that all have, one a thread, and writes
/// what was seen (`pictures` in schema.h). Does nothing where that is there already. Measures full steps that
/// `costs` lacks, and makes sources again that `folder` lacks. False when stopped.
bool draw_pictures(const Plan& plan, const Materials& materials, Costs& costs, Store& store,
                   const std::string& folder, const std::vector<Answer>& answers, const Outcomes& outcomes,
                   const Stop& stop);

}  // namespace firn::cli
