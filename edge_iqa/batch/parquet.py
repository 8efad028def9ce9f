"""The only importer of pyarrow: rows as Apache Parquet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from types import ModuleType
from typing import Any

from edge_iqa.batch.rows import COLUMNS, COUNT, NUMBER, flatten
from edge_iqa.errors import DependencyError
from edge_iqa.plain_json import replace_surrogates

_GROUP = 10_000
"""Rows that stand in memory at a time, and together in the file."""


def load() -> ModuleType:
    """The module `pyarrow`.

    Raises:
        DependencyError: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DependencyError(
            "Parquet needs pyarrow, which is not installed; run `pip install 'edge-iqa[batch]'`, or name a result "
            "that ends in .csv or .jsonl"
        ) from error
    module: ModuleType = pyarrow
    return module


def write_parquet(rows: Iterable[dict[str, Any]]) -> Iterator[bytes]:
    """Groups of rows one after the other, in the columns of `edge_iqa.batch.rows.COLUMNS`.

    Raises:
        DependencyError: see `load`.
    """
    arrow = load()
    kinds = {NUMBER: arrow.float64(), COUNT: arrow.int32()}
    schema = arrow.schema([(name, kinds.get(kind, arrow.string())) for name, kind in COLUMNS.items()])
    sink = _Sink()
    source = iter(rows)
    with arrow.parquet.ParquetWriter(arrow.PythonFile(sink, mode="w"), schema) as writer:
        while group := [_clean(flatten(row)) for row in islice(source, _GROUP)]:
            writer.write_table(arrow.Table.from_pylist(group, schema=schema))
            yield sink.take()
    yield sink.take()


def _clean(flat: dict[str, Any]) -> dict[str, Any]:
    return {
        name: replace_surrogates(value) if isinstance(value, str) else value for name, value in flat.items()
    }


class _Sink:
    """What pyarrow writes to; hands on what has come."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self._length += len(part)
        return len(part)

    def tell(self) -> int:
        return self._length

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken
