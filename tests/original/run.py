#!/usr/bin/env python3
"""Runs the original Opsbox (0.2.5) over our fixtures.

    tests/original/run.py --golden             writes what it says to tests/original/golden/
    tests/original/run.py --compare OPSBOX     compares what it says with what another binary says

It makes its environment under target/original. Python 3.11 and Go have to be there; else it says so and
does nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import scenarios
from environment import HERE, Environment, Skip

GOLDEN = HERE / "golden"


def main() -> int:
    """Runs what the command line asks for.

    Returns:
        0, or 1 where a comparison found a difference.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--golden", action="store_true", help="write the golden files anew")
    what.add_argument("--compare", metavar="OPSBOX", type=Path, help="the binary to compare with")
    parser.add_argument("--folder", type=Path, default=HERE.parents[1] / "target/original")
    parser.add_argument("--only", metavar="SCENARIO", help="this one alone")
    args = parser.parse_args()
    environment = Environment(args.folder)
    try:
        environment.make()
    except Skip as skip:
        print(f"skipped: {skip}")
        return 0
    checks, wanted = scenarios.load()
    wanted = [scenario for scenario in wanted if args.only in (None, scenario["name"])]
    differences = 0
    for scenario in wanted:
        cloud = None
        if "data" not in scenario:
            cloud = scenarios.Cloud(environment)
            scenario["environment"] = {**scenario["environment"], "AWS_ENDPOINT_URL": cloud.url}
        lines, files = scenarios.original(environment, scenario, checks)
        if args.golden:
            write(scenario["name"], lines, files)
            print(f"{scenario['name']}: {len(lines)} lines")
        else:
            found = compare(args.compare.resolve(), environment, scenario, checks, (lines, files))
            for text in found:
                print(f"{scenario['name']}: {text}")
            print(f"{scenario['name']}: {len(lines)} lines, {len(found)} differences")
            differences += len(found)
        if cloud is not None:
            cloud.close()
    return 1 if differences else 0


def write(name: str, lines: list[str], files: dict[str, str]) -> None:
    """Writes the golden files of a scenario."""
    GOLDEN.mkdir(exist_ok=True)
    (GOLDEN / f"{name}.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    if files:
        text = json.dumps(files, ensure_ascii=False, indent=1) + "\n"
        (GOLDEN / f"{name}.files.json").write_text(text, encoding="utf-8")


def compare(
    opsbox: Path, environment: Environment, scenario: dict, checks: dict, expected: tuple
) -> list[str]:
    """Runs a scenario with another binary, in the same Python environment.

    Returns:
        A text for each difference that no bug of the original explains.
    """
    lines, files = expected
    extra = {"OPSBOX_PYTHON": str(environment.python)}
    command = [opsbox, "--plugin_dir", *scenarios.folders(scenario)]
    ours = scenarios.run(command, scenario, scenario.get("inputs", list(checks)), extra)
    names = {result: check for check, result in checks.items()}
    allowed = {
        each["check"]: each["ours"]
        for each in scenarios.differences()
        if each["scenario"] == scenario["name"]
    }
    found = []
    mine, theirs = by_key(ours.results), by_key(lines)
    for name in sorted({*mine, *theirs}):
        check = names.get(name, name)
        # What breaks in the original may break here, in the same words, and alone.
        broken = json.loads(theirs.get(name, ["{}"])[0]).get("breaks")
        words = allowed.get(check, broken)
        if words is not None and words not in ours.said:
            found.append(f"{check}: expected to hear `{words}`")
        elif words is None and mine.get(name) != theirs.get(name):
            found.append(f"{name}: {first_difference(mine.get(name, []), theirs.get(name, []))}")
    found += [
        f"{path}: differs" for path, text in files.items() if not same(path, ours.files.get(path), text)
    ]
    if found:
        found.append(f"exit code {ours.code}, and it said:\n{ours.said}")
    return found


def same(path: str, mine: str | None, other: str) -> bool:
    """Tells whether two files hold the same: JSON may spell a letter as an escape."""
    if path.endswith(".json") and mine is not None:
        # Both are JSON; dumping them keeps order and numbers.
        return json.dumps(json.loads(mine)) == json.dumps(json.loads(other))
    return mine == other


def by_key(lines: list[str]) -> dict[str, list[str]]:
    """Returns lines sorted under the names of their Results."""
    table: dict[str, list[str]] = {}
    for line in sorted(lines):
        table.setdefault(scenarios.key(line), []).append(line)
    return table


def first_difference(mine: list[str], other: list[str]) -> str:
    """Returns what differs, field by field."""
    if len(mine) != len(other):
        return f"{len(mine)} Results, the original has {len(other)}"
    for left, right in zip(mine, other):
        ours, theirs = json.loads(left), json.loads(right)
        for field in {**theirs, **ours}:
            one, two = (json.dumps(each.get(field), ensure_ascii=False) for each in (ours, theirs))
            if one != two:
                at = len(os.path.commonprefix((one, two)))
                around = slice(max(0, at - 60), at + 60)
                return f"`{field}` at {at}: {one[around]}\n  original: {two[around]}"
    return "the same values in another order or spelling"


if __name__ == "__main__":
    sys.exit(main())
