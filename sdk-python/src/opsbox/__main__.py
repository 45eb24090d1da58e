"""`python -m opsbox` is the program `opsbox`."""

from __future__ import annotations

import sys

from opsbox.main import main

sys.exit(main())
