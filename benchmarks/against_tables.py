"""What `accuracy.py --against` found, as Markdown: a row a model file, all on the same renderings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import against
from benchmarks.result_file import read_result
from benchmarks.rows import to_table

_SHOWN = (
    "SRCC with labels",
    "SRCC with the teacher",
    "pairs of one source in order",
    '"not accept": accuracy',
)
_BESIDE = "SRCC with labels of {}, less the teacher's"


def tell_against(folder: Path) -> list[str]:
    """Tables of such results, as lines of Markdown; none where there is none.

    Args:
        folder: `benchmarks/results`.

    Raises:
        DataError: a result of another kind or schema.
    """
    lines: list[str] = []
    for path in sorted(folder.glob(f"{against.KIND}-*.json")):
        result = read_result(path, against.KIND, (against.SCHEMA,))
        beside = {each["what"]: each["estimate"] for each in result["figures"]}
        mine = f"{result['bundle']} {result['model']}"
        first = {each["what"]: each["ours"] for each in result["against"][0]["comparisons"]}
        rows = [
            [
                f"{mine} (in use)",
                *_values(first),
                _signed(beside[_BESIDE.format("the bundle in use")]),
                "",
                "",
                "",
            ]
        ]
        rows += [_to_row(each, beside) for each in result["against"]]
        lines += [
            *([""] if lines else []),
            f"**File by file**, on the same renderings of {result['photos']} photos and {result['scenes']} scenes of "
            f"`test`, from encoded bytes: {mine} in use, and other files. Intervals are of differences, both taken of "
            "the same resamples of whole groups; the teacher judges the same renderings in float. Told apart are those "
            "of the four figures whose interval does not hold 0.",
            "",
            *to_table(
                [
                    "model",
                    *_SHOWN,
                    "SRCC with labels, less the teacher's own",
                    "told apart from the one in use",
                    "verdicts that differ",
                    "scores apart, p99",
                ],
                rows,
            ),
        ]
    return lines


def _to_row(other: Mapping[str, Any], beside: Mapping[str, Mapping[str, float]]) -> list[str]:
    found = {each["what"]: each for each in other["comparisons"]}
    apart = [
        f"{what} {_signed(found[what]['difference'])}"
        for what in _SHOWN
        if found[what]["told"] != against.EVEN
    ]
    return [
        other["name"],
        *_values({what: each["theirs"] for what, each in found.items()}),
        _signed(beside[_BESIDE.format(other["name"])]),
        "; ".join(apart) or against.EVEN,
        f"{other['flips']} of {other['n']}",
        f"{other['score_difference']['p99']:.3f}",
    ]


def _values(found: Mapping[str, float]) -> list[str]:
    return [f"{found[what]:.3f}" for what in _SHOWN]


def _signed(estimate: Mapping[str, float]) -> str:
    return f"{estimate['value']:+.3f} [{estimate['low']:+.3f}, {estimate['high']:+.3f}]"
