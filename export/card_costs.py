"""The card's section on what a photo costs: time on the machine of the gates, and the work that stands for energy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from export.markdown import format_table


def write_costs(costs: Mapping[str, Any] | None) -> str:
    """Write the section; "" where the gate report was made before costs were measured.

    Args:
        costs: of the gate report, which was checked.
    """
    if not costs:
        return ""
    files = dict(sorted(costs["files"].items()))
    parts = [
        "## What it costs",
        _describe_run(costs),
        format_table(
            ["file", "ms, p50", "ms, p90"],
            [[f"`{name}`", _ms(each.get("p50_ms")), _ms(each.get("p90_ms"))] for name, each in files.items()],
        ),
        "\n".join(f"- Doubtful: {warning}." for warning in costs["warnings"]),
        "Energy was not measured: a computer does not tell it. Multiplications and bytes moved stand for it; they "
        "are counted from the layers that the runtime executes. Bytes are the weights of each layer, read once "
        "(those that the file holds as int8 and the runtime makes float, as floats: more than the file), and "
        "what goes in and out of it, whether caches hold it or not.",
        format_table(
            ["file", "M multiplications", "of them 8-bit", "MB weights", "MB activations", "MB moved"],
            [[f"`{name}`", *_count(each)] for name, each in files.items()],
        ),
    ]
    return "\n\n".join(part for part in parts if part)


def _describe_run(costs: Mapping[str, Any]) -> str:
    machine = costs["machine"]
    products = {
        True: "with 8-bit dot products",
        False: "without 8-bit dot products",
        None: "which does not tell whether it has 8-bit dot products",
    }[machine.get("int8_products")]
    cpu = machine.get("cpu") or "a processor that does not tell its name"
    about = ", ".join(str(machine[key]) for key in ("architecture", "os") if machine.get(key))
    versions = ", ".join(costs["versions"].values())
    repeats = min((each["n"] for each in costs["files"].values()), default=0)
    return (
        f"The model alone, milliseconds a photo, on {costs['threads']} thread of a host (no phone): {cpu}, {products}; "
        f"{machine['cores']} cores{f'; {about}' if about else ''}; {versions}. {repeats} repeats over the views of "
        f"{costs['photos']} photos, the files of one runtime in turns. Decoding, views and verdict come on top."
    )


def _ms(estimate: Mapping[str, Any] | None) -> str:
    return "-" if estimate is None else f"{estimate['value']:.2f}"


def _count(each: Mapping[str, Any]) -> list[str]:
    moved = each["weight_bytes"], each["activation_bytes"], each["weight_bytes"] + each["activation_bytes"]
    share = each["int8_macs"] / max(each["macs"], 1)
    return [f"{each['macs'] / 1e6:.1f}", f"{share:.0%}", *(f"{count / 1e6:.2f}" for count in moved)]
