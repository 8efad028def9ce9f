"""Cards → the page: one HTML file that loads nothing, and runs no script or style but its own."""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources

from edge_iqa import __version__
from edge_iqa.page.batch import show_batch
from edge_iqa.page.card import Card
from edge_iqa.page.figures import name_attribute
from edge_iqa.page.markup import escape
from edge_iqa.page.ramp import STOPS
from edge_iqa.words import Words

_MARK = "<!--cards-->"
_GAP = re.compile(r"{{(\w+)}}|<!--(\w+)-->")


def assemble(
    cards: Sequence[Card],
    words: Words,
    attributes: Sequence[str],
    made_by: Sequence[str],
    day: datetime.date,
) -> bytes:
    """Put the page together.

    Args:
        cards: photos, in the order in which they are shown.
        words: the language.
        attributes: of the bundle, in its order: what maps can show beside the overall score.
        made_by: bundle, policy and the like, for the head of the page.
        day: on which it was made.

    Returns:
        UTF-8 HTML.
    """
    page = words.page
    style, script = _read("style.css"), _read("script.js")
    values = {
        "lang": words.lang,
        "csp": _make_csp(style, script),
        "title": page["title"],
        "made": page["made"].format(day=day.isoformat(), version=__version__),
        "made_by": " · ".join(made_by),
        "help": page["help"],
        "show_map": page["show_map"],
        "show_boxes": page["show_boxes"],
        "map_of": page["map_of"],
        "open_all": page["open_all"],
        "close_all": page["close_all"],
        "nothing": page["nothing_shown"],
        "photos": page["photos"].format(count=len(cards)),
        "ramp": json.dumps(STOPS),
    }
    blocks = {
        "batch": show_batch(cards, words),
        "layers": _list_layers(attributes, words),
        "style": f"<style>{style}</style>",
        "script": f"<script>{script}</script>",
    }
    head, tail = _read("template.html").split(_MARK)
    head, tail = (_fill(part, values, blocks) for part in (head, tail))
    return b"".join([head.encode(), *(card.html for card in cards), tail.encode()])


def _fill(template: str, values: Mapping[str, str], blocks: Mapping[str, str]) -> str:
    """Put texts and ready HTML into the gaps, in one pass: what is put in is not looked at again."""

    def choose(gap: re.Match[str]) -> str:
        return escape(values[gap[1]]) if gap[1] else blocks[gap[2]]

    return _GAP.sub(choose, template)


def _list_layers(attributes: Sequence[str], words: Words) -> str:
    names = [words.page["overall"], *(name_attribute(name, words.attributes) for name in attributes)]
    return "".join(f'<option value="{index}">{escape(name)}</option>' for index, name in enumerate(names))


def _make_csp(style: str, script: str) -> str:
    """Allow this very style and script, pictures that are in the page, and nothing else."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _read(name: str) -> str:
    return resources.files("edge_iqa.page").joinpath(name).read_text(encoding="utf-8").replace("\r\n", "\n")
