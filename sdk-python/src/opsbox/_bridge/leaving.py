"""The end of a forked process, without taking apart what it shares with its warm parent.

An interpreter that ends normally visits every object, also those that the parent had imported, and each visit
copies the page that the object is on: that takes longer than most plugins' work. What plugins rely on
happens here all the same, in the interpreter's own order; what belongs to the parent is left as it is. The
standard library ends the processes that it forks in this way, too.
"""

from __future__ import annotations

import gc
import io
import os
import sys


def leave(shared: frozenset) -> None:
    """Ends the process with status 0.

    Threads are waited for, exit handlers run, the plugin's own modules are let go, so that files are closed
    and `__del__` methods run, and whatever is still open is flushed.

    Args:
        shared: The names of the modules that were imported before the fork.
    """
    status = 0
    try:
        _wait_and_clean_up()
        for name in [name for name in sys.modules if name not in shared]:
            del sys.modules[name]
        # Finders know the bridge, and are asked nothing any more.
        sys.meta_path.clear()
        # A text file in a cycle loses what is buffered, where what it writes to is collected first.
        _flush()
        gc.collect()
    except BaseException:
        # As the interpreter does: said on standard error, where the host listens.
        import traceback

        traceback.print_exc()
        status = 1
    os._exit(status)


def _wait_and_clean_up() -> None:
    import atexit

    threading = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()
    atexit._run_exitfuncs()


def _flush() -> None:
    """Writes what is buffered in files that nobody closed, and in the standard streams."""
    # What was frozen before the fork is not listed: these are the objects of the plugin alone.
    for each in gc.get_objects():
        if issubclass(type(each), io.IOBase):
            try:
                if not each.closed and each.writable():
                    each.flush()
            except (OSError, ValueError):
                pass  # Its other end is gone, or it was taken apart: the interpreter passes over it, too.
