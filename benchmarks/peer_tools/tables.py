"""What the bench of peers measured, as Markdown: what is bounded, a row a judge, a row a degradation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peer_tools.judging import SAME_PAIRS
from benchmarks.result_file import read_result
from benchmarks.rows import show_figure, show_share, tell_warnings, to_table

KIND, SCHEMA, FILE = "peers", 1, "peers-host.json"
_OVERALL = "overall"
_MB = 1e6


def tell_peers(folder: Path) -> list[str]:
    """Tables of the result, as lines of Markdown; none where there is no result.

    Args:
        folder: `benchmarks/results`.

    Raises:
        DataError: a result of another kind or schema.
    """
    if not (folder / FILE).is_file():
        return []
    result = read_result(folder / FILE, KIND, (SCHEMA,))
    bounded = [show_figure(each) for each in pick_bounded(result["figures"])]
    titles = {each["name"]: each["title"] for each in result["peers"]}
    lines = [
        f"**Others** on the same files in the same run: {_describe_files(result)}. A pair is clean against spoiled, or "
        "two severities of one fault; ties count half; of several readings a judge gets the one that orders most. "
        'Differences are paired. "Intervals apart" reaches from the near to the far ends of both intervals. Time and '
        "memory are of one photo of 12 megapixels, all in turns, on one thread, and ratios the median of four photos, "
        "between the least and the most of them; memory is what it takes beyond what "
        "the process holds, and the whole process at its most; size is that of its installed packages.",
        "",
        *to_table(
            [
                "judge",
                "pairs in order",
                "12 MP, ms",
                "times ours (median of photos)",
                "memory, MB",
                "process, MB",
                "size, MB",
            ],
            [describe_judge(result, each) for each in result["peers"]],
        ),
        "",
        *to_table(["figure", "measured", "bound", ""], bounded),
    ]
    if result["order"]:
        heads = ["pairs in order", *(titles[peer] for peer in result["order"])]
        lines += ["", *to_table(heads, show_order(result["order"]))]
    missing = [f"{titles.get(name, name)}: {why}" for name, why in result["missing"].items()]
    lines += tell_warnings(result)
    return [*lines, *(["", f"Not measured: {'; '.join(missing)}."] if missing else [])]


def _describe_files(result: Mapping[str, Any]) -> str:
    files = result["files"]
    if not files:
        return "photos of 12 megapixels"
    return (
        f"{files['photo']} photos of `{result['split']}` and {files['canvas']} things on white, each clean and spoiled "
        f"by every fault at two severities, and {files['large']} drawn photos of 12 megapixels, blurred in four ways "
        f"({files['files']} files, {files['pairs']} pairs)"
    )


def pick_bounded(figures: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Figures with a bound; of degradations, of which each judge has many, the worst and what is missed."""
    chosen = []
    bounded = [each for each in figures if each["bound"] is not None]
    worst: dict[str, Mapping[str, Any]] = {}
    for each in bounded:
        judge, is_part, _ = each["what"].partition(SAME_PAIRS)
        if is_part and (judge not in worst or each["estimate"]["value"] < worst[judge]["estimate"]["value"]):
            worst[judge] = each
    for each in bounded:
        judge, is_part, name = each["what"].partition(SAME_PAIRS)
        if not is_part or each["held"] is False:
            chosen.append(each)
        elif each is worst[judge]:
            chosen.append({**each, "what": f"{judge}{SAME_PAIRS}{name} (the worst degradation)"})
    return chosen


def show_order(order: Mapping[str, Any], brief: bool = False) -> list[list[str]]:
    """A row a degradation or kind of source, a cell a judge.

    Args:
        order: that of a result; ours first.
        brief: without intervals.
    """
    names = [name for name in next(iter(order.values()))["shares"] if name != _OVERALL]
    return [
        [name.replace("_", " "), *(_share(judge, name, brief) for judge in order.values())] for name in names
    ]


def describe_judge(result: Mapping[str, Any], peer: Mapping[str, Any]) -> list[str]:
    """One judge: its order, time, memory and size, as text.

    Args:
        result: all of it.
        peer: one of its `peers`.
    """
    name = peer["name"]
    cost = result["cost"].get(name, {})
    judge = result["order"].get(name)
    time, memory = cost.get("time"), cost.get("memory")
    slower = cost.get("times_as_slow_as_ours")
    p50 = time and time[result["settings"]["clock"]]["p50_ms"]
    return [
        peer["title"],
        show_share(judge["shares"][_OVERALL]) if judge else "-",
        f"{p50['value']:.0f}" if p50 else "-",
        f"{slower['value']:.1f} [{slower['low']:.1f}, {slower['high']:.1f}]" if slower else "-",
        f"{memory['most_taken_bytes'] / _MB:.0f}" if memory else "-",
        f"{memory['most_process_bytes'] / _MB:.0f}" if memory else "-",
        f"{peer['size_bytes'] / _MB:.0f}",
    ]


def _share(judge: Mapping[str, Any], name: str, brief: bool) -> str:
    share = judge["shares"].get(name)
    if share and brief:
        return f"{share['value']:.2f}"
    return f"{share['value']:.2f} [{share['low']:.2f}, {share['high']:.2f}]" if share else "-"
