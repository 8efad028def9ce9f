"""Read a result file that a bench has written. One of another kind or schema is refused, not guessed at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_iqa.errors import DataError


def read_result(path: Path, kind: str, schemas: Sequence[int]) -> dict[str, Any]:
    """Read a result.

    Args:
        kind: what it must be a result of, such as `latency`.
        schemas: those that the reader knows.

    Raises:
        DataError: it cannot be read, is no JSON, of another kind, or written by another schema.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: the result could not be read ({error.strerror or error})") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: expected a result in JSON, got something else ({error})") from error
    came = result.get("kind") if isinstance(result, dict) else None
    if came != kind:
        raise DataError(f"{path}: expected a result of the kind {kind!r}, got {came!r}")
    if result.get("schema") not in schemas:
        raise DataError(
            f"{path}: written by another schema: expected {' or '.join(map(str, schemas))}, "
            f"got {result.get('schema')!r}; measure again with this version"
        )
    found: dict[str, Any] = result
    return found
