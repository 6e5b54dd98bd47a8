// What a run leaves behind of its answers, sample by sample.
#pragma once

#include "tools/app/run/folder.h"
#include "tools/app/run/freeze_pictures.h"
#include "tools/app/run/result.h"
#include "tools/app/run/session.h"
#include "tools/app/run/shown_samples.h"

namespace firn::cli {

/// Writes confusion.json and samples.json, or answers.json where targets are no classes.
void write_answers(RunFolder& folder, const Session& session, const RunResult& result,
                   const SampleWatch& watch);

/// Writes pictures.json, with the validation part, or the test part where there is none, as what was held
/// out; nothing without either.
void write_pictures(RunFolder& folder, const Session& session, const LoaderOptions& judging,
                    const FreezePictures& pictures);

}  // namespace firn::cli
