#!/usr/bin/env python3
"""usage: kill_ranks.py FIRN FOLDER [--kills N] [--mpiexec WORDS] [--seed N] [--finetune WEIGHTS DATA] [--only NAME]

Runs that several ranks share, killed at random moments: one rank, by SIGKILL. The launcher must end the others; then the
same command goes on with another number of ranks, and is killed again, until it is over. Its weights must be those of
one process that nobody disturbed, byte by byte. Ends when there were N kills (20), over these runs in turn: cnn,
resnet20 with batch norm, textlstm with dropout and a policy that freezes, and with --finetune a head of SqueezeNet on features that
are kept; --only names one of them. Said is with how many ranks each attempt was killed, and behind how many epochs. Exit code 1
where bytes differ or somebody hangs.
"""
import argparse
import hashlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import time

RUNS = {
    "cnn": "train --model cnn --data digits --augment shift:2 --policy slimfit --epochs 4",
    "resnet20": "train --model resnet20 --data digits --labels 20 --epochs 2 --clip 1",
    "textlstm": "train --model textlstm --data tsv:texts.tsv --policy gradual --epochs 6 --batch 32",
}
ALWAYS = " --seed 3 --exact --threads 1 --checkpoint-every 3 --quiet --run "
PATIENCE = 300  # seconds


def hashes(folder):
    return [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in ("best.safetensors", "last.safetensors")]


def epochs_done(folder):
    """How far a run's records go: 0 before its first epoch is over."""
    try:
        return (folder / "metrics.jsonl").read_text(errors="replace").count('"kind":"epoch"')
    except FileNotFoundError:
        return 0


def family(process):
    """Everything that a process has started, by number, with names."""
    parents, names = {}, {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            text = (entry / "stat").read_text()
        except OSError:
            continue
        number = int(entry.name)
        names[number] = text[text.index("(") + 1:text.rindex(")")]
        parents[number] = int(text[text.rindex(")") + 2:].split()[1])
    found, more = set(), {process}
    while more:
        found |= more
        more = {number for number, parent in parents.items() if parent in found} - found
    return {number: names[number] for number in found if number in names}


def start(options, ranks, words):
    launcher = options.mpiexec.split() + ["-n", str(ranks)] if ranks > 1 else []
    return subprocess.Popen(launcher + [options.firn] + words, cwd=options.folder, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE)


def attempt(options, rng, ranks, words, longest):
    """Returns whether it was killed, and what it said."""
    process = start(options, ranks, words)
    time.sleep(rng.uniform(0, longest))
    victims = sorted(number for number, name in family(process.pid).items() if name == "firn")
    killed = False
    if process.poll() is None and victims:
        try:
            os.kill(rng.choice(victims), signal.SIGKILL)
            killed = True
        except ProcessLookupError:
            pass
    try:
        said = process.communicate(timeout=PATIENCE)[1].decode(errors="replace")
    except subprocess.TimeoutExpired:
        for number in family(process.pid):
            os.kill(number, signal.SIGKILL)
        sys.exit(f"{ranks} ranks were still there {PATIENCE} s after one was killed")
    return killed and process.returncode != 0, said, process.returncode


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("firn", type=os.path.abspath)
    parser.add_argument("folder")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--mpiexec", default="mpiexec", help="the launcher and its options")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--finetune", nargs=2, metavar=("WEIGHTS", "DATA"))
    parser.add_argument("--only", metavar="NAME")
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    os.makedirs(options.folder)
    runs = dict(RUNS)
    if options.finetune:
        weights, data = (os.path.abspath(path) for path in options.finetune)
        runs["finetune"] = f"finetune {weights} --model squeezenet --data folder:{data} --labels 20 --cache on --epochs 400 --batch 4"
    if options.only:
        if options.only not in runs:
            sys.exit(f"--only {options.only}: there are {', '.join(runs)}")
        runs = {options.only: runs[options.only]}
    rng = random.Random(options.seed)
    with open(os.path.join(options.folder, "texts.tsv"), "w", encoding="ascii") as file:
        for number in range(400):  # two classes, by what a text has most of
            letters = "".join(rng.choice("abcdef" if k % 2 or number % 2 else "ghijkl") for k in range(rng.randrange(4, 12)))
            file.write(f"{letters}\t{'few' if number % 2 else 'many'}\n")
    folder = pathlib.Path(options.folder) / "runs"
    wanted, longest, kills, wrong, round_ = {}, {}, 0, 0, 0
    while kills < options.kills:
        round_ += 1
        for name, command in runs.items():
            words = (command + ALWAYS).split()
            if name not in wanted:
                begin = time.monotonic()
                if start(options, 1, words + [name]).wait() != 0:
                    sys.exit(f"{name}: one process alone fails")
                longest[name] = time.monotonic() - begin
                wanted[name] = hashes(folder / name)
            this, ranks, story = f"{name}-{round_}", 0, []
            for _ in range(50):
                ranks = rng.choice([n for n in (1, 2, 3, 4) if n != ranks])
                enough = len(story) >= 3 or kills >= options.kills
                if enough:
                    process = start(options, ranks, words + [this])
                    said, code, killed = process.communicate(timeout=20 * PATIENCE)[1].decode(), process.returncode, False
                else:
                    killed, said, code = attempt(options, rng, ranks, words + [this], 1.2 * longest[name])
                if killed:
                    kills += 1
                    story.append(f"{ranks} ranks after {epochs_done(folder / this)} epochs")
                    continue
                if code != 0:
                    sys.exit(f"{this}: {ranks} ranks failed with code {code}:\n{said}")
                break
            same = hashes(folder / this) == wanted[name]
            wrong += not same
            print(f"{this}: killed {len(story)} times ({', '.join(story)}); ended by {ranks}: "
                  f"{'the same bytes' if same else 'OTHER BYTES'} ({wanted[name][1][:12]}); {kills} kills so far", flush=True)
            shutil.rmtree(folder / this)
            if kills >= options.kills:
                break
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
