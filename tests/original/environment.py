"""The environment of the original: its packages, a real OPA beside its Rego handler, and our fixtures."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIXTURES = HERE / "fixtures"
# The version that the original would download.
OPA = "github.com/open-policy-agent/opa@v1.1.0"
PYTHON = (3, 11)
# A distribution found earlier on the path hides one of the same name: these replace the published ones.
PROVIDERS = ("ec2", "s3", "r53", "iam", "elb", "rds", "efs")
CLASSES = {
    "fixture_first": "Assistant",
    "fixture_second": "Assistant",
    "fixture_sizes": "Input",
    "gathered": "Gathered",
    "settled": "Settled",
    "golden_out": "GoldenOutput",
}


class Skip(Exception):
    """What is missing on this machine."""


class Environment:
    """A folder with a virtual environment and OPA, made where they are not there yet.

    Args:
        folder: Where to make it, or where it was made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.python = self.folder / "venv/bin/python"
        self.opsbox = self.folder / "venv/bin/opsbox"

    def make(self) -> None:
        """Makes what is missing or was made from other requirements.

        Raises:
            Skip: Python 3.11 or Go is not there.
            subprocess.CalledProcessError: An installer failed; it has said why.
        """
        requirements = HERE / "requirements.txt"
        stamp = self.folder / "requirements.txt"
        packages = HERE.parents[1] / "sdk-python/requirements-packages.txt"
        wanted = requirements.read_text() + packages.read_text()
        if not stamp.is_file() or stamp.read_text() != wanted:
            python = find_python()
            shutil.rmtree(self.folder / "venv", ignore_errors=True)
            self.folder.mkdir(parents=True, exist_ok=True)
            print(f"making {self.folder / 'venv'}", file=sys.stderr)
            run(python, "-m", "venv", self.folder / "venv")
            pip = (self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
            run(*pip, "-r", requirements)
            stamp.write_text(wanted)
        self._opa()

    def _opa(self) -> None:
        """Puts OPA beside the Rego handler's module, the one place where the original looks."""
        kept = self.folder / OPA.rpartition("/")[2] / "opa"
        if not kept.is_file():
            if shutil.which("go") is None:
                raise Skip("Go is not on PATH, and the original needs an `opa` made by `go install`")
            print(f"building {OPA}", file=sys.stderr)
            env = {**os.environ, "GOBIN": str(kept.parent), "CGO_ENABLED": "0"}
            subprocess.run(["go", "install", OPA], check=True, env=env, cwd=self.folder)
        found = self.run_python("import rego_handler.rego_handler as module; print(module.__file__)")
        beside = Path(found.strip()).parent / "opa"
        if not beside.is_file():
            shutil.copy2(kept, beside)

    def run_python(self, code: str) -> str:
        """Returns what a line of Python prints in the environment."""
        return subprocess.run([self.python, "-c", code], check=True, capture_output=True, text=True).stdout

    def site(self, folder: Path, *, providers: bool) -> Path:
        """Writes metadata of distributions that offer the fixtures as entry points.

        Args:
            folder: An empty folder, to stand first on the path.
            providers: Whether the fixture providers take the place of the published ones.

        Returns:
            The folder.
        """
        points = [f"{name} = {name}.{name}:{class_name}" for name, class_name in CLASSES.items()]
        distribution(folder, "opsbox_fixtures", points)
        for name in PROVIDERS if providers else ():
            distribution(
                folder, f"opsbox_{name}_provider", [f"{name} = fixture_{name}.fixture_{name}:Provider"]
            )
        return folder


def distribution(folder: Path, name: str, points: list) -> None:
    """Writes the metadata of one distribution, as an installer would."""
    info = folder / f"{name}-99.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 99\n")
    info.joinpath("entry_points.txt").write_text("[opsbox.plugins]\n" + "\n".join(points) + "\n")


def find_python() -> str:
    """Returns a Python that the published packages allow.

    Raises:
        Skip: There is none.
    """
    if sys.version_info[:2] == PYTHON:
        return sys.executable
    name = f"python{PYTHON[0]}.{PYTHON[1]}"
    try:
        probe = subprocess.run([name, "--version"], capture_output=True, text=True)
    except OSError:
        probe = None
    if probe is None or probe.returncode != 0:
        raise Skip(f"no working {name} on PATH, and the original's packages refuse every other version")
    return name


def run(*command: object) -> None:
    """Runs a command, its output on stderr."""
    subprocess.run([str(word) for word in command], check=True, stdout=sys.stderr)
