#!/usr/bin/env python3
"""usage: spread_study.py FIRN FOLDER [--kills N] [--jobs N] [--seed N]

A study of 200 cells, once by one process, once by GNU parallel and once by make in four processes, of which N (8) are
killed at random moments; what was broken off is started again. Tables must be those of the one process, number by
number, but for what is measured. Exit code 1 where they are not.
"""
import argparse
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

STUDY = ("study --model mlp --steps 6 --batch 8 --source-epochs 1 --rate 1e-3,3e-3,1e-2 --test-samples 100 --seeds 25 "
         "--source half --labels 3 --policy gradual --policy equal-steps:gradual")
MEASURED = re.compile("seconds|_ms$|^rss|^bytes_measured")  # columns and metrics
# What each table says of how it was made, and not of what came out.
LEFT_OUT = {"meta", "sqlite_sequence"}


def tables(path):
    """Every table's rows without what is measured."""
    out = {}
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        for name in sorted(set(names) - LEFT_OUT):
            columns = [row[1] for row in db.execute(f"PRAGMA table_info({name})")]
            kept = [c for c in columns if not MEASURED.search(c)]
            rows = [dict(zip(kept, row)) for row in db.execute(f"SELECT {','.join(kept)} FROM {name}")]
            rows = [row for row in rows if not MEASURED.search(str(row.get("metric", "")))]
            if name == "answers":  # "1.8x faster" is measured
                rows = [{**row, "text": re.sub(r"\d+(\.\d+)?x", "x", row["text"])} for row in rows]
            out[name] = rows
    return out


def workers(folder):
    """The processes of FIRN that work on cells in a folder, by number."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if b"--cell" in words and os.readlink(entry / "cwd") == str(folder) and b"firn" in os.path.basename(words[0]):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def spread(words, folder, kills, rng):
    """Runs an engine until it ends well, and kills some of its workers meanwhile. Returns how many."""
    killed = 0
    for _ in range(kills + 5):
        with open(folder / "log", "a") as log:
            process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log,
                                       env={**os.environ, "JOBS": str(JOBS)})
            while process.poll() is None:
                time.sleep(rng.uniform(0.3, 1.5))
                alive = workers(folder)
                if killed < kills and alive:
                    try:
                        os.kill(rng.choice(alive), signal.SIGKILL)
                        killed += 1
                    except ProcessLookupError:
                        pass
        if process.returncode == 0:
            return killed
    sys.exit(f"{words[0]} does not end: {folder / 'log'}")


def main():
    global JOBS
    parser = argparse.ArgumentParser(usage=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("firn", type=os.path.abspath)
    parser.add_argument("folder")
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    JOBS = options.jobs
    rng = random.Random(options.seed)
    top = pathlib.Path(options.folder).resolve()
    shutil.rmtree(top, ignore_errors=True)
    commands = {"make": ["make", "-k", f"-j{JOBS}", "-f", "spread"], "parallel": ["sh", "spread"]}
    for name in ("one", *commands):
        (top / name).mkdir(parents=True)
    words = [options.firn] + STUDY.split() + ["--run", "spread"]
    ids = subprocess.run(words + ["--cells"], cwd=top / "one", check=True, capture_output=True).stdout.split()
    begin = time.monotonic()
    subprocess.run(words + ["--quiet"], cwd=top / "one", check=True, stdout=subprocess.DEVNULL)
    print(f"{len(ids)} cells in one process: {time.monotonic() - begin:.0f} s", flush=True)
    expected = tables(top / "one/runs/spread/results.sqlite")
    wrong = 0
    for name, engine in commands.items():
        script = subprocess.run(words + ["--emit", name], cwd=top / name, check=True, capture_output=True).stdout
        (top / name / "spread").write_bytes(script)
        begin = time.monotonic()
        killed = spread(engine, top / name, options.kills, rng)
        found = tables(top / name / "runs/spread/results.sqlite")
        different = [table for table in expected if found.get(table) != expected[table]]
        rows = sum(len(table) for table in expected.values())
        print(f"{name}, {JOBS} processes, {killed} killed: {time.monotonic() - begin:.0f} s, {len(expected)} tables, {rows} "
              f"rows: {'all the same' if not different else 'DIFFERENT: ' + ', '.join(different)}", flush=True)
        wrong += bool(different)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
