"""Exceptions that end a thread: Python prints them and forgets them, and the hook that started it goes on."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def watch(report: Callable[[str, BaseException, object], None]) -> Callable[[], None]:
    """Has uncaught exceptions of threads reported as well.

    Args:
        report: Called in the thread that ended, with its name, the exception and its traceback.

    Returns:
        What puts back what was there before, unless the plugin has put something else there since.
    """
    import threading

    before = threading.excepthook

    def hook(args: object) -> None:
        if args.exc_value is None or issubclass(args.exc_type, SystemExit):
            before(args)
            return
        name = args.thread.name if args.thread is not None else "unknown"
        report(name, args.exc_value, args.exc_traceback)

    def unwatch() -> None:
        if threading.excepthook is hook:
            threading.excepthook = before

    threading.excepthook = hook
    return unwatch
