"""MODEL_CARD.md: what a bundle is, how it was made and proven, and where it ends, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from export.card_costs import write_costs
from export.card_lineage import learned_from_faults, read_run, write_making
from export.failures import Example, Trials
from export.golden import LEAST_LEVELS, LEAST_SCORE, SAFETY
from export.markdown import format_table

_MEANING = {
    "sharpness": "in focus, and not moved",
    "exposure": "neither too dark nor too bright",
    "contrast": "no haze, tones neither flat nor harsh",
    "color": "no color cast, natural saturation",
    "noise": "no grain",
    "detail": "fine detail is there: not smeared, enlarged, over-sharpened or worn by compression",
}


_FROM_FAULTS = [
    "Labels came from faults made by code. Of the flaws that were in the source photos only blur, noise, darkness, "
    "veils and enlargement were measured; others are known only where people said so."
]


def write_card(
    manifest: Mapping[str, Any],
    about: str = "",
    slices: Sequence[Mapping[str, Any]] = (),
    costs: Mapping[str, Any] | None = None,
    trials: Trials | None = None,
    float_layers: Mapping[str, int] | None = None,
    licence: str = "",
) -> str:
    """Write the card of a bundle.

    Args:
        manifest: as it will stand in the bundle, all but the card's own entry under `files`.
        about: Markdown on the training data, from those who chose it; what the lineage tells is
            there without it.
        slices: of the gate report: those that were too small to measure are named.
        costs: of the gate report: what each file costs for a photo, and where that was measured.
        trials: photos of known truth, judged; those judged wrongly are shown.
        float_layers: int8 file → how many of its convolutions compute in float, where that is known.
        licence: of the models, from those who give them away.
    """
    parts = [
        _head(manifest),
        _outputs(manifest),
        _files(manifest["files"], manifest["in_use"], float_layers or {}),
        write_costs(costs),
        write_making(manifest["lineage"], manifest["files"], about),
        _gates(manifest["gates"], slices),
        _use(manifest),
        _failures(trials),
        _proof(manifest),
        f"## Licence\n\n{licence.strip()}" if licence.strip() else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(manifest: Mapping[str, Any]) -> str:
    lines = [
        f"# Edge IQA model: {manifest['name']} {manifest['version']}",
        "Tells on the device, in milliseconds, whether a product photo is good enough to upload, and if not, why.",
    ]
    if manifest["experimental"]:
        lines.append(
            "**Experimental.** It was held to looser bounds than a release needs (see Gates). "
            "Do not let it refuse a seller's photo without a way round it."
        )
    return "\n\n".join(lines)


def _outputs(manifest: Mapping[str, Any]) -> str:
    views, outputs, bounds = manifest["views"], manifest["outputs"], manifest["thresholds"]
    count, size = 1 + views["detail"], views["size_px"]
    rows = [
        [name, _MEANING.get(name, ""), f"{bounds['attributes'][name]:.3f}"] for name in outputs["attributes"]
    ]
    return "\n\n".join(
        [
            "## What goes in, what comes out",
            f"In: `views`, uint8 ({count}, {size}, {size}, 3), RGB: the whole photo squeezed to a square, and "
            f"{views['detail']} crops cut where the photo has structure, at a scale where its long side has at most "
            f"{views['long_side_px']} px. `edge_iqa.views` cuts them; `golden/*.views.png` shows what a port must get.",
            f"Out: `scores`, float32 (1, {1 + len(outputs['attributes'])}), 0 to 1, higher is better: overall quality, "
            f"then {', '.join(outputs['attributes'])}. `embedding`, float32 (1, {outputs['embedding']}), unit length: "
            "near-duplicates lie close." + _categories(outputs["categories"]),
            f"A photo is accepted from an overall score of {bounds['accept']:.3f}, must be taken again below "
            f"{bounds['reject']:.3f}, and is for review between. An attribute below its bound is told to the seller:",
            format_table(["attribute", "high means", "bound"], rows),
            *_tell_calibration(manifest),
        ]
    )


def _tell_calibration(manifest: Mapping[str, Any]) -> list[str]:
    """How a score becomes a chance; nothing for a bundle without calibration."""
    calibration = manifest.get("calibration")
    if calibration is None:
        return []
    curves = {"overall": calibration["overall"], **calibration["attributes"]}
    rows = [
        [name, f"{curve['midpoint']:.3f}", f"{curve['temperature']:.3f}"] for name, curve in curves.items()
    ]
    return [
        "How sure a score is: the chance that it is good is 1 / (1 + exp((midpoint - score) / temperature)). Curves "
        "were fitted on photos of `val`, as the thresholds were; good is an overall label of at least 0.7, bad one of "
        "at most 0.5; of an attribute 0.92 and 0.80; labels between them did not count.",
        format_table(["score", "midpoint", "temperature"], rows),
    ]


def _categories(names: Sequence[str]) -> str:
    if not names:
        return ""
    return (
        f" `category`, float32 (1, {len(names)}), logits: what the product is, one of {', '.join(names)}. "
        "It changes neither score nor verdict."
    )


def _files(
    files: Sequence[Mapping[str, Any]], in_use: Mapping[str, str], float_layers: Mapping[str, int]
) -> str:
    rows = [
        [
            f"`{entry['path']}`",
            {"onnx": "ONNX Runtime", "tflite": "LiteRT, tflite-runtime"}[entry["runtime"]],
            entry["precision"],
            f"{entry['bytes'] / 1e6:.2f}",
            "yes" if entry["path"] in in_use.values() else "",
        ]
        for entry in files
        if "runtime" in entry
    ]
    table = format_table(["file", "runtime", "precision", "MB", "in use"], rows)
    note = _int8(float_layers) if any(entry.get("precision") == "int8" for entry in files) else ""
    return "\n\n".join(part for part in ("## Files", table, note) if part)


def _int8(float_layers: Mapping[str, int]) -> str:
    counted = ", ".join(f"`{name}` {count}" for name, count in sorted(float_layers.items()))
    return (
        "In int8 models pooling and heads compute in float, with weights stored as int8, and so may convolutions that "
        f"would lose too much.{f' Convolutions that stayed float: {counted}.' if counted else ''} "
        "Where int8 did not gain as much over float as its gate asks, the float file is in use. The bundle inside the "
        "Python package holds the files in use alone."
    )


def _gates(gates: Sequence[Mapping[str, Any]], slices: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        [
            gate["name"],
            _number(gate.get("value")),
            f"{_number(gate.get('low'))} to {_number(gate.get('high'))}",
            str(gate["n"]),
            gate["bound"],
            "held" if gate["passed"] else "not held",
        ]
        for gate in gates
    ]
    note = (
        "Measured on photos that neither training nor thresholds have seen. Intervals are 95 %, from resampling "
        "whole groups (senders, scenes), and a bound must hold for the worse end. A speed-up that is not held "
        "means that the float file is in use."
    )
    table = format_table(["gate", "value", "interval", "n", "bound", ""], rows)
    return "\n\n".join(part for part in ("## Gates", note, table, _unmeasured(slices)) if part)


def _unmeasured(slices: Sequence[Mapping[str, Any]]) -> str:
    """The kinds of photos of which too few were at hand, so that no one takes silence for a gate held."""
    small = [each for each in slices if each.get("estimate") is None]
    if not small:
        return ""
    kinds: dict[str, list[str]] = {each["kind"]: [] for each in small}
    for each in small:
        kinds[each["kind"]].append(f"{each['name']} ({each['n']} images from {each['groups']} groups)")
    listed = "\n".join(f"- {kind}: {', '.join(names)}" for kind, names in kinds.items())
    return f"Too few photos to measure by themselves:\n\n{listed}"


def _use(manifest: Mapping[str, Any]) -> str:
    outputs = manifest["outputs"]
    missing = [name for name in _MEANING if name not in outputs["attributes"]]
    unseen = (
        "framing, background and text"
        if outputs["categories"]
        else "framing, background, text and what is for sale"
    )
    limits = [
        f"It judges the photo, not the product: {unseen} are not looked at.",
        "A fault of a kind that it has not learned, or a deliberate style (shallow focus, low key), may be judged "
        "wrongly; so may photos unlike the training data.",
        *(_FROM_FAULTS if learned_from_faults(read_run(manifest["lineage"])) else []),
        *([f"Not taught, and so not told: {', '.join(missing)}."] if missing else []),
        *(["A thing of none of the categories is given one all the same."] if outputs["categories"] else []),
        "Nothing about people may be concluded from its scores or its embedding.",
    ]
    return "\n\n".join(
        [
            "## Intended use, and limits",
            "Advice to a person who takes photos of things for sale, before upload: say what is wrong, and let them "
            "send the photo all the same. Not for judging people, evidence, medical or satellite images.",
            "\n".join(f"- {limit}" for limit in limits),
        ]
    )


def _failures(trials: Trials | None) -> str:
    """Photos that it judges wrongly, each with its picture; "" where none were tried."""
    if trials is None:
        return ""
    tried = f"{trials.count} photos of known truth that may be shown were judged with `{trials.model}`"
    if not trials.misses:
        return f"## Known failures\n\n{tried}: none of them wrongly."
    rows = [
        [
            f"![{miss.example.path.name}]({miss.picture})",
            f"`{miss.example.path.name}`: {miss.example.shows}",
            _expectation(miss.example),
            f"{miss.verdict.value}, score {miss.score:.1f}{f', {miss.said}' if miss.said else ''}",
            " and ".join(miss.wrong),
            miss.example.licence,
        ]
        for miss in trials.misses
    ]
    table = format_table(["picture", "photo", "should be", "came out", "wrong", "licence"], rows)
    note = (
        f"{tried}: {len(trials.misses)} wrongly, in the verdict (accepted though it should not be, or the reverse) or "
        "in the issue that the seller hears first. Pictures are small; the whole photos were judged."
    )
    return "\n\n".join(["## Known failures", note, table])


def _expectation(example: Example) -> str:
    issues = "" if example.issues is None else f", {' or '.join(sorted(example.issues)) or 'no issue'}"
    return f"{'accepted' if example.accepted else 'not accepted'}{issues}"


def _proof(manifest: Mapping[str, Any]) -> str:
    tolerance = manifest["tolerance"]
    return "\n\n".join(
        [
            "## Does it work here?",
            f"`edge-iqa doctor` runs the golden photos: views must agree within {tolerance['views_levels']:g} of 255 "
            f"levels on average, scores within {tolerance['scores']:g}. That is {SAFETY:g} times what differed on the "
            "machine that packed the bundle, between two JPEG decoders and between fast and plain kernels, and "
            f"never less than {LEAST_LEVELS:g} and {LEAST_SCORE:g}.",
        ]
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
