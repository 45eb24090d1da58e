"""Entry point of the bridge: the host starts `python -X utf8 -P main.py '<spec json>'` for each plugin."""

from __future__ import annotations

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_ROOT = os.path.dirname(os.path.dirname(_HERE))


def main() -> int:
    """Runs one plugin until the host closes the stream.

    Returns:
        The exit code: 0, or 64 where it was not the host that started it.
    """
    if os.environ.get("OPSBOX_PLUGIN") != "1" or len(sys.argv) != 2:
        sys.stderr.write(
            "This is the bridge that lets Opsbox run Python plugins. The program `opsbox` starts it;\n"
            "it does nothing by hand. To run a plugin: `opsbox run PIPELINE --plugin-dir DIR`.\n"
            "To see which plugins there are: `opsbox plugins list`.\n"
        )
        return 64
    # Python 3.9 and 3.10 have no -P. The script's folder must not be searched for modules.
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != _HERE]
    sys.path.insert(0, _ROOT)
    serve(sys.argv[1])
    return 0


def serve(spec_text: str) -> None:
    """Runs the plugin of the spec on descriptors 0 and 1; a process forked for it goes on here too."""
    from opsbox._wire import stdio

    wire_in, wire_out, capture = stdio.protect()

    from opsbox._bridge.service import run

    run(spec_text, wire_in, wire_out, capture)


if __name__ == "__main__":
    sys.exit(main())
if __name__ == "__mp_main__":
    # A child that multiprocessing has executed anew.
    from opsbox._bridge import spawned

    spawned.begin()
