#include "tools/app/run/judged.h"

namespace firn::cli {

void write_answers(RunFolder& folder, const Session& session, const RunResult& result,
                   const SampleWatch& watch) {
  const auto write = [&](const char* name, const JsonObject& object) {
    folder.write(name, object.text() + "\n");
  };
  if (session.data.info().targets != TargetKind::classes) {
    return write("answers.json", answers_json(session.recipe.class_names, result));
  }
  write("confusion.json", confusion_json(session.recipe.class_names, result));
  write("samples.json",
        samples_json(watch, result.weights, session.data.train, session.data.validation, session.data.test));
}

void write_pictures(RunFolder& folder, const Session& session, const LoaderOptions& judging,
                    const FreezePictures& pictures) {
  const DatasetPtr& held_out = session.data.validation ? session.data.validation : session.data.test;
  if (!held_out) return;
  folder.write("pictures.json",
               pictures.json(session.data.train, held_out, judging, session.task).text() + "\n");
}

}  // namespace firn::cli
