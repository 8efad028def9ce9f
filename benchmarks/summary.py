"""Results → the short table of the README: what a newcomer asks first, of every bench a few figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.result_file import read_json
from benchmarks.rows import show_figure, tell_warnings, to_table

SHOWN: Mapping[str, Mapping[str, str]] = {
    "accuracy-tflite.json": {
        "pairs of one source in order": "of two photos of one product, the worse scores lower",
        '"not accept": accuracy': "good and bad photos told apart",
        "the cause named first is the fault": "the cause named first is the fault",
        "student vs teacher, SRCC": "order of scores as on the server (SRCC)",
    },
    "confidence-tflite.json": {
        "expected calibration error of the confidence": "confidence: expected calibration error",
    },
    "robustness-small-host.json": {
        "the worst of the small changes: p99 of the score's change": "a change that hardly shows moves the score, p99",
        "the worst of the small changes: verdict flips, clear photos": "the same: verdicts of clear photos that flip",
    },
    "measuring-host.json": {
        "product mask, mean IoU on plain backgrounds": "outline of the product, IoU on plain backgrounds",
        "fill within 5 points, plain backgrounds": "fill within 5 points",
        "cut-off found, plain backgrounds: F1": "cut-off found, F1",
        "border found: F1": "borders found, F1",
        "overlay found: F1": "texts and marks over the photo found, F1",
        "collage found: F1": "collages found, F1",
        "exposure alarms on legal white backgrounds": "false exposure alarms on white backgrounds",
    },
    "fixes-host.json": {
        "fixable faults brought to accept": "repairable faults brought to accept by `fix`",
        "worse by the teacher: light, color, noise": "made worse by `fix`, says the teacher: light, color, noise",
        "changed photos worse by the teacher, same content": "the same of all repairs, what is in both photos compared",
        "changed photos worse by the teacher": "the same of all repairs, whole photos compared, turned or cropped",
        "changed photos worse by CIEDE2000 to the clean source": "led away from the clean source's colors by `fix`",
        "clean photos touched": "clean photos touched by `fix`",
    },
    "camera-states-host.json": {
        "state right": "live frames whose state is right",
        "hint changes not needed, in 10 s": "live hints that change without need, in 10 s",
    },
    "camera-best-host.json": {
        "best frame within 0.03 of the best label": "`best()` is within 0.03 of the best frame there was",
    },
    "camera-load-host.json": {
        "1080p at 30 fps: frames answered within 33 ms": "1080p at 30 fps: frames answered within 33 ms",
        "1080p at 30 fps: CPU, cores": "the same: cores of the processor in use",
    },
    "duplicates-host.json": {
        "claims of a copy that are right": "photos called copies that are",
        "found: re-compressed": "copies found: compressed again",
        "found: cropped 15 %": "copies found: 15 % cropped away",
    },
    "search-host.json": {
        "search, ms, p50": "search of a million photos, ms, median",
    },
    "kills-host.json": {
        "galleries lost": "galleries lost to a kill while saving",
    },
    "batch-scaling-host.json": {
        "one process / two, time of `edge-iqa batch`": "`batch` with one process / with two, time",
    },
    "batch-kills-host.json": {
        "rows lost of runs that were killed": "rows lost by `batch` to kills",
    },
    "peers-host.json": {
        "ours ahead of cleanvision, intervals apart: overall": "pairs in order, Edge IQA less CleanVision",
        "ours ahead of brisque, intervals apart: overall": "the same, less BRISQUE",
        "ours ahead of niqe, intervals apart: overall": "the same, less NIQE",
        "12 MP, times as fast as cleanvision": "12 MP: times as fast as CleanVision",
        "12 MP, memory over that of cleanvision": "12 MP: memory of a verdict over that of CleanVision",
    },
    "scale-host.json": {
        "JPEG: cost of 48 MP over that of 1 MP, by pixels": "cost of a pixel of a 48 MP JPEG over that of a 1 MP one",
    },
    "simulated-host.json": {
        "error of models left out, mean": "simulated against measured time of a model, error",
    },
    "trust-again-host.json": {
        "runs of the same bundle that are valid": "runs of `latency.py` on a shared host that are valid",
    },
    "trust-told-host.json": {
        "a slowdown of 10% is told": "a slowdown of 10 % is told by `--compare`",
        "nothing is told between two runs of the same": "none is told between two runs of the same",
    },
    "trust-disturbed-host.json": {
        "INVALID for it: a busy loop on the core of the run": "runs beside a busy loop that are told INVALID",
    },
    "trust-overhead-host.json": {
        "overhead of the bench over a bare loop, share of its time": "time that the bench adds to a verdict",
    },
}
"""File → figure → what it is called in the README."""


def summarize(folder: Path) -> str:
    """The short table and how many bounds are held, as Markdown.

    Args:
        folder: `benchmarks/results`.
    """
    results = {name: read_json(folder / name) for name in SHOWN}
    cost = read_json(folder / "verdict-cost-host.json")
    bounded = [each for result in results.values() for each in result["figures"] if each["bound"] is not None]
    held = sum(each["held"] is True for each in bounded)
    rows = [row for name, result in results.items() for row in _pick(result, SHOWN[name])]
    return "\n".join(
        [
            f"Measured on photos and drawn listings that nothing was tuned on: value [95 % interval], n. Of the "
            f"{len(bounded)} bounds of these {len(results)} benches {held} are held, each by the worse end of its "
            "interval, or by its value where it says (point); what is *missed* works less well than we want it to "
            "for a release.",
            "",
            *to_table(["figure", "measured", "bound", ""], [*rows, *_costs(cost)]),
            *(
                line
                for name, result in {**results, "verdict-cost-host.json": cost}.items()
                for line in tell_warnings(result, f"`{name}`")
            ),
            "",
        ]
    )


def _pick(result: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[list[str]]:
    found = {each["what"]: each for each in result["figures"]}
    for what, name in names.items():
        yield [name, *show_figure(found[what])[1:]]


def _costs(cost: Mapping[str, Any]) -> Iterator[list[str]]:
    """Ratios of one run: they hold on other machines too, which milliseconds do not."""
    ratios = [each["over_decode"] for photo in cost["time"] for each in photo["verdicts"].values()]
    ratios = [each for each in ratios if each["held"] is not None]
    values = [each["estimate"]["value"] for each in ratios]
    held = "held" if all(each["held"] for each in ratios) else "missed"
    span = f"{min(values):.2f} to {max(values):.2f}"
    yield [
        "whole verdict of 12 MP JPEGs / decoding them with OpenCV, time",
        span,
        ratios[0]["bound"].replace("<=", "≤"),
        held,
    ]
    for each in cost["memory"]:
        if each["held"] is not None:
            yield [
                f"memory of a verdict / pixels of a 48 MP photo, {each['format']}",
                f"{each['over_pixels']:.2f}",
                each["bound"],
                "held" if each["held"] else "missed",
            ]
