#include "tools/app/study/emit.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/app/cli/command_words.h"

namespace firn::cli {

namespace {

constexpr std::size_t kMostTasks = 1000;  // Slurm's usual MaxArraySize is 1001

std::string job_name(const SpreadJob& job) {
  return job.run.substr(job.run.rfind('/') + 1);
}

std::string cell_lines(const std::vector<std::string>& cells) {
  return fmt::format("{}\n", fmt::join(cells, "\n"));
}

std::string slurm(const SpreadJob& job) {
  const std::size_t tasks = std::min(job.cells.size(), kMostTasks);
  return fmt::format(
      R"script(#!/bin/bash
# {0} cells of a study by Slurm: sbatch THIS_FILE. Tables and page, once all are done:
#   sbatch --dependency=afterok:JOB --chdir={1} --wrap {2}
#SBATCH --job-name={3}
#SBATCH --array=0-{4}
#SBATCH --cpus-per-task=1
#SBATCH --requeue --open-mode=append
#SBATCH --output={3}-%A_%a.log
cd {1} || exit
cells=(
{5})
mine=()
for ((i = SLURM_ARRAY_TASK_ID; i < ${{#cells[@]}}; i += {6})); do mine+=("${{cells[i]}}"); done
exec {7} --threads 1 --cell "$(IFS=,; echo "${{mine[*]}}")"
)script",
      job.cells.size(), shell_quoted(job.folder), shell_quoted(job.command + " --merge"), job_name(job),
      tasks - 1, cell_lines(job.cells), tasks, job.command);
}

std::string parallel(const SpreadJob& job) {
  return fmt::format(
      R"script(#!/bin/sh
# {0} cells of a study by GNU parallel: JOBS=4 sh THIS_FILE (one a core unless given). With LOGINS=FILE, as
# parallel's --sshloginfile takes it, on all machines that the file names and that see this folder.
cd {1} || exit
parallel --jobs "${{JOBS:-100%}}" ${{LOGINS:+--sshloginfile "$LOGINS" --workdir "$PWD"}} --retries 3 \
  {2} <<'CELLS' || exit
{3}CELLS
{4} --merge
)script",
      job.cells.size(), shell_quoted(job.folder), shell_quoted(job.command + " --threads 1 --cell {}"),
      cell_lines(job.cells), job.command);
}

std::string hq(const SpreadJob& job) {
  return fmt::format(
      R"script(#!/bin/sh
# {0} cells of a study by HyperQueue, whose server and workers are started already: sh THIS_FILE
cd {1} || exit
list=$(mktemp) || exit
cat > "$list" <<'CELLS'
{2}CELLS
hq submit --wait --name {3} --each-line "$list" --cpus 1 --cwd "$PWD" \
  --stdout none --stderr none sh -c {4}
failed=$?
rm -f "$list"
[ "$failed" = 0 ] && {5} --merge
)script",
      job.cells.size(), shell_quoted(job.folder), cell_lines(job.cells), job_name(job),
      shell_quoted(job.command + " --threads 1 --cell \"$HQ_ENTRY\""), job.command);
}

/// `text` in a recipe of make.
std::string recipe(const std::string& text) {
  std::string out;
  for (const char c : text) out += c == '$' ? std::string("$$") : std::string(1, c);
  return out;
}

std::string make(const SpreadJob& job) {
  return fmt::format(
      R"script(# {0} cells of a study by make: make -j4 -f THIS_FILE, in {1}
cells = \
  {2}

{3}/report.html: $(cells:%={3}/cells/%.json)
	{4} --merge
{3}/cells/%.json:
	{4} --threads 1 --cell $*
)script",
      job.cells.size(), job.folder, fmt::join(job.cells, " \\\n  "), job.run, recipe(job.command));
}

struct Engine {
  const char* name;
  std::string (*script)(const SpreadJob&);
};
constexpr Engine kEngines[] = {{"slurm", slurm}, {"parallel", parallel}, {"hq", hq}, {"make", make}};

}  // namespace

const std::vector<std::string>& engine_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Engine& engine : kEngines) all.emplace_back(engine.name);
    return all;
  }();
  return names;
}

std::string engine_script(const std::string& engine, const SpreadJob& job) {
  for (const Engine& one : kEngines) {
    if (engine == one.name) return one.script(job);
  }
  return {};
}

}  // namespace firn::cli
