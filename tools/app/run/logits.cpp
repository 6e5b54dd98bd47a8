#include "tools/app/run/logits.h"

#include <algorithm>

#include "data/npy.h"

namespace firn::cli {

LogitsFile::LogitsFile(std::string path, const Model& model, const Dataset& data) : path_(std::move(path)) {
  if (path_.empty()) return;
  const Index samples = data.size();
  logits_ = Tensor(model.each_step() ? Shape{samples, data.info().shape[0], model.width()}
                                     : Shape{samples, model.width()});
}

LogitsFile::LogitsFile(std::string path, const Model& model, Index samples) : path_(std::move(path)) {
  if (!path_.empty()) logits_ = Tensor(Shape{samples, model.width()});
}

void LogitsFile::add(const Batch& batch, const real* logits) {
  if (!logits_.defined()) return;
  const Index row = logits_.shape().count_from(1);
  std::copy_n(logits, batch.count * row, logits_.data() + done_ * row);
  done_ += batch.count;
}

void LogitsFile::save() const {
  if (!logits_.defined()) return;
  if (done_ == logits_.shape()[0]) return save_npy(path_, logits_);
  Tensor rows(logits_.shape().with(0, done_));
  std::copy_n(logits_.data(), rows.shape().count(), rows.data());
  save_npy(path_, rows);
}

}  // namespace firn::cli
