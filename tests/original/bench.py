#!/usr/bin/env python3
"""Measures this project's binary against the original: whole processes, in turn, the same
pipelines over the same data.

    tests/original/bench.py --opsbox target/release/opsbox [--rounds 7] [--only NAME]

It needs what `run.py` needs (Python 3.11, Go). Linux only: memory is read from /proc.
Times are taken without a watcher; memory in runs of its own, summed over the command and all its
descendants every 5 ms (PSS: pages that several share count once).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import scenarios
from environment import FIXTURES, HERE, Environment, Skip

N_LARGE = 100_000
# Two of the checks log errors about items that they leave out: the original ends with 0 all the same.
PARTIAL = ((0,), (4,))
FOLDERS = (FIXTURES / "plugins", FIXTURES / "providers")
DATES = {
    "ec2_snapshot_old_threshold": "2024-06-01T00:00:00+00:00",
    "s3_last_modified_date_threshold": "2024-06-01T00:00:00+00:00",
    "s3_stale_bucket_date_threshold": "2024-06-01T00:00:00+00:00",
    "s3_unused_bucket_date_threshold": "2024-06-01T00:00:00+00:00",
    "iam_overdue_key_date_threshold": "2024-06-01T00:00:00+00:00",
    "rds_old_date_threshold": "2024-06-01T00:00:00+00:00",
}


@dataclass
class Case:
    """One row: a command line of both programs.

    Args:
        name: What `--only` takes.
        title: What the table says.
        words: Arguments after the program.
        variables: Environment variables beside the common ones.
        providers: Whether the fixture providers stand in for the published ones.
        codes: Exit codes that mean a whole run: of the original, of ours.
        watched: Whether memory is measured, too.
        ours: Arguments of ours, where they are others.
    """

    name: str
    title: str
    words: list[str]
    variables: dict[str, str] = field(default_factory=dict)
    providers: bool = True
    codes: tuple = ((0,), (0,))
    ours: list[str] | None = None
    watched: bool = False


@dataclass
class Taken:
    """What one run took: seconds, seconds of processor time, bytes."""

    wall: float
    cpu: float
    memory: int = 0


def main() -> int:
    """Measures every row and prints a table.

    Returns:
        0, or 1 where a run ended with another exit code than expected.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--opsbox", type=Path, default=HERE.parents[1] / "target/release/opsbox")
    parser.add_argument("--folder", type=Path, default=HERE.parents[1] / "target/original")
    parser.add_argument("--rounds", type=int, default=7)
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
    opsbox = args.opsbox.resolve(strict=True)
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(environment, opsbox, Path(name), args.ours_alone)
        for case in bench.cases():
            if not args.only or case.name in args.only:
                bench.row(case, args.rounds)
    return 0


class Bench:
    """The two programs, and a folder for their data."""

    def __init__(self, environment: Environment, opsbox: Path, folder: Path, ours_alone: bool) -> None:
        self.environment, self.opsbox, self.folder = environment, opsbox, folder
        self.ours_alone = ours_alone
        self.home = folder / "home"
        self.home.mkdir()
        self.fixtures = environment.site(self._made("fixtures"), providers=True)
        self.published = environment.site(self._made("published"), providers=False)

    def _made(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def cases(self):  # noqa: ANN201
        """Yields the rows; a server that one needs lives as long as it is asked for."""
        checks, _ = scenarios.load()
        yield Case("help", "`--help`, all packages installed", ["--help"], codes=((1,), (0,)))
        yield Case(
            "list",
            "the same against `plugins list`",
            ["--help"],
            codes=((1,), (0,)),
            ours=["plugins", "list"],
        )
        data = {"fixture_data": str(FIXTURES / "data/rich"), "output_folder": str(self.folder / "findings")}
        flags = [word for key, value in data.items() for word in (f"--{key}", value)]
        variables = {key.upper(): value for key, value in data.items()}
        one = ["--modules", "idle_instances-json_out"]
        yield Case("one", "one check to JSON, fixture provider", [*one, *flags])
        yield Case("one-variables", "the same, settings as variables", one, variables)
        every = ["--modules", ",".join(checks) + "-json_out"]
        dates = {key.upper(): value for key, value in DATES.items()}
        with_dates = [word for key, value in DATES.items() for word in (f"--{key}", value)]
        yield Case(
            "all", "all 21 checks to JSON, fixture providers", [*every, *flags, *with_dates], codes=PARTIAL
        )
        yield Case(
            "all-variables", "the same, settings as variables", every, {**variables, **dates}, codes=PARTIAL
        )
        cloud = scenarios.Cloud(self.environment)
        try:
            variables = {"AWS_ENDPOINT_URL": cloud.url}
            keys = {
                "aws_region": "us-east-1",
                "aws_access_key_id": "testing",
                "aws_secret_access_key": "testing",
            }
            settings = [word for key, value in keys.items() for word in (f"--{key}", value)]
            date = ["--ec2_snapshot_old_threshold", DATES["ec2_snapshot_old_threshold"]]
            idle = ["--modules", "idle_instances-cli_out"]
            four = ["--modules", "idle_instances,ec2_old_snapshots,stray_ebs,unattached_eips-cli_out"]
            plain = {key.upper(): value for key, value in keys.items()}
            plain["EC2_SNAPSHOT_OLD_THRESHOLD"] = DATES["ec2_snapshot_old_threshold"]
            yield Case(
                "aws-one",
                "idle_instances to cli_out, mock AWS",
                [*idle, *settings],
                variables,
                providers=False,
            )
            yield Case(
                "aws-one-variables",
                "the same, settings as variables",
                idle,
                {**variables, **plain},
                providers=False,
            )
            yield Case(
                "aws-four",
                "four EC2 checks to cli_out, mock AWS",
                [*four, *settings, *date],
                variables,
                providers=False,
            )
            yield Case(
                "aws-four-variables",
                "the same, settings as variables",
                four,
                {**variables, **plain},
                providers=False,
            )
        finally:
            cloud.close()
        large = self._large()
        data = {"fixture_data": str(large), "output_folder": str(self.folder / "large-findings")}
        flags = [word for key, value in data.items() for word in (f"--{key}", value)]
        yield Case(
            "large", f"idle_instances to JSON, {N_LARGE} volumes and instances", [*one, *flags], watched=True
        )

    def _large(self) -> Path:
        """Returns a folder with the data of an estate, half of whose instances are idle."""
        folder = self._made("large")
        volumes = [
            {
                "volume_id": f"vol-{n:017x}",
                "state": "available",
                "size": n % 500 + 1,
                "create_time": "2024-05-31T23:59:59+00:00",
                "region": "us-east-1",
                "tags": {"Name": f"volume-{n}"},
            }
            for n in range(N_LARGE)
        ]
        instances = [
            {
                "instance_id": f"i-{n:017x}",
                "state": "running",
                "avg_cpu_utilization": 0.25 if n % 2 else 50.5,
                "region": "us-east-1",
                "instance_type": "t3.micro",
                "tenancy": "default",
                "virtualization_type": "hvm",
                "ebs_optimized": False,
                "processor": "Unknown",
                "tags": {"Name": f"instance-{n}"},
            }
            for n in range(N_LARGE)
        ]
        details = {"input": {"volumes": volumes, "instances": instances, "eips": [], "snapshots": []}}
        (folder / "ec2.json").write_text(json.dumps(details))
        return folder

    def row(self, case: Case, rounds: int) -> None:
        """Runs both programs in turn and prints what they took."""
        sides = {"opsbox": []} if self.ours_alone else {"original": [], "opsbox": []}
        for each in (*sides, *sides):  # one round to warm caches, not counted, is enough for both
            if not sides[each] and rounds > 1:
                self.run(case, each)
                sides[each] = [None]
        for each in sides:
            sides[each] = []
        for _ in range(rounds):
            for each, taken in sides.items():
                taken.append(self.run(case, each))
        print(f"\n{case.title} (load {os.getloadavg()[0]:.1f}, {rounds} rounds)")
        for each, taken in sides.items():
            wall, cpu = ([getattr(one, what) for one in taken] for what in ("wall", "cpu"))
            print(f"  {each:<9} wall {spread(wall)} s   CPU {spread(cpu)} s")
        if not self.ours_alone:
            for what in ("wall", "cpu"):
                ratios = [
                    getattr(old, what) / max(getattr(new, what), 1e-4) for old, new in zip(*sides.values())
                ]
                print(f"  {what:<9} original / opsbox: {spread(ratios)}")
        if case.watched:
            for each in sides:
                memory = [self.run(case, each, watch=True).memory / 2**20 for _ in range(min(rounds, 3))]
                print(f"  {each:<9} memory of all processes: {spread(memory)} MiB")
        sys.stdout.flush()

    def run(self, case: Case, side: str, watch: bool = False) -> Taken:
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
        before, since = children_cpu(), time.perf_counter()
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                [str(word) for word in command],
                env=env,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
            memory = peak(process) if watch else 0
            code = process.wait()
            wall, cpu = time.perf_counter() - since, children_cpu() - before
            if code not in case.codes[side == "opsbox"]:
                said.seek(0)
                raise SystemExit(f"{side}: {case.title}: exit code {code}\n{said.read().decode()}")
        return Taken(wall, cpu, memory)


def spread(values: list[float]) -> str:
    """Returns minimum and median."""
    return f"{min(values):8.3f} / {statistics.median(values):8.3f}"


def children_cpu() -> float:
    """Returns the processor time of all descendants that were waited for, in seconds."""
    times = os.times()
    return times.children_user + times.children_system


def peak(process: subprocess.Popen) -> int:
    """Returns the largest sum of memory of a process and its descendants, in bytes, until it ends."""
    largest = 0
    while process.poll() is None:
        largest = max(largest, sum(resident(pid) for pid in tree(process.pid)))
        time.sleep(0.005)
    return largest


def tree(root: int) -> list[int]:
    """Returns a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    parent = int(file.read().rpartition(") ")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo.extend(children.get(pid, ()))
    return found


def resident(pid: int) -> int:
    """Returns a process's share of resident memory, in bytes: pages that several share count once."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
