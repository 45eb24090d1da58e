"""The scenarios of `scenarios.json`, run by the original or by another binary of the same command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from environment import FIXTURES, HERE

if TYPE_CHECKING:
    from environment import Environment

# Every variable would become configuration in the original.
KEPT = ("PATH", "LANG")


@dataclass
class Outcome:
    """What a run did.

    Args:
        code: The exit code.
        results: A line of JSON for each Result, in the order in which the output got them.
        files: Text of each file that other outputs wrote, by relative path.
        said: Both streams.
    """

    code: int
    results: list[str]
    files: dict[str, str] = field(default_factory=dict)
    said: str = ""


def load() -> tuple[dict, list[dict]]:
    """Returns the checks with the names of their Results, and the scenarios."""
    text = json.loads((HERE / "scenarios.json").read_text(encoding="utf-8"))
    return text["checks"], text["scenarios"]


def pipeline(scenario: dict, inputs: list[str]) -> str:
    """Returns the text that names the plugins of a run."""
    stages = [
        ",".join(inputs),
        *scenario.get("assistants", []),
        ",".join(scenario.get("outputs", ["golden_out"])),
    ]
    return "-".join(stages)


def run(command: list, scenario: dict, inputs: list[str], extra: dict) -> Outcome:
    """Runs one pipeline in a folder of its own.

    Args:
        command: The program and what stands before the scenario's arguments.
        scenario: One of `scenarios.json`.
        inputs: Names for the first stage.
        extra: Further environment variables; those of the scenario win.
    """
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        home = work / "home"
        home.mkdir()
        golden, config = work / "golden.jsonl", work / "config.json"
        fields = {"golden_file": str(golden), "output_folder": str(work / "findings")}
        if "data" in scenario:
            fields["fixture_data"] = str(FIXTURES / "data" / scenario["data"])
        config.write_text(json.dumps({**fields, **scenario.get("file", {})}))
        arguments = [
            word for key, value in scenario.get("arguments", {}).items() for word in (f"--{key}", value)
        ]
        env = {key: os.environ[key] for key in KEPT if key in os.environ}
        env.update({"HOME": str(home), "TZ": "UTC", **extra, **scenario.get("environment", {})})
        done = subprocess.run(
            [
                *map(str, command),
                "--modules",
                pipeline(scenario, inputs),
                "--config",
                str(config),
                *arguments,
            ],
            env=env,
            cwd=work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
        )
        results = golden.read_text(encoding="utf-8").splitlines() if golden.is_file() else []
        files = {
            str(path.relative_to(work / "findings")): path.read_text(encoding="utf-8")
            for path in sorted((work / "findings").rglob("*.*"))
        }
        return Outcome(done.returncode, results, files, done.stdout + done.stderr)


def folders(scenario: dict) -> list[Path]:
    """Returns the folders of plugins that a scenario adds to the published ones."""
    return [FIXTURES / "plugins", *([FIXTURES / "providers"] if "data" in scenario else [])]


class Cloud:
    """The mock of AWS, until it is closed."""

    def __init__(self, environment: Environment) -> None:
        command = [environment.python, HERE / "aws/server.py"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        line = self._process.stdout.readline().split()
        if not line:
            raise SystemExit("the mock of AWS did not start")
        self.url = line[0]

    def close(self) -> None:
        """Ends it."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def original(environment: Environment, scenario: dict, checks: dict) -> tuple[list[str], dict]:
    """Runs a scenario with the original.

    Inputs that the scenario lists under `breaks` run alone: in the original they take the others with them.

    Returns:
        A line for each Result and for each input that broke, sorted, and the files that outputs wrote.
    """
    breaking = scenario.get("breaks", [])
    inputs = [each for each in scenario.get("inputs", list(checks)) if each not in breaking]
    with tempfile.TemporaryDirectory() as name:
        site = environment.site(Path(name), providers="data" in scenario)
        path = os.pathsep.join(map(str, (site, *folders(scenario))))
        extra = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [environment.opsbox]
        whole = run(command, scenario, inputs, extra)
        if whole.code != 0 or not whole.results:
            raise SystemExit(f"{scenario['name']}: the original exits with {whole.code}\n{whole.said}")
        lines = whole.results
        for each in breaking:
            outcome = run(command, scenario, [each], extra)
            lines.append(json.dumps({"check": each, "breaks": last_error(outcome.said)}))
    return sorted(lines, key=key), whole.files


def key(line: str) -> str:
    """Returns the name of a line's Result, or of its check."""
    parsed = json.loads(line)
    return parsed.get("check") or f"{parsed['relates_to']}/{parsed['result_name']}"


def last_error(said: str) -> str:
    """Returns the exception that ended a run of the original."""
    found = re.findall(r"^([A-Za-z_][\w.]*(?:Error|Exception)): (.*)$", said, re.MULTILINE)
    if not found:
        raise SystemExit(f"the original broke without an exception\n{said}")
    return ": ".join(found[-1])


def differences() -> list[dict]:
    """Returns the differences that bugs of the original explain: scenario, check, why."""
    return json.loads((HERE / "differences.json").read_text(encoding="utf-8"))
