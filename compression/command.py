"""How every workshop command ends: 0 and its results, or 1 and one sentence; Ctrl-C loses no checkpoint."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from edge_iqa.errors import EdgeIqaError


def run_command(work: Callable[[argparse.Namespace], None], options: argparse.Namespace) -> int:
    """Run `work` and return the exit code: 0 done, 1 an error that is told, 130 stopped by Ctrl-C."""
    try:
        work(options)
    except (EdgeIqaError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; run the same command with --resume to go on", file=sys.stderr)
        return 130
    return 0
