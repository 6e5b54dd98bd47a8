// A trained model on data that it has not seen.
#pragma once

#include <vector>

#include "optim/trainer/feature_pool.h"
#include "tools/app/study/material.h"
#include "tools/app/study/store.h"

namespace firn::cli {

struct Judgement {
  double accuracy = 0, macro_f1 = 0, ece = 0, loss = 0;
  Index samples = 0, classes = 0;
  std::vector<Index> confusion;  ///< (truth, predicted); empty for language models
  std::vector<Mistake> mistakes;
  ItemAnswers items;  ///< one by one
};

/// The whole of `data` in its order; with a pool what is frozen gives features that others may have computed;
/// the first `mistakes` wrong answers are kept with their samples. Language models are judged step by step:
/// macro_f1 is 0 and no mistakes are kept. Of numbers `accuracy` is R² and macro_f1 0, of several labels both
/// are macro F1; they have no ece and no mistakes.
Judgement judge_model(const Model& model, const Prepared& prepared, const DatasetPtr& data,
                      const Budget& budget, Index mistakes, FeaturePool* pool = nullptr);

}  // namespace firn::cli
