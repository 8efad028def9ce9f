"""How every workshop command ends: 0 and its results, or 1 and one sentence; Ctrl-C loses no checkpoint."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from edge_iqa.errors import EdgeIqaError


def positive(text: str) -> int:
    """Read a whole number from 1 up, for argparse."""
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 up, got {text!r}")
    return int(text)


def count(text: str) -> int:
    """Read a whole number from 0 up, for argparse."""
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 up, got {text!r}")
    return int(text)


def share(text: str) -> float:
    """Read a share above 0 up to 1, for argparse."""
    return _read_number(text, 1, "a share between 0 and 1")


def part(text: str) -> float:
    """Read a share between 0 and 1, neither of them, for argparse."""
    if (value := share(text)) == 1:
        raise argparse.ArgumentTypeError(f"expected a share below 1, got {text!r}")
    return value


def megabytes(text: str) -> float:
    """Read a size above 0, for argparse."""
    return _read_number(text, 100, "megabytes above 0 up to 100")


def _read_number(text: str, most: float, expected: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= most:
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    return value


def read_arguments(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """Parse a command line that another command makes up: what is wrong is an error, not the end of the process.

    Raises:
        ValueError: what the parser says.
    """

    def refuse(message: str) -> NoReturn:
        raise ValueError(message)

    parser.error = refuse  # type: ignore[method-assign]
    return parser.parse_args(arguments)


def replace_values(option: str, given: Sequence[str], defaults: Mapping[str, float]) -> dict[str, float]:
    """Replace defaults by what was given as `NAME=VALUE`.

    Args:
        option: its name on the command line, for the message.

    Raises:
        ValueError: an unknown name, or a value that is no number.
    """
    values = dict(defaults)
    for text in given:
        name, _, value = text.partition("=")
        if name not in values:
            raise ValueError(f"{option}: expected one of {', '.join(values)}, got {name!r}")
        try:
            values[name] = float(value)
        except ValueError as error:
            raise ValueError(f"{option}: expected {name}=NUMBER, got {text!r}") from error
    return values


def run_command(work: Callable[[argparse.Namespace], None], options: argparse.Namespace) -> int:
    """Run `work` and return the exit code: 0 done, 1 an error that is told, 130 stopped by Ctrl-C."""
    try:
        work(options)
    except (EdgeIqaError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        resumable = hasattr(options, "resume")
        print(f"stopped{'; the same command with --resume goes on' if resumable else ''}", file=sys.stderr)
        return 130
    return 0


def some_of(names: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """For argparse: reads some of these names with commas between, such as the parts of a bench."""

    def read(text: str) -> tuple[str, ...]:
        parts = tuple(part.strip() for part in text.split(","))
        if not parts or set(parts) - set(names):
            raise argparse.ArgumentTypeError(
                f"expected names of {', '.join(names)} with commas, got {text!r}"
            )
        return parts

    return read
