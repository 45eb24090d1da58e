"""Children that multiprocessing executes anew (`spawn`, `forkserver`): what they find, and what they log.

Such a child imports the parent's main module, which is the bridge's, before anything else: that is where it
gets here. It opens the pipe for forked children in the plugin's own process. Only Linux lets it.
"""

from __future__ import annotations

import os

from opsbox._bridge import hooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from opsbox._wire.forked import Children

# Not one of the program's variables: it is of no use to anybody but these children.
_VARIABLE = "_OPSBOX_RECORDS"


def expect(children: Children, level: int) -> None:
    """Leaves word of where records go, for children that are started from now on.

    Args:
        children: Those of the plugin.
        level: The least level that somebody will see.
    """
    place = children.open()
    if place is not None:
        os.environ[_VARIABLE] = " ".join(map(str, (os.getpid(), *place, level)))


def begin() -> None:
    """Makes this process a child of a plugin. Its search path is the plugin's already."""
    hooks.stand_in()
    try:
        pid, fd, device, inode, level = map(int, os.environ.get(_VARIABLE, "").split())
        writing = os.open(f"/proc/{pid}/fd/{fd}", os.O_WRONLY | os.O_CLOEXEC)
    except (OSError, ValueError):
        return  # Its records are text on standard error.
    from opsbox._wire.forked import Children
    from opsbox._wire.loop import LEVELS
    from opsbox._wire.records import RecordFinder

    children = Children.of_another(writing, (device, inode))

    def record(name: str, text: str, logger: str, raised: bool) -> None:
        counts = counts_as_gap(name, raised)
        if counts or LEVELS.get(name, 20) >= level:
            children.tell("record", {"level": name, "text": text, "logger": logger, "counts": counts})

    RecordFinder(record, lambda: level).install()


def counts_as_gap(level: str, raised: bool) -> bool:
    """Tells whether a record is a gap.

    Plugins catch and log what they could not do, and end as if they had done it.
    """
    return level == "error" or (raised and level == "warn")
