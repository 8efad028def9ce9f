"""What the bench of robustness measured, as Markdown: a row a change, a row an attack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.result_file import read_json
from benchmarks.robust_figures import BAD, CROSSED, EITHER, FLIPPED, GAIN, GOOD, MEAN, OTHER, P90, SCORE
from benchmarks.rows import show_figure, show_share, to_table

SMALL = "robustness-small-host.json"
ATTACKS = ("robustness-pgd-host.json", "robustness-square-host.json")
_CHANGE = (SCORE, MEAN, FLIPPED, EITHER, OTHER)
_ATTACK = (f": {GAIN}", f": {P90}", f": {CROSSED}", f", {GOOD}: {CROSSED}", f", {BAD}: {CROSSED}")
_HEADS = ("mean change of the score", "p90", "verdict won", f"of {GOOD}", f"of {BAD}")


def tell_robustness(folder: Path) -> list[str]:
    """Tables of those results that are there, as lines of Markdown.

    Args:
        folder: `benchmarks/results`.
    """
    lines = []
    if (folder / SMALL).is_file():
        lines += _tell_changes(read_json(folder / SMALL))
    attacks = [read_json(folder / name) for name in ATTACKS if (folder / name).is_file()]
    return [*lines, *([""] if lines and attacks else []), *_tell_attacks(attacks)]


def _tell_changes(result: Mapping[str, Any]) -> list[str]:
    found = {each["what"]: each for each in result["figures"]}
    bounded = [show_figure(each) for each in result["figures"] if each["bound"] is not None]
    names = [what.removesuffix(f": {EITHER}") for what in found if what.endswith(f": {EITHER}")]
    rows = [[name, *(_show(found, f"{name}: {ending}") for ending in _CHANGE)] for name in names]
    return [
        f"**Small changes** to {result['photos']} photos of `{result['split']}` and {result['scenes']} scenes, each "
        f"clean and spoiled by one fault ({result['renderings']} files), from encoded bytes to verdict; scores are 0 "
        "to 1. The change that does worst, by the worse end of its interval, is held to the bounds. A flip is from "
        "accept to anything else, or back, of photos that are clearly good or bad by their label.",
        "",
        *to_table(["figure", "measured", "bound", ""], bounded),
        "",
        *to_table(["change", *_CHANGE], rows),
    ]


def _tell_attacks(results: Sequence[Mapping[str, Any]]) -> list[str]:
    if not results:
        return []
    found = {each["what"]: each for result in results for each in result["figures"]}
    names = [what.removesuffix(f": {P90}") for what in found if what.endswith(f": {P90}")]
    rows = [[name, *(_show(found, name + ending) for ending in _ATTACK)] for name in names]
    return [
        f"**Attacks** on the views of {_list_sources(results)}, at most so many levels of 255 a value: through the "
        "weights of teacher or student (PGD, 20 steps), or by questions to the device's model alone (square); random "
        "signs are what no search does. Told is how far the device's score goes the way that is wanted, accepted "
        "photos down and others up, and how often it passes the bound of accept (won). Nothing was hardened, so there "
        "are no bounds: whoever wants to fool the model on purpose can. It advises an honest seller; uploads are to be "
        "checked again on the server, and a device's verdict is no proof. Views were attacked as they come to the "
        "model, not files.",
        "",
        *to_table(["attack", *_HEADS], rows),
    ]


def _list_sources(results: Sequence[Mapping[str, Any]]) -> str:
    numbers = dict.fromkeys((each["photos"], each["scenes"], each["renderings"]) for each in results)
    return " and ".join(
        f"{photos} photos and {scenes} scenes ({renderings} files)" for photos, scenes, renderings in numbers
    )


def _show(found: Mapping[str, Any], what: str) -> str:
    estimate = found[what]["estimate"]
    return "-" if estimate is None else show_share(estimate)
