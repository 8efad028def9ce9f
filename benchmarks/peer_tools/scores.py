"""Every peer's readings of every file, photo by photo in turns; what was answered is kept, so a cut run goes on."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.peer_tools.environments import Environment
from benchmarks.peer_tools.material import Rendering
from benchmarks.peer_tools.registry import Peer
from benchmarks.peer_tools.session import LONGEST_S, Answer, Refused, Session
from compression.data import hash_file
from edge_iqa.errors import DataError

Row = dict[str, Any]

PATIENCE = 3
"""A peer that has died or hung so often in a row is left alone."""


@dataclass
class Asked:
    """A peer that is asked, started when it is needed and again when it died.

    Attributes:
        stopped: why it is not asked any more; None while it is.
        refused: messages about files that it did not score, by their hash.
    """

    peer: Peer
    environment: Environment
    longest_s: float = LONGEST_S
    stopped: str | None = None
    refused: dict[str, str] = field(default_factory=dict)
    _session: Session | None = None
    _deaths: int = 0

    def ask(self, path: Path) -> Answer | None:
        """Score one photo; None where it could not, which is told once it has `stopped`.

        Raises:
            Refused: it could not, and lives on.
        """
        if self.stopped is not None:
            return None
        try:
            if self._session is None:
                self._session = self.start()
            answer = self._session.ask([path])
        except Refused:
            self._deaths = 0
            raise
        except DataError as error:
            self.close()
            self._deaths += 1
            if self._deaths >= PATIENCE:
                self.stopped = f"{error} ({PATIENCE} times in a row)"
            raise Refused(str(error)) from error
        self._deaths = 0
        return answer

    def start(self) -> Session:
        """A new process of it.

        Raises:
            DataError: it does not start.
        """
        peer = self.peer
        return Session(
            peer.title, self.environment.python, peer.scorer, peer.arguments, longest_s=self.longest_s
        )

    def close(self) -> None:
        """End its process. May be called twice."""
        if self._session is not None:
            self._session.close()
            self._session = None


class Kept:
    """What one peer answered, as lines of a file: one cut short by a kill is asked again."""

    def __init__(self, asked: Asked, cache: Path) -> None:
        code = hash_file(asked.peer.scorer)[:8]
        self._path = cache / f"{asked.peer.name}-{asked.environment.key}-{code}.jsonl"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._rows: dict[str, Row] = {}
        known = self._path.read_bytes() if self._path.is_file() else b""
        for line in known.splitlines():
            with contextlib.suppress(ValueError, KeyError, TypeError):
                row = json.loads(line)
                self._rows[row["sha256"]] = row
        self._begins_amid = bool(known) and not known.endswith(b"\n")

    def get(self, sha256: str) -> Row | None:
        """What it answered of the file of this hash."""
        return self._rows.get(sha256)

    def put(self, sha256: str, answer: Answer) -> None:
        """Keep an answer, on disk before anything else is asked."""
        row = {
            "sha256": sha256,
            "readings": dict(answer.scores[0]),
            "wall_ns": answer.wall_ns,
            "cpu_ns": answer.cpu_ns,
        }
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(("\n" if self._begins_amid else "") + json.dumps(row) + "\n")
        self._begins_amid = False
        self._rows[sha256] = row


def collect(
    everybody: Sequence[Asked],
    sources: Iterable[Sequence[Rendering]],
    cache: Path,
    on_source: Callable[[], None] = lambda: None,
) -> Iterator[Row]:
    """Ask all about all files, a file by everybody before the next one.

    Yields:
        A row a file: what it is, `answers` by peer (`readings`, `wall_ns`, `cpu_ns`); one that gave none is missing
        there.
    """
    kept = {asked.peer.name: Kept(asked, cache) for asked in everybody}
    try:
        for renderings in sources:
            for rendering in renderings:
                yield {
                    **{name: getattr(rendering, name) for name in _TOLD},
                    "answers": _ask_all(everybody, kept, rendering),
                }
            on_source()
    finally:
        for asked in everybody:
            asked.close()


_TOLD = ("sha256", "photo", "group", "kind", "name", "severity", "faults")


def _ask_all(everybody: Sequence[Asked], kept: dict[str, Kept], rendering: Rendering) -> dict[str, Row]:
    answers = {}
    for asked in everybody:
        notes = kept[asked.peer.name]
        row = notes.get(rendering.sha256)
        if row is None:
            try:
                answer = asked.ask(rendering.path)
            except Refused as error:
                asked.refused[rendering.sha256] = str(error)
                continue
            if answer is None:
                continue
            notes.put(rendering.sha256, answer)
            row = notes.get(rendering.sha256)
        if row is not None:
            answers[asked.peer.name] = row
    return answers
