"""What the doctor's script reads off sources and metadata."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from opsbox._bridge import diagnose


@pytest.mark.parametrize(
    ("specifier", "version", "fits"),
    [
        ("==3.11.*", "3.11.7", True),
        ("==3.11.*", "3.12.0", False),
        (">=1.35.87", "1.40", True),
        (">=2,<3", "3.0", False),
        ("~=1.4.2", "1.4.9", True),
        ("~=1.4.2", "1.5", False),
        ("!=2.0", "2", False),
        (">1", "1.0.1", True),
        ("what", "1", True),
    ],
)
def test_specifiers(specifier: str, version: str, fits: bool) -> None:
    assert diagnose.admits(specifier, version) is fits


@pytest.mark.parametrize(
    ("marker", "holds"),
    [
        ("", True),
        ('extra == "x"', False),
        ('python_version >= "3.9"', True),
        ('python_version < "3.9" or sys_platform == "%s"' % sys.platform, True),
        ('python_version >= "3.9" and sys_platform == "none"', False),
        ("os_name ?", False),
    ],
)
def test_markers(marker: str, holds: bool) -> None:
    assert diagnose.applies(marker) is holds


def run(plugins: list) -> dict:
    command = [sys.executable, "-X", "utf8", diagnose.__file__, json.dumps(plugins)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)["plugins"]


def test_only_what_a_plugin_imports_counts(tmp_path) -> None:
    (tmp_path / "mine.py").write_text(
        "import xml.etree.ElementTree, pluggy, not_there_of_mine.deep\n"
        "from beside import x\n"
        "from opsbox import Result, config, nothing_such\n"
        "if TYPE_CHECKING:\n    import typed_of_mine\n"
        "try:\n    import maybe_of_mine\nexcept (ImportError, OSError):\n    import instead_of_mine\n"
    )
    (tmp_path / "beside.py").write_text("from . import other\nraise SystemExit('imported')\n")
    (tmp_path / "other.py").write_text("import deepest_of_mine\n")
    (tmp_path / "test_mine.py").write_text("import only_tests_of_mine\n")
    plugin = {"name": "mine", "module": "mine", "folder": str(tmp_path), "source": "directory"}
    lacks = run([plugin])["mine"]
    assert [item["module"] for item in lacks["imports"]] == [
        "not_there_of_mine.deep",
        "instead_of_mine",
        "deepest_of_mine",
    ]
    assert [item["name"] for item in lacks["names"]] == ["nothing_such"]
    assert lacks["syntax"] == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("class Other: pass\n", "module `mine` has no class `Nope`; it has `Other`"),
        ("class Nopes: pass\n", "module `mine` has no class `Nope`; did you mean `Nopes`?"),
        ("class Other:\n    class Nope: pass\nfor Nope in (): pass\n", None),
        ("from beside import Nope\n", None),
        ("from beside import *\n", None),
        ("def __getattr__(name): ...\n", None),
        ("import sys\nsetattr(sys.modules[__name__], 'No' 'pe', 1)\n", None),
        ("globals()['No' 'pe'] = 1\n", None),
        ("if True:\n    class Nope: pass\n", None),
    ],
)
def test_a_class_that_is_surely_not_there_is_named(tmp_path, source: str, said: str | None) -> None:
    (tmp_path / "mine.py").write_text(source)
    plugin = {"name": "mine", "module": "mine", "class_name": "Nope", "folder": str(tmp_path)}
    found = run([{**plugin, "source": "directory"}])["mine"]["class"]
    assert (found and found["message"]) == said


def test_a_folder_that_is_gone_is_told_and_leaves_the_others(tmp_path) -> None:
    (tmp_path / "mine.py").write_text("def broken(:\n")
    gone = {"name": "gone", "module": "gone", "folder": str(tmp_path / "gone"), "source": "directory"}
    mine = {"name": "mine", "module": "mine", "folder": str(tmp_path), "source": "directory"}
    found = run([gone, mine])
    assert "gone" in found["gone"]["fault"]
    assert found["mine"]["syntax"][0]["line"] == 1
    assert os.path.basename(found["mine"]["syntax"][0]["file"]) == "mine.py"
