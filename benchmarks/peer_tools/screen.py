"""What the bench of peers shows on a screen: what is bounded, a row a degradation, a row a judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.peer_tools.tables import describe_judge, pick_bounded, show_order
from benchmarks.rows import show_figure
from benchmarks.table import Table, show

_HEADS = ("judge", "pairs in order", "12 MP, ms", "times ours", "memory, MB", "process, MB", "size, MB")


def show_peers(result: Mapping[str, Any]) -> None:
    """Print the tables of a result."""
    titles = {each["name"]: each["title"] for each in result["peers"]}
    judges = tuple(tuple(describe_judge(result, each)) for each in result["peers"])
    show(Table("judges", _HEADS, judges))
    bounded = tuple(tuple(show_figure(each)) for each in pick_bounded(result["figures"]))
    show(Table("what is bounded", ("figure", "measured", "bound", ""), bounded))
    if result["order"]:
        columns = ("pairs in order", *(titles[peer] for peer in result["order"]))
        show(Table("by degradation", columns, tuple(map(tuple, show_order(result["order"], brief=True)))))
    for name, why in result["missing"].items():
        print(f"not measured: {titles.get(name, name)}: {why}")
