#include "tools/app/verbs/verbs.h"

#include "tools/app/verbs/advise.h"
#include "tools/app/verbs/bench.h"
#include "tools/app/verbs/data.h"
#include "tools/app/verbs/doctor.h"
#include "tools/app/verbs/eval.h"
#include "tools/app/verbs/explain.h"
#include "tools/app/verbs/export.h"
#include "tools/app/verbs/inspect.h"
#include "tools/app/verbs/merge.h"
#include "tools/app/verbs/models.h"
#include "tools/app/verbs/predict.h"
#include "tools/app/verbs/report.h"
#include "tools/app/verbs/study.h"
#include "tools/app/verbs/train.h"
#include "tools/app/verbs/watch.h"
#include "tools/app/verbs/weights.h"

namespace firn::cli {

namespace {

constexpr VerbEntry kVerbs[] = {
    {"train", "trains a model on data and writes a run folder", make_train},
    {"finetune", "trains weights on other data: a new head, what else is asked for", make_finetune},
    {"eval", "says how well a model answers on data", make_eval},
    {"predict", "gives a model's answers, sample by sample", make_predict},
    {"inspect", "shows a model layer by layer, or what a weights file holds", make_inspect},
    {"explain", "shows a training step: what is computed, what is not, and why", make_explain},
    {"advise", "predicts what every cut costs, tries them shortly and says which to take", make_advise},
    {"study", "measures what freezing does to accuracy, time and memory", make_study},
    {"report", "makes the page of a run again, or one page of several", make_report},
    {"watch", "follows a training run from another terminal", make_watch},
    {"merge", "makes whole weights of a run's checkpoint and its base", make_merge},
    {"export", "writes a network for other programs: ONNX, or safetensors with PyTorch's names", make_export},
    {"models", "lists the models, and the layers that a network of one's own is made of", make_models},
    {"weights", "says which published weights there are, and checks a file", make_weights},
    {"bench", "times training steps and kernels, and holds them against the machine and a peer", make_bench},
    {"data", "says what a set of data is, or which sets there are", make_data},
    {"doctor", "checks this machine and this build", make_doctor},
};

}  // namespace

std::span<const VerbEntry> verbs() {
  return kVerbs;
}

}  // namespace firn::cli
