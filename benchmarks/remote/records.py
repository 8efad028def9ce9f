"""JSON records one behind the other in a stream, as RFC 7464 has them: a record separator, a JSON text, a line feed.

A stream that is cut off in the middle of a record loses that record and no other, and what something else writes
between two records (a shell's greeting, a library's warning) is passed over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NoReturn, TextIO

from edge_iqa.errors import DataError

_BEGIN, _END = b"\x1e", b"\n"
MOST_BYTES = 64 * 1024 * 1024
"""Of one record: hours of samples."""


def write_record(stream: TextIO, value: Any) -> None:
    """Write one record, and send it off.

    Raises:
        BrokenPipeError: nobody reads any more.
        ValueError: a number is none (JSON has no NaN).
    """
    stream.write(f"\x1e{json.dumps(value, allow_nan=False)}\n")
    stream.flush()


class RecordReader:
    """Takes bytes as they come, and gives the records that they complete. They are not trusted."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._begun: bytearray | None = None

    def feed(self, data: bytes) -> Iterator[Any]:
        """Records that `data` completes, in order.

        Raises:
            DataError: a record is too large, or no JSON.
        """
        for index, part in enumerate(data.split(_BEGIN)):
            if index:
                self._begun = bytearray()
            if self._begun is None:
                continue
            content, ended, _ = part.partition(_END)
            self._begun += content
            if len(self._begun) > self._most_bytes:
                raise DataError(f"expected a record of at most {self._most_bytes} bytes, got a larger one")
            if ended:
                text, self._begun = bytes(self._begun), None
                yield _parse(text)


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise DataError(f"expected a record in JSON, got something else ({error})") from error


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
