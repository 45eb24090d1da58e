#!/usr/bin/env python3
"""Measures this project's binary against the original: whole processes, in turn, the same
pipelines over the same data.

    tests/original/bench.py [--opsbox target/release/opsbox] [--rounds 7] [--only NAME]

It needs what `run.py` needs (Python 3.11, Go). Before a row is measured, both programs run once and
have to find the same. Times are taken without a watcher; memory in runs of its own, summed over the
command and all its descendants every few milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import scenarios
import watch
from cases import Case, cases
from environment import FIXTURES, HERE, Environment, Skip

FOLDERS = (FIXTURES / "plugins", FIXTURES / "providers")
MEASURES = {"wall": "wall", "cpu": "processor time", "pss": "memory, shared pages once", "rss": "memory, RSS"}


def main() -> int:
    """Measures every row and prints a table.

    Returns:
        0, or 1 where a goal was missed.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--opsbox", type=Path, default=HERE.parents[1] / "target/release/opsbox")
    parser.add_argument("--folder", type=Path, default=HERE.parents[1] / "target/original")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--slow-rounds", type=int, default=3, help="of rows whose original takes a minute; and of memory"
    )
    parser.add_argument("--only", metavar="NAME", action="append")
    parser.add_argument(
        "--ours-alone", action="store_true", help="leave the original out, to compare two builds of ours"
    )
    args = parser.parse_args()
    environment = Environment(args.folder)
    try:
        environment.make()
    except Skip as skip:
        print(f"skipped: {skip}")
        return 0
    watch.adopt_orphans()
    lines, n_missed = [], 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))

        def serve() -> str:
            cloud = scenarios.Cloud(environment)
            stack.callback(cloud.close)
            return cloud.url

        bench = Bench(environment, args.opsbox.resolve(strict=True), folder, args.ours_alone)
        for case in cases(folder, serve, args.only):
            rounds = min(args.rounds, args.slow_rounds) if case.slow else args.rounds
            series = bench.row(case, rounds, min(args.rounds, args.slow_rounds))
            new, missed = table(case, rounds, series)
            n_missed += missed
            lines += new
    print("\n| Row | original | opsbox | original / opsbox, median | goal |\n|---|---|---|---|---|")
    print("\n".join(lines))
    return 1 if n_missed else 0


class Bench:
    """The two programs, and a folder for their data."""

    def __init__(self, environment: Environment, opsbox: Path, folder: Path, ours_alone: bool) -> None:
        self.environment, self.opsbox, self.folder = environment, opsbox, folder
        self.sides = ["opsbox"] if ours_alone else ["original", "opsbox"]
        self.home = self._made("home")
        self.fixtures = environment.site(self._made("fixtures"), providers=True)
        self.published = environment.site(self._made("published"), providers=False)

    def _made(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def row(self, case: Case, rounds: int, memory_rounds: int) -> dict[str, dict[str, list[float]]]:
        """Runs the programs in turn.

        Returns:
            For each measure and each program, the values in the order of the rounds: seconds, MiB.

        Raises:
            SystemExit: A run ended with another exit code than expected, or the two found different things.
        """
        series: dict[str, dict[str, list[float]]] = {}

        def keep(what: str, side: str, value: float) -> None:
            series.setdefault(what, {}).setdefault(side, []).append(value)

        # These runs warm the caches, too.
        for n in range(memory_rounds if case.watched else 1):
            found = {}
            for side in self.sides:
                taken = self.run(case, side, memory=case.watched)
                found[side] = delivered(case, taken)
                if case.watched:
                    keep("pss", side, taken.pss / 2**20)
                    keep("rss", side, taken.rss / 2**20)
                    for words, size in sorted(taken.largest, key=lambda each: -each[1]) if n == 0 else ():
                        print(f"  {side}: {size / 2**20:7.1f} MiB  {words}")
            differ(case, found)
        for _ in range(rounds):
            for side in self.sides:
                taken = self.run(case, side, memory=False)
                keep("wall", side, taken.wall)
                keep("cpu", side, taken.cpu)
        return series

    def run(self, case: Case, side: str, *, memory: bool) -> watch.Taken:
        """Runs one program once.

        Raises:
            SystemExit: It ended with another exit code than expected.
        """
        env = {key: os.environ[key] for key in scenarios.KEPT if key in os.environ}
        env.update({"HOME": str(self.home), "TZ": "UTC", **case.variables})
        if side == "original":
            site = self.fixtures if case.providers else self.published
            env["PYTHONPATH"] = os.pathsep.join(map(str, (site, *FOLDERS)))
            command = [self.environment.opsbox, *case.words]
        else:
            env["OPSBOX_PYTHON"] = str(self.environment.python)
            if case.providers:
                env["OPSBOX_PLUGIN_DIR"] = os.pathsep.join(map(str, FOLDERS))
            command = [self.opsbox, *(case.ours or case.words)]
        if case.written is not None:
            shutil.rmtree(case.written, ignore_errors=True)
        taken = watch.run(command, env, self.folder, memory=memory)
        if taken.code not in case.codes[side == "opsbox"]:
            raise SystemExit(f"{side}: {case.title}: exit code {taken.code}\n{taken.said}")
        return taken


def delivered(case: Case, taken: watch.Taken) -> object:
    """Returns what a run found: the files that it wrote, or the resources that it named."""
    if case.written is not None:
        return {
            str(path.relative_to(case.written)): json.loads(path.read_text(encoding="utf-8"))
            for path in case.written.rglob("*.json")
        }
    return set(re.findall(case.named, taken.said)) if case.named else None


def differ(case: Case, found: dict[str, object]) -> None:
    """Ends the program where the two sides did not find the same, or nothing."""
    first, *others = found.values()
    if case.written is None and case.named is None:
        return
    if not first:
        raise SystemExit(f"{case.title}: nothing was found")
    if any(other != first for other in others):
        raise SystemExit(f"{case.title}: the programs found different things: {str(found)[:2000]}")


def table(case: Case, rounds: int, series: dict) -> tuple[list[str], int]:
    """Prints a row's figures; returns them as lines of a table, with the number of goals that were missed."""
    print(f"\n{case.name}: {case.title} ({rounds} rounds, load {os.getloadavg()[0]:.1f})")
    goals = {"wall": case.goal.wall, "cpu": case.goal.cpu, "pss": case.goal.memory}
    lines, n_missed = [], 0
    for what in (each for each in MEASURES if each in series):
        unit = "s" if what in ("wall", "cpu") else "MiB"
        ours, theirs = series[what]["opsbox"], series[what].get("original")
        ratio = goal = ""
        if theirs:
            ratios = [old / max(new, 1e-4) for old, new in zip(theirs, ours)]
            # Both sides of one round met the same load: a ratio is taken round by round.
            middle = statistics.median(ratios)
            ratio = f"{middle:.1f}x ({min(ratios):.1f}-{max(ratios):.1f})"
            if asked := goals.get(what):
                missed = middle < asked
                n_missed += missed
                goal = f">= {asked:g}x" + (": missed" if missed else "")
        sides = [f"{spread(values)} {unit}" if values else "" for values in (theirs, ours)]
        title = case.title if not lines else "the same"
        lines.append(f"| {title}: {MEASURES[what]} | {sides[0]} | {sides[1]} | {ratio} | {goal} |")
        print(f"  {what:<5} {' | '.join((*sides, ratio, goal))}")
    sys.stdout.flush()
    return lines, n_missed


def spread(values: list[float]) -> str:
    """Returns minimum and median, with as many digits as say something."""
    low, middle = min(values), statistics.median(values)
    digits = 3 if middle < 0.1 else 2 if middle < 100 else 0
    return f"{low:.{digits}f} / {middle:.{digits}f}"


if __name__ == "__main__":
    sys.exit(main())
