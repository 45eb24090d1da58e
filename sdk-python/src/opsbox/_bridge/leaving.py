"""The end of a forked process, without taking apart what it shares with its warm parent.

An interpreter that ends normally visits every object, also those that the parent had imported, and each visit
copies the page that the object is on: that takes longer than most plugins' work. What plugins rely on
happens here all the same, in the interpreter's own order; what belongs to the parent is left as it is. The
standard library ends the processes that it forks in this way, too.
"""

from __future__ import annotations

import gc
import os
import sys

from opsbox._wire import forked


def leave(shared: frozenset) -> None:
    """Ends the process with status 0.

    Threads are waited for, exit handlers run, the plugin's own modules are let go, so that files are closed
    and `__del__` methods run, and whatever is still open is flushed.

    Args:
        shared: The names of the modules that were imported before the fork.
    """
    status = 0
    try:
        forked.wait_and_clean_up()
        for name in [name for name in sys.modules if name not in shared]:
            del sys.modules[name]
        # Finders know the bridge, and are asked nothing any more.
        sys.meta_path.clear()
        # A text file in a cycle loses what is buffered, where what it writes to is collected first.
        forked.flush()
        gc.collect()
    except BaseException:
        # As the interpreter does: said on standard error, where the host listens.
        import traceback

        traceback.print_exc()
        status = 1
    os._exit(status)
