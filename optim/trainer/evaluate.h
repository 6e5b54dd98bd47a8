// A model's answers on a dataset.
#pragma once

#include <functional>
#include <vector>

#include "data/loader.h"
#include "layers/carried_states.h"
#include "optim/trainer/feature_cache.h"
#include "optim/trainer/program_cache.h"

namespace firn {

/// Runs the whole of `loader`'s dataset in its order through the forward pass. `on_batch`, if given, sees
/// each batch and its logits (rows, width); what they come to is judged by the task of `programs`. Restarts
/// the loader at epoch 0. With `features` that are active the loader is that of their validation part, and
/// what they keep is not computed. `freeze` matters where the frozen part is computed in bf16; none: the
/// model's own. Throws Error(non_finite) with the reason where the answers are no numbers: data far out, here
/// or in what the weights were `trained_on`, weights, or a layer.
Evaluation evaluate(const Model& model, ProgramCache& programs, Loader& loader,
                    const std::function<void(const Batch&, const real* logits)>& on_batch = {},
                    FeatureCache* features = nullptr, std::optional<FreezeSet> freeze = {},
                    const Loader* trained_on = nullptr);

/// The same for the task that the data asks for.
Evaluation evaluate(const Model& model, Loader& loader);

/// The same without judging: what the samples are labelled with does not matter. `states` are fed and taken
/// where the settings of `programs` say so.
void answer_all(const Model& model, ProgramCache& programs, Loader& loader,
                const std::function<void(const Batch&, const real* logits)>& on_batch,
                FeatureCache* features = nullptr, std::optional<FreezeSet> freeze = {},
                const Loader* trained_on = nullptr, CarriedStates* states = nullptr);

}  // namespace firn
