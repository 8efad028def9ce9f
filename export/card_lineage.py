"""The card's section on how a model was made: what the record of its last training tells, and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from export.markdown import format_table

_HASHES = {
    "student_sha256": "student",
    "teacher_sha256": "teacher",
    "data_sha256": "photos of thresholds and gates, with their splits",
}
_COUNTS = {
    "photos": "photos",
    "scenes": "scenes",
    "enlarged": "enlarged photos",
    "pairs": "pairs of scenes",
}
_RUNTIMES = {"onnx": "ONNX", "tflite": "TFLite"}


def write_making(lineage: Mapping[str, Any], files: Sequence[Mapping[str, Any]], about: str) -> str:
    """Write the section.

    Args:
        lineage: as in the manifest; its recipe may be of a team's own making, so nothing in it is taken for granted.
        files: of the manifest.
        about: Markdown on the training data.
    """
    run = read_run(lineage)
    hashes = {_HASHES.get(key, key): value for key, value in lineage.items() if key.endswith("_sha256")}
    for key, name in (("data_sha256", "photos trained on"), ("follow", "the wider student")):
        if isinstance(run.get(key), str):
            hashes[name] = run[key]
    parts = [
        "## How it was made",
        " ".join([*_tell_training(run), _tell_files(files)]),
        format_table(["of its last training", "is"], told) if (told := _list_training(run)) else "",
        format_table(["lineage", "SHA-256"], [[key, f"`{value}`"] for key, value in hashes.items()]),
        "### Data" if about.strip() else "",
        about.strip(),
    ]
    return "\n\n".join(part for part in parts if part)


def read_run(lineage: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record of the student's last training; empty where there is none."""
    recipe = lineage.get("recipe")
    run = recipe.get("student") if isinstance(recipe, dict) else None
    return run if isinstance(run, dict) else {}


def learned_from_faults(run: Mapping[str, Any]) -> bool:
    """Whether labels of photos spoiled by code had a say in the loss."""
    weights = run.get("weights")
    weight = weights.get("label") if isinstance(weights, dict) else None
    return isinstance(weight, (int, float)) and weight > 0


def _list_training(run: Mapping[str, Any]) -> list[list[str]]:
    """What went in, and how far it came: rows of a table."""
    rows = [[key, run[key]] for key in ("data", "teacher", "start") if isinstance(run.get(key), str)]
    for key, name in _COUNTS.items():
        count = run.get(key)
        if isinstance(count, list) and len(count) == 2 and all(type(each) is int for each in count):
            rows.append([f"{name} to train on; to choose the epoch by", f"{count[0]}; {count[1]}"])
    val = run.get("val")
    reached = val if isinstance(val, dict) else {}
    for key, name in (("epoch", "epoch taken"), ("srcc_teacher", "SRCC with its teacher on val")):
        if isinstance(reached.get(key), float):
            rows.append([name, f"{reached[key]:.3g}"])
    return rows


def _tell_training(run: Mapping[str, Any]) -> list[str]:
    kind = f" ({run['architecture']})" if isinstance(run.get("architecture"), str) else ""
    unlabeled = run.get("unlabeled_photos")
    sentences = [
        f"The student{kind} learned to answer as its teacher does." if run.get("teacher") else "",
        _tell_labels(run) if learned_from_faults(run) else "",
        f"It saw {unlabeled} more photos, which the teacher alone judged."
        if isinstance(unlabeled, int) and unlabeled
        else "",
        "It was cut from a wider student, and learned to give what that gives block by block."
        if run.get("follow")
        else "",
        "Its convolutions computed in steps of int8 while it learned." if run.get("aware") else "",
    ]
    return [sentence for sentence in sentences if sentence]


def _tell_labels(run: Mapping[str, Any]) -> str:
    rated = run.get("rated_photos")
    by_people = ""
    if isinstance(rated, list) and all(isinstance(each, int) for each in rated):
        count = sum(rated)
        by_people = f", and, of {count} photos, what people said" if count else "; no person rated them"
    return (
        "It learned from labels, too: photos were degraded by code (focus, motion, noise, light, tones, color, "
        f"resolution, compression), and each was compared with its source{by_people}."
    )


def _tell_files(files: Sequence[Mapping[str, Any]]) -> str:
    runtimes = {entry["runtime"] for entry in files if "runtime" in entry}
    exported = " and ".join(name for runtime, name in _RUNTIMES.items() if runtime in runtimes)
    small = any(entry.get("precision") == "int8" for entry in files)
    return f"It was exported to {exported}{', and quantized to int8 after training' if small else ''}."
