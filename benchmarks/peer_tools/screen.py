"""What the bench of peers shows on a screen: what is bounded, a row a degradation, a row a judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.peer_tools.tables import describe_judge, show_order
from benchmarks.table import Table, show

_HEADS = ("judge", "pairs in order", "12 MP, ms", "times ours", "memory, MB", "process, MB", "size, MB")


def show_peers(result: Mapping[str, Any]) -> None:
    """Print the tables of a result."""
    titles = {each["name"]: each["title"] for each in result["peers"]}
    judges = tuple(tuple(describe_judge(result, each)) for each in result["peers"])
    show(Table("judges", _HEADS, judges))
    if result["order"]:
        columns = ("pairs in order", *(titles[peer] for peer in result["order"]))
        show(Table("by degradation", columns, tuple(map(tuple, show_order(result["order"])))))
    for name, why in result["missing"].items():
        print(f"not measured: {titles.get(name, name)}: {why}")
