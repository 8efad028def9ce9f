"""`python -m edge_iqa` is the command `edge-iqa`."""

from __future__ import annotations

import sys

from edge_iqa.cli import main

if __name__ == "__main__":
    sys.exit(main())
