"""What `opsbox.main` was to the original: `main()`, which start scripts and `python -m opsbox.main` call.

Here the program is a binary; this starts the one that belongs to this Python.
"""

from __future__ import annotations

import os
import sys

__all__ = ["main"]

_NAME = "opsbox.exe" if os.name == "nt" else "opsbox"


def main() -> int:
    """Runs the program `opsbox` with this process's arguments, in its place where the system can do that.

    Returns:
        The program's exit code, or 1 where there is no program, which is told on stderr.
    """
    program, is_own = _program()
    if program is None:
        sys.stderr.write(
            "error: the program `opsbox` is not installed for this Python, nor on PATH\n"
            f"  hint: install it with `{sys.executable} -m pip install -U opsbox`\n"
        )
        return 1
    environ = dict(os.environ)
    if not is_own:
        # The plugins that are meant are this Python's.
        environ.setdefault("OPSBOX_PYTHON", sys.executable)
    argv = [program, *sys.argv[1:]]
    if os.name == "nt":
        import subprocess

        return subprocess.run(argv, env=environ).returncode
    sys.stdout.flush()
    sys.stderr.flush()
    return os.execve(program, argv, environ)


def _program() -> tuple[str | None, bool]:
    """Returns the program's path, and whether it was installed with this Python's packages."""
    for path in _installed():
        if _is_binary(path):
            return path, True
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, _NAME)
        if folder and _is_binary(path):
            return path, False
    return None, False


def _installed() -> list[str]:
    """Returns where this distribution's program may be: as its installer noted it, and where programs go."""
    import sysconfig
    from importlib import metadata

    found = []
    try:
        files = metadata.distribution("opsbox").files or []
    except metadata.PackageNotFoundError:
        files = []
    found.extend(os.path.abspath(file.locate()) for file in files if file.name == _NAME)
    found.append(os.path.join(sysconfig.get_path("scripts"), _NAME))
    return found


def _is_binary(path: str) -> bool:
    """Tells whether a file can be started and is no script: a script of this name may be what called this."""
    try:
        with open(path, "rb") as file:
            start = file.read(2)
    except OSError:
        return False
    return os.access(path, os.X_OK) and start not in (b"", b"#!")


def __getattr__(name: str) -> object:
    from opsbox import _names

    return _names.get(__name__, name)


if __name__ == "__main__":
    sys.exit(main())
