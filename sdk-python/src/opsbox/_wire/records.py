"""Records of `logging` and `loguru` as `log` notifications, from the moment a plugin imports either.

Neither is imported here.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Warnings and errors are heard whether or not somebody sees them: they may tell of a gap.
_HEARD = 30
_LEVELS = ((40, "error"), (30, "warn"), (20, "info"), (10, "debug"))


class RecordFinder:
    """Notices the import of `logging` and `loguru` and sets each up right after.

    Args:
        emit: Called with level, text, the logger's name, and whether an exception is part of the record.
        least: Returns the least level that somebody will see, as a number of `logging`.
        further: What else is to be called with a module right after its import, by the module's name.
    """

    def __init__(
        self,
        emit: Callable[[str, str, str, bool], None],
        least: Callable[[], int],
        further: dict[str, Callable[[object], None]] | None = None,
    ) -> None:
        self._waiting = {"logging": self._set_up_logging, "loguru": self._set_up_loguru, **(further or {})}
        self._emit = emit
        self._least = least

    def install(self) -> None:
        """Puts the finder first, or sets up at once what is loaded already."""
        for name in list(self._waiting):
            if name in sys.modules:
                self._waiting.pop(name)(sys.modules[name])
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: object = None, target: object = None) -> object:
        """Returns the real spec of a module that is waited for, its loader followed by our set-up.

        None for all others.
        """
        set_up = self._waiting.get(name) if (path is None) == ("." not in name) else None
        if set_up is None:
            return None
        del self._waiting[name]
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target) if finder is not self else None
            if spec is not None and spec.loader is not None:
                spec.loader = _Followed(spec.loader, set_up)
                return spec
        return None

    def _set_up_logging(self, logging: object) -> None:
        emit = self._emit

        class WireHandler(logging.Handler):
            def emit(self, record: object) -> None:
                """Sends nothing: `callHandlers` has done it.

                It stands at the root so that `basicConfig` finds a handler there.
                """

        def call_handlers(logger: object, record: object) -> None:
            try:
                text = record.getMessage()
                if record.exc_info:
                    text += "\n" + logging.Formatter().formatException(record.exc_info)
            except Exception as err:
                text = f"{record.msg!r} (its arguments do not fit: {err})"
            emit(level_of(record.levelno), text, record.name, bool(record.exc_info and record.exc_info[1]))
            if logger_has_own_handlers(logger):
                original(logger, record)

        def logger_has_own_handlers(logger: object) -> bool:
            while logger:
                if any(not isinstance(handler, WireHandler) for handler in logger.handlers):
                    return True
                logger = logger.parent if logger.propagate else None
            return False

        # At the root alone, a plugin that sets `propagate = False` or `force=True` would hide its errors, and
        # an error is a gap.
        original = logging.Logger.callHandlers
        logging.Logger.callHandlers = call_handlers
        logging.root.addHandler(WireHandler())
        logging.root.setLevel(min(self._least(), _HEARD))

    def _set_up_loguru(self, loguru: object) -> None:
        emit = self._emit

        def sink(message: object) -> None:
            record = message.record
            text = record["message"]
            if record["exception"] is not None:
                text = str(message).rstrip("\n")
            emit(level_of(record["level"].no), text, record["name"] or "", record["exception"] is not None)

        logger = loguru.logger
        logger.remove()
        # `diagnose` would write the values of variables, secrets among them, into the text.
        ours = logger.add(
            sink,
            level=min(self._least(), _HEARD),
            format="{message}",
            colorize=False,
            backtrace=False,
            diagnose=False,
        )
        kind = type(logger)
        original = kind.remove

        def remove(self: object, handler_id: int | None = None) -> None:
            if handler_id is not None:
                original(self, handler_id)
                return
            for each in [each for each in list(self._core.handlers) if each != ours]:
                original(self, each)

        kind.remove = remove


class _Followed:
    def __init__(self, loader: object, then: Callable[[object], None]) -> None:
        self._loader = loader
        self._then = then

    def __getattr__(self, name: str) -> object:
        return getattr(self._loader, name)

    def create_module(self, spec: object) -> object:
        """Lets the real loader make the module."""
        return self._loader.create_module(spec)

    def exec_module(self, module: object) -> None:
        """Lets the real loader fill the module, then sets it up."""
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        self._then(module)


def level_of(number: int) -> str:
    """Returns the protocol's level for a number of `logging` or `loguru`."""
    return next((level for least, level in _LEVELS if number >= least), "trace")
