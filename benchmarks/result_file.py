"""Read a result file that a bench has written. One of another kind or schema is refused, not guessed at."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_iqa.bundle import Bundle
from edge_iqa.errors import DataError


def describe_shipped() -> dict[str, str]:
    """Which bundle was measured, where it is the one that `edge_iqa` ships: figures of another are out of date."""
    bundle = Bundle.open()
    return {"label": bundle.label, "judging_sha256": bundle.judging_sha256}


def mark_look(options: argparse.Namespace, parser: argparse.ArgumentParser, *names: str) -> str:
    """`-quick` where less of anything was asked for than a full measurement takes, else "".

    It goes into the file's name, so that a look takes no measurement's place.

    Args:
        names: options that are numbers, whose defaults are those of a full measurement.
    """
    return "-quick" if any(getattr(options, name) < parser.get_default(name) for name in names) else ""


def read_result(path: Path, kind: str, schemas: Sequence[int]) -> dict[str, Any]:
    """Read a result.

    Args:
        kind: what it must be a result of, such as `latency`.
        schemas: those that the reader knows.

    Raises:
        DataError: it cannot be read, is no JSON, of another kind, or written by another schema.
    """
    result = read_json(path)
    came = result.get("kind")
    if came != kind:
        raise DataError(f"{path}: expected a result of the kind {kind!r}, got {came!r}")
    if result.get("schema") not in schemas:
        raise DataError(
            f"{path}: written by another schema: expected {' or '.join(map(str, schemas))}, "
            f"got {result.get('schema')!r}; measure again with this version"
        )
    return result


def read_json(path: Path) -> dict[str, Any]:
    """Read a result of whatever kind.

    Raises:
        DataError: it cannot be read, or is no JSON object.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: the result could not be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: expected a result in JSON, got something else ({error})") from error
    if not isinstance(result, dict):
        raise DataError(f"{path}: expected a result, got a JSON {type(result).__name__}")
    return result
