"""The rows of the comparison with the original: command lines, data, and what each row has to reach."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import scenarios
from environment import FIXTURES

N_LARGE = 100_000
DAY = "2024-06-01T00:00:00+00:00"
# Two of the checks log errors about items that they leave out: the original ends with 0 all the same.
PARTIAL = ((0,), (4,))
IDLE = "idle_instances"
FOUR = f"{IDLE},ec2_old_snapshots,stray_ebs,unattached_eips"
KEYS = {"aws_region": "us-east-1", "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
DATES = {
    "ec2_snapshot_old_threshold": DAY,
    "s3_last_modified_date_threshold": DAY,
    "s3_stale_bucket_date_threshold": DAY,
    "s3_unused_bucket_date_threshold": DAY,
    "iam_overdue_key_date_threshold": DAY,
    "rds_old_date_threshold": DAY,
}


@dataclass(frozen=True)
class Goal:
    """How many times as much the original has to take; 0 where nothing is asked."""

    wall: float = 0
    cpu: float = 0
    memory: float = 0


@dataclass(frozen=True)
class Case:
    """One row: a command line of both programs.

    Args:
        name: What `--only` takes.
        title: What the table says.
        words: Arguments after the program.
        goal: What the row has to reach.
        variables: Environment variables beside the common ones.
        providers: Whether the fixture providers stand in for the published ones.
        codes: Exit codes that mean a whole run: of the original, of ours.
        ours: Arguments of ours, where they are others.
        written: The folder of the files that have to be the same, for pipelines that write some.
        named: What finds the resources in the text of a run; both programs have to name the same ones.
        watched: Whether memory is measured, too.
        slow: Whether a run of the original takes about a minute.
    """

    name: str
    title: str
    words: list[str]
    goal: Goal = Goal()
    variables: dict[str, str] = field(default_factory=dict)
    providers: bool = True
    codes: tuple = ((0,), (0,))
    ours: list[str] | None = None
    written: Path | None = None
    named: str | None = None
    watched: bool = False
    slow: bool = False


def cases(folder: Path, serve: Callable[[], str], wanted: list[str] | None) -> Iterator[Case]:
    """Yields the rows.

    Args:
        folder: Where data and findings may lie.
        serve: Starts a mock of AWS and returns its address.
        wanted: Names of rows; all where there is none.
    """

    def asked(name: str) -> bool:
        return not wanted or name in wanted

    usage = Case("help", "`--help`, all packages installed", ["--help"], Goal(100), codes=((1,), (0,)))
    groups = {
        "help": lambda: [usage],
        "list": lambda: [
            replace(usage, name="list", title="the same against `plugins list`", ours=["plugins", "list"])
        ],
        "one": lambda: fixtures("one", folder),
        "all": lambda: fixtures("all", folder),
        "aws": lambda: cloud(serve()),
        "large": lambda: fixtures("large", folder),
    }
    for name, group in groups.items():
        # Neither the estate nor the server is made for nothing.
        if not wanted or any(each.partition("-")[0] == name for each in wanted):
            yield from (case for case in group() if asked(case.name))


def fixtures(name: str, folder: Path) -> list[Case]:
    """Returns a row on fixture providers, and the same with the settings as variables."""
    checks, _ = scenarios.load()
    found = folder / "findings"
    data = {"fixture_data": str(FIXTURES / "data/rich"), "output_folder": str(found)}
    if name == "one":
        text, names, goal = "one check to JSON, fixture provider", IDLE, Goal(8, 6)
        case = Case(name, text, [], goal, written=found)
    elif name == "all":
        text, names, data = "all 21 checks to JSON, fixture providers", ",".join(checks), {**data, **DATES}
        case = Case(name, text, [], Goal(4, 2), written=found, codes=PARTIAL)
    else:
        text, names = f"`{IDLE}` to JSON, {N_LARGE:,} volumes and as many instances, half of them found", IDLE
        data["fixture_data"] = str(estate(folder / "estate"))
        case = Case(name, text, [], Goal(10, 0, 2), written=found, watched=True, slow=True)
    return both(case, f"{names}-json_out", data)


def cloud(url: str) -> list[Case]:
    """Returns the rows on the published provider of EC2 and the mock of AWS."""
    common = {"AWS_ENDPOINT_URL": url}
    named = r"\b(?:i|vol)-[0-9a-f]{17}\b"
    one = Case("aws-one", f"`{IDLE}` to cli_out, mock AWS", [], Goal(3, 2), common, False, named=named)
    four = replace(one, name="aws-four", title="four EC2 checks to cli_out, mock AWS", goal=Goal(4, 2))
    dates = {"ec2_snapshot_old_threshold": DAY}
    return [*both(one, f"{IDLE}-cli_out", KEYS), *both(four, f"{FOUR}-cli_out", {**KEYS, **dates})]


def both(case: Case, pipeline: str, settings: dict[str, str]) -> list[Case]:
    """Returns a row with its settings as arguments, and the same with them as variables.

    The first argument that is a text costs the original three seconds of date parsing.
    """
    start = ["--modules", pipeline]
    flags = [word for key, value in settings.items() for word in (f"--{key}", value)]
    variables = {**case.variables, **{key.upper(): value for key, value in settings.items()}}
    plain = replace(
        case,
        name=f"{case.name}-variables",
        title="the same, settings as variables",
        words=start,
        variables=variables,
        watched=False,
    )
    return [replace(case, words=[*start, *flags]), plain]


def estate(folder: Path) -> Path:
    """Writes the data of an estate, half of whose instances are idle, and returns its folder."""
    if folder.is_dir():
        return folder
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
    folder.mkdir()
    (folder / "ec2.json").write_text(json.dumps(details))
    return folder
