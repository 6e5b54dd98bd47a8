// The tables of results.sqlite, all that a study found out. The report is made from this file alone: every
// number on its page stands here. docs/study.md says the same for readers of the file.
//
// An arm is one way to train: all coordinates but the seed. A cell is an arm with a seed. An origin is what
// cells of one model and seed start from: weights learned on the source once. A key is 16 hex digits of the
// SHA-256 of the resolved content, in which the data stands by its own SHA-256; the same content is the same
// row whichever experiment asked for it. Rows of earlier grids stay; `members` says what belongs to the last
// one. What is written again by each run is `meta`, `experiments`, `members`,
// `classes`, `answers`, `summary`, `verdicts`, `evidence`, `tests`, `rulings`, `evidence_tests`, `power`,
// `pooled`, and `pictures` where they are of other cells; the other tables grow, one transaction a cell.
//
// Two runs of one command give the same rows, bit for bit, but for: meta.started, meta.finished,
// meta.headline and answers.text (which name measured speed), all columns named seconds or *_seconds or *_ms,
// bytes_measured (which grows with the number of threads, and is less where another cell has computed the
// frozen features), and the rows of `summary`, `tests`,
// `evidence` and `evidence_tests` of the metrics seconds, seconds_ratio and predicted_seconds with the
// verdicts, rulings and pooled rows on claim 5, which look at time, and `tuning_cost`.
//
// Numbers: shares are from 0 to 1, losses in nats, bytes in bytes, MACs count one multiply-add as one.
#pragma once

#include <string>
#include <string_view>

#include "tools/app/record/sqlite.h"

namespace firn::cli {

/// meta.schema, counts up with every change of a table.
constexpr int kStudySchema = 5;
/// The oldest whose files are still read: versions 4 and 5 have tables more, and no other ones.
constexpr int kOldestStudySchema = 3;
/// PRAGMA application_id of the file: "firn".
constexpr int kStudyApplication = 0x6669726e;

/// The statements that make all tables:
///
/// meta(key, value): schema, program, version, commit, compiler, isa, threads, cpu, command, name, started,
///   finished (UTC, ISO 8601), state ("running", "interrupted", "complete"), protocol (how every arm was
///   tuned, in sentences), statistics (what the intervals are, in sentences), headline (the answer, a line).
/// experiments(experiment, claim, title, question, position): one for each grid; claim 1..6 of
///   docs/study.md, 0: none.
/// members(experiment, cell): the cells of an experiment; a cell may belong to several.
/// arms(arm, name, model, blocks, source, target, part, labels, freeze, frozen_blocks, policy, bn, dropout,
///   freeze_at, steps, batch, rates, reference): name for people ("full tuning", "first 2 frozen",
///   "scratch"); blocks the model's; source "random" (no source: new weights), "half" (the first half of the
///   target's classes), "self" (the target itself), "drawn", "weights:FILE" or data; part "all" or "second
///   half" of the target's classes; labels a class, 0: all; freeze as --freeze; frozen_blocks the length of
///   the frozen prefix, -1 where freeze is no prefix or a policy decides; policy "" or as --policy; freeze_at
///   the share of the steps after which the freeze holds; rates a JSON list of those tried; reference the
///   arm of full tuning that it is held against (NULL: it is that, or there is none).
/// origins(origin, model, source, seed, epochs, accuracy, loss, seconds, file): on the source's own test
///   part; file in the run folder.
/// cells(cell, arm, seed, origin): origin NULL where weights are new or from a file.
/// meta 'score' says what accuracy stands for, here and below (of regression R²), 'score_is_share' whether it
/// is
///   0 to 1, 'labels_by_class' whether labels are counted so.
/// results(cell, accuracy, macro_f1, ece, loss, train_loss, rate, steps, train_samples, test_samples,
///   trained_share, macs_forward, macs_input, macs_weight, bytes_predicted, bytes_measured, state_bytes,
///   seconds, predicted_seconds, commit_id, validation_accuracy, validation_samples): on the test part, but
///   for the last two, by which arms are chosen (NULL and 0 where there is no validation part); rate the one
///   in use; trained_share of the blocks, mean over the steps; macs_* of all training steps, as if none went
///   from kept features; bytes_predicted activations and gradients of the largest step as planned,
///   bytes_measured the workspace as it was; state_bytes of the optimizer at the end; seconds of processor
///   time in training steps on one thread beside other cells, features of what is frozen computed once and
///   kept where that is quicker (by this cell, though it finds those of others); predicted_seconds the same
///   predicted from the step that trains everything.
/// tuning(cell, rate, loss, accuracy): of each rate tried, on the part of the training labels held out for
/// it. curves(cell, step, loss, accuracy): mean training loss since the row before, accuracy on at most 512
///   samples of the validation part; no rows without one.
/// confusion(cell, truth, predicted, count): rows with count > 0 alone.
/// mistakes(cell, place, sample, truth, predicted, confidence, height, width, channels, pixels): the first
///   few, place from 0; sample the position in the test part; pixels bytes 0..255 (H,W,C), empty where
///   samples are no images, then the sample's text in `text`.
/// costs(arm, step_ms, step_predicted_ms, step_kept_ms, forward_ms, backward_ms, backward_predicted_ms,
///   macs_forward, macs_input, macs_weight, arena_bytes, kept_bytes, state_bytes, parameters, trainable): one
///   training step of a static arm, alone on one thread, without the optimizer's update; step_kept_ms from
///   kept features (NULL where none can be kept), the others with all that is frozen computed.
/// classes(target, part, class, name).
/// answers(position, model, source, target, part, labels, arm, reference, text): the answer first: for each
///   model, target and number of labels the best of all arms, its source, a sentence; reference the best arm
///   of the other kinds (scratch, full tuning, frozen), NULL where there is none.
/// summary(arm, metric, seeds, mean, deviation, low, high, difference, difference_low, difference_high,
///   finding): metric accuracy, macro_f1, ece, loss, macs, seconds, predicted_seconds; low..high and the
///   paired difference to the reference with its interval at 95 %; finding "better", "worse",
///   "no difference seen", "not known" (one seed), or NULL where there is no reference.
/// Metrics of evidence are those of `summary`, and macs_ratio and seconds_ratio: logs of ratios.
/// verdicts(verdict, experiment, claim, part, model, source, target, result, text): result "supported",
///   "contradicted", "undecided", "not applicable"; part of the claim in words.
/// evidence(verdict, position, name, arm, reference, metric, seeds, difference, low, high).
///
/// Since version 4:
/// items(cell, kind, count, scores, answers): the answers to the test part, one by one in its order. kind
///   "classes", "numbers", "labels" or "steps"; scores one number an item, whose mean is the accuracy (of
///   what is no mean of items, R², macro F1, the linear part of what an item adds to it): of classes a bit
///   each, the lowest first, 1 where the answer is right, of others floats (little-endian); answers: of
///   classes the class that was answered, a byte each (two, little-endian, of more than 256 classes), of
///   numbers and labels a float for each number or probability, of steps none.
/// tuning_cost(cell, macs, seconds): of all that was trained to choose the rate, on top of `results`.
/// tests(arm, metric, error, degrees, p, p_holm): of the difference in `summary`: standard error, degrees of
///   freedom, two-sided level against zero, the same among all arms of one experiment (Holm 1979).
/// rulings(verdict, family, family_size, p_for, p_against, p_holm): the least levels on which the verdict
/// would
///   be "supported" and "contradicted", and the lesser of both among its family.
/// evidence_tests(verdict, position, error, degrees, p): of a row of `evidence`, whose difference is of what
///   its name says.
/// power(arm, items, seeds_deviation, items_deviation, rest_deviation, seeds_for_a_point): of the difference
/// in
///   accuracy to the reference: what a single value varies by, and how many seeds would tell one point (NULL:
///   none on so few items).
/// pooled(position, claim, part, sets, mean, error, low, high, p, tau, prediction_low, prediction_high): a
/// part of
///   a claim over all its targets (random effects, REML, Hartung-Knapp).
///
/// Since version 5:
/// pictures(position, cell, other, content): what was seen inside the trainings of the first answer, one
/// seed's: full tuning, the best fixed cut, the best policy, as far as there are such. content is JSON. With
/// other NULL: {"steps", "blocks": names, "curve": [{"step", "loss", "score"}], "frozen": [{"block", "from",
/// "to" (steps), "whole"}], "movement": [{"step", "blocks": distances from the beginning over the block's
/// size}], "effect": as pictures.json of a training run}. Else the loss between the weights that both cells
/// end with, at the places a of (1 - a) cell + a other: {"places", "train", "held_out"}.
std::string study_tables();
/// Those of an older version.
std::string study_tables(int schema);
/// Adds what a file of an older version lacks, in one transaction.
void bring_up_to_date(Database& database);
/// Whether it has the tables that came with `schema`.
bool has_tables_of(Database& database, int schema);

/// Throws Error(data) naming the file, as `operation`, where it is not a study's of a version that is read,
/// whole, with its tables and nothing else in its schema.
void check_study(Database& database, std::string_view operation);

}  // namespace firn::cli
