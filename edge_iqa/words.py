"""What a seller hears: one catalog a language, `edge_iqa/words/LANGUAGE.toml`. Another language is another file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from edge_iqa import toml
from edge_iqa.camera.names import HINTS, STATES
from edge_iqa.codes import CODES
from edge_iqa.errors import WordsError
from edge_iqa.measurement import MEASURES
from edge_iqa.page.texts import ATTRIBUTES, OUTCOMES, PAGE
from edge_iqa.toml import Entry

FOLDER = Path(__file__).parent / "words"
DEFAULT = "en"
SENTENCES = ("accept", "hint", "fix", "review", "override")
"""What is said beside the causes: of the verdicts, of hints beside `accept`, before the reason of an override."""

TABLES: Mapping[str, tuple[str, ...]] = {
    "sentences": SENTENCES,
    "verdicts": OUTCOMES,
    "attributes": ATTRIBUTES,
    "measures": tuple(MEASURES),
    "states": STATES,
    "hints": HINTS,
    "page": PAGE,
}
"""Tables of a catalog beside the causes, and the names that each must have."""

_SUFFIX = ".toml"
_LONGEST = 200
_WIDE_STOPS = ("\u3002", "\uff01", "\uff1f", "\uff1a")


@dataclass(frozen=True)
class Saying:
    """What is wrong, and what to do about it: one sentence each."""

    what: str
    advice: str


@dataclass(frozen=True)
class Words:
    """A catalog.

    Attributes:
        lang: its language, such as `en`.
        causes: by code; every code of `edge_iqa.codes.CODES` is there.
        sentences: by name; all of `SENTENCES` are there.
        verdicts, attributes, measures: labels, by name.
        states, hints: of the camera: labels, and what to do now, by name.
        page: texts of the page that `edge-iqa report` writes, by name.
    """

    lang: str
    causes: Mapping[str, Saying]
    sentences: Mapping[str, str]
    verdicts: Mapping[str, str]
    attributes: Mapping[str, str]
    measures: Mapping[str, str]
    states: Mapping[str, str]
    hints: Mapping[str, str]
    page: Mapping[str, str]


def join(sentences: Sequence[str]) -> str:
    """Sentences in a row: a blank between them, none behind a full-width stop, as Chinese is written."""
    return "".join(f"{each}{'' if each.endswith(_WIDE_STOPS) else ' '}" for each in sentences).rstrip()


def list_languages() -> list[str]:
    """Languages that there are catalogs for, sorted."""
    return sorted(path.stem for path in FOLDER.glob(f"*{_SUFFIX}"))


@lru_cache
def open_words(lang: str = DEFAULT) -> Words:
    """Open the catalog of a language, given in upper or lower case.

    Raises:
        WordsError: there is none, or it lacks a code, has one that is not known, or says nothing for one.
    """
    languages = list_languages()
    name = {each.lower(): each for each in languages}.get(str(lang).lower())
    if name is None:
        raise WordsError(f"expected one of the languages {', '.join(languages)}, got {lang!r}")
    return read_words(toml.read(FOLDER / f"{name}{_SUFFIX}", WordsError, "a catalog of words"), name)


def read_words(root: Entry, lang: str) -> Words:
    """Read and check a catalog.

    Raises:
        WordsError: see `open_words`; the message names file, line and key.
    """
    root.check_keys((*TABLES, *CODES))
    causes = {code: _read_saying(root[code]) for code in CODES}
    return Words(lang, causes, **{name: _read_table(root[name], keys) for name, keys in TABLES.items()})


def _read_table(table: Entry, names: tuple[str, ...]) -> dict[str, str]:
    table.check_keys(names)
    return {name: _read_sentence(table[name]) for name in names}


def _read_saying(entry: Entry) -> Saying:
    entry.check_keys(("what", "advice"))
    return Saying(_read_sentence(entry["what"]), _read_sentence(entry["advice"]))


def _read_sentence(entry: Entry) -> str:
    """One line that says something: it goes into tables and onto small screens."""
    text = entry.text()
    if not text.strip() or not text.isprintable() or len(text) > _LONGEST:
        raise entry.refuse(f"one line of text of at most {_LONGEST} letters")
    return text
