"""Order accuracy by degradation, everybody's, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peer_tools.judging import NAMES, OVERALL

_MARKS = "osD^vPX*"


def plot_order(path: Path, result: Mapping[str, Any]) -> Path:
    """A row a degradation, a mark a judge; ours is filled.

    Args:
        result: of `peers.py`.
    """
    from matplotlib.figure import Figure as Canvas

    orders, pairs = result["order"], result["files"]["pairs"]
    titles = {peer["name"]: peer["title"] for peer in result["peers"]}
    names = [name for name in (OVERALL, *NAMES) if any(name in order["shares"] for order in orders.values())]
    figure = Canvas(figsize=(9, 1.5 + 0.42 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(0.5, color="0.6", linestyle=":", label="chance")
    places = np.arange(len(names))
    spread = np.linspace(-0.3, 0.3, len(orders))
    for index, (peer, order) in enumerate(orders.items()):
        found = [order["shares"].get(name) for name in names]
        at = [place + spread[index] for place, share in zip(places, found, strict=True) if share]
        known = [share for share in found if share]
        values = [share["value"] for share in known]
        ends = np.array(
            [(share["value"] - share["low"], share["high"] - share["value"]) for share in known]
        ).T
        axes.errorbar(
            values,
            at,
            xerr=np.maximum(ends, 0),
            fmt=_MARKS[index % len(_MARKS)],
            color=f"C{index}",
            markersize=5,
            linewidth=1,
            markerfacecolor=f"C{index}" if index == 0 else "white",
            label=f"{titles[peer]} ({order['reading']})" if len(order["readings"]) > 1 else titles[peer],
        )
    for place in places[::2]:
        axes.axhspan(place - 0.5, place + 0.5, color="0.95", zorder=0)
    axes.set_yticks(places, [name.replace("_", " ") for name in names])
    axes.set(xlabel="share of pairs in order; ties count half", xlim=(0, 1.01), ylim=(len(names) - 0.5, -0.8))
    axes.set_title(f"Pairs of one source in order, {pairs} pairs, 95 % intervals")
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    figure.savefig(path, dpi=110)
    return path
